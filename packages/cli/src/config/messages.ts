// -msg: what stands before the program's messages.

import { GatheredOutput } from '@boardwalk/host-node';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import type { Program } from '../program.ts';

/** The program's messages with what -msg wants before them, once the command line has been read. */
export class Messages {
  readonly program: Program;
  #prefix: () => string = () => '';

  constructor(program: Program) {
    this.program = {
      ...program,
      err: (text) => {
        GatheredOutput.flush();
        program.err(`${this.#prefix()}${text}`);
      },
    };
  }

  /**
   * `timestamp=on`: UTC to the microsecond, `guest-name=on`: the name of -name.
   * @throws UserError for a property that there is not
   */
  read(line: CommandLine): void {
    const values = new KeyValues('');
    forOption('msg', () => {
      for (const text of line.all('msg')) values.merge(new KeyValues(text));
      const timestamp = values.bool('timestamp') ?? false;
      const name = (values.bool('guest-name') ?? false) ? guestName(line) : undefined;
      values.finish();
      this.#prefix = () => `${timestamp ? `${now()} ` : ''}${name === undefined ? '' : `${name} `}`;
    });
  }
}

function guestName(line: CommandLine): string | undefined {
  const text = line.last('name');
  return text === undefined ? undefined : new KeyValues(text, 'guest').take('guest');
}

function now(): string {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const [seconds = ''] = new Date(microseconds / 1000).toISOString().split('.');
  return `${seconds}.${String(microseconds % 1e6).padStart(6, '0')}Z`;
}
