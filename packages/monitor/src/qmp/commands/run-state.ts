// Commands about the monitor itself and the life of the machine.
import type { Emulator } from '../../emulator.ts';
import { packageText, QEMU_VERSION } from '../../version.ts';
import { commands } from '../schema/index.ts';
import type { runStateCommands } from '../schema/run-state.ts';
import { type Handlers, requireMachine } from './context.ts';

/** `query-version`, and the greeting's. */
export function versionInfo(emulator: Emulator) {
  return { qemu: QEMU_VERSION, package: packageText(emulator) };
}

export const runStateHandlers: Handlers<Exclude<keyof typeof runStateCommands, 'qmp_capabilities'>> = {
  'query-version': ({ emulator }) => versionInfo(emulator),
  'query-commands': () => Object.keys(commands).map((name) => ({ name })),
  'query-status': ({ emulator: { machine } }) => {
    const status = machine?.state ?? 'prelaunch';
    return { status, singlestep: false, running: status === 'running' };
  },
  quit: ({ emulator }) => quit(emulator),
  stop: ({ emulator }) => requireMachine(emulator).pause(),
  cont: ({ emulator }) => requireMachine(emulator).resume(),
  system_reset: ({ emulator }) => requireMachine(emulator).reset('host'),
  system_powerdown: ({ emulator }) => requireMachine(emulator).powerdown(),
};

/** Ends the emulator on a monitor's wish. The answer goes out before the event, and both before the end. */
export function quit(emulator: Emulator): void {
  queueMicrotask(() => {
    emulator.events.shutdown('host-qmp-quit');
    emulator.quit();
  });
}
