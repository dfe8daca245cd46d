// -semihosting and -semihosting-config.
import type { CommandLine } from '../options/command-line.ts';
import { forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** What programs that call the emulator find. */
export interface SemihostingSpec {
  /** Id of the line that they print on; without it the first serial port. */
  readonly chardev?: string;
  readonly commandLine: string;
}

/** Undefined where programs may not call the emulator. @throws UserError for a configuration that cannot be */
export function readSemihosting(line: CommandLine): SemihostingSpec | undefined {
  let enabled = line.has('semihosting');
  let chardev: string | undefined;
  const words: string[] = [];
  for (const text of line.all('semihosting-config')) {
    forOption('semihosting-config', () => {
      const values = new KeyValues(text);
      // There is no debugger to ask, so both targets are the emulator.
      values.choice('target', ['auto', 'native']);
      enabled = values.bool('enable') ?? true;
      chardev = values.take('chardev') ?? chardev;
      words.push(...values.takeAll('arg'));
      values.finish();
    });
  }
  if (!enabled) return undefined;
  const commandLine = (words.length > 0 ? words : ofKernel(line)).join(' ');
  return { commandLine, ...(chardev === undefined ? {} : { chardev }) };
}

/** A program without arguments of its own has those of a kernel. */
function ofKernel(line: CommandLine): string[] {
  const kernel = line.last('kernel');
  const append = line.last('append');
  return kernel === undefined ? [] : [kernel, ...(append === undefined ? [] : [append])];
}
