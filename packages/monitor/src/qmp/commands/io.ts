// Commands about character devices.
import type { ioCommands } from '../schema/io.ts';
import type { Handlers } from './context.ts';

export const ioHandlers: Handlers<keyof typeof ioCommands> = {
  'query-chardev': ({ emulator }) =>
    (emulator.chardevs ?? []).map(({ label, filename, frontendOpen }) => ({
      label,
      filename,
      'frontend-open': frontendOpen,
    })),
};
