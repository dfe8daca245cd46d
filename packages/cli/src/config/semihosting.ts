// -semihosting and -semihosting-config.
import type { CommandLine } from '../options/command-line.ts';
import { forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** Whether programs may call the emulator. @throws UserError for a configuration that cannot be */
export function readSemihosting(line: CommandLine): boolean {
  const texts = line.all('semihosting-config');
  const settings = texts.map((text) =>
    forOption('semihosting-config', () => {
      const values = new KeyValues(text);
      // There is no debugger to ask, so both targets are the emulator.
      values.choice('target', ['auto', 'native']);
      const enable = values.bool('enable') ?? true;
      values.finish();
      return enable;
    }),
  );
  return settings.at(-1) ?? line.has('semihosting');
}
