// A qtest server: a test program is the machine's CPU. Text lines, one answer each (QEMU, docs/devel/testing/qtest and
// tests/qtest/libqtest.h; answers as QEMU 7.2 gives them).
import { type CharBackend, type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { MonitorSession } from '../qmp/session.ts';
import { clockCommands } from './clock.ts';
import { IrqWatch } from './irq.ts';
import { memoryCommands, portCommands, type QtestCommand } from './memory.ts';
import { MAX_TRANSFER, Words } from './words.ts';

/** How a {@link serveQtest} behaves. */
export interface QtestOptions {
  /** Takes a line of the log for each line that is said or heard: `[R +1.234567] endianness`. */
  readonly log?: (line: string) => void;
}

/** Room for the longest command: its data, in hexadecimal. */
const MAX_LINE = 2 * MAX_TRANSFER + 256;
const NEWLINE = 0x0a;

/** Architectures whose programs are of big-endian order, as QEMU's are built. */
const BIG_ENDIAN: ReadonlySet<string> = new Set('hppa lm32 m68k mips mips64 ppc ppc64 s390x sparc sparc64'.split(' '));

/** Speaks qtest on a line. The machine must be there; commands that need it fail while it is not. */
export function serveQtest(emulator: Emulator, char: CharBackend, options: QtestOptions = {}): MonitorSession {
  const server = new QtestServer(emulator, char, options);
  char.onEvent?.((event) => server.event(event));
  char.onData((data) => server.feed(data));
  return { close: () => server.close() };
}

class QtestServer {
  readonly #emulator: Emulator;
  readonly #char: CharBackend;
  readonly #log: ((line: string) => void) | undefined;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #irqs: IrqWatch;
  #commands: ReadonlyMap<string, QtestCommand> | undefined;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #tooLong = false;
  #startMs = performance.now();
  #closed = false;

  constructor(emulator: Emulator, char: CharBackend, { log }: QtestOptions) {
    this.#emulator = emulator;
    this.#char = char;
    this.#log = log;
    this.#irqs = new IrqWatch(emulator, (line) => this.#say(line));
    this.#note('I', 'OPENED', 0);
  }

  event(event: string): void {
    if (event === 'open') {
      this.#forgetLine();
      this.#irqs.forget();
      this.#startMs = performance.now();
    }
    if (event === 'close') this.#note('I', 'CLOSED');
  }

  close(): void {
    this.#closed = true;
    this.#irqs.end();
  }

  feed(data: Uint8Array): void {
    for (let from = 0; !this.#closed && from < data.length; ) {
      const end = data.indexOf(NEWLINE, from);
      this.#keep(data.subarray(from, end < 0 ? data.length : end));
      if (end < 0) return;
      this.#finishLine();
      from = end + 1;
    }
  }

  #keep(data: Uint8Array): void {
    if (this.#length + data.length > MAX_LINE) this.#tooLong = true;
    if (this.#tooLong) {
      this.#pieces = [];
      return;
    }
    this.#pieces.push(data.slice());
    this.#length += data.length;
  }

  #forgetLine(): void {
    this.#pieces = [];
    this.#length = 0;
    this.#tooLong = false;
  }

  #finishLine(): void {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    const tooLong = this.#tooLong;
    this.#forgetLine();
    const line = this.#decoder.decode(bytes).trim();
    this.#note('R', line);
    if (tooLong) this.#say('FAIL the line is too long');
    else if (line !== '') this.#say(this.#answer(line));
  }

  #answer(line: string): string {
    const words = new Words(line);
    const name = words.command ?? '';
    const { machine } = this.#emulator;
    if (machine === undefined) return 'FAIL there is no machine yet';
    try {
      const command = this.#commandsFor(machine).get(name);
      if (command === undefined) return `FAIL Unknown command '${name.slice(0, 100)}'`;
      const result = command(words);
      return result === '' ? 'OK' : `OK ${result}`;
    } catch (error) {
      if (error instanceof UserError) return `FAIL ${error.message}`;
      throw error;
    }
  }

  #commandsFor(machine: Machine): ReadonlyMap<string, QtestCommand> {
    this.#commands ??= new Map(
      Object.entries({
        ...memoryCommands(machine.addressSpace, BIG_ENDIAN.has(this.#emulator.arch)),
        ...portCommands(machine.ioSpace),
        ...clockCommands(machine.clock),
        ...this.#irqs.commands,
        // Everything that there is has been loaded with the program.
        module_load: () => {
          throw new UserError('there are no modules');
        },
      }),
    );
    return this.#commands;
  }

  #say(line: string): void {
    if (this.#closed) return;
    this.#note('S', line);
    this.#char.write(this.#encoder.encode(`${line}\n`));
  }

  #note(kind: 'I' | 'R' | 'S', text: string, seconds?: number): void {
    if (this.#log === undefined) return;
    const stamp = seconds === undefined ? `+${((performance.now() - this.#startMs) / 1000).toFixed(6)}` : '0.000000';
    this.#log(`[${kind} ${stamp}] ${text}`);
  }
}
