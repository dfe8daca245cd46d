// One HMP connection: greeting, prompt, lines, answers.
import type { CharBackend } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { MonitorSession } from '../qmp/session.ts';
import { packageText, QEMU_VERSION_TEXT } from '../version.ts';
import type { HmpContext } from './command.ts';
import { completeHmp, executeHmp } from './execute.ts';
import { DEFAULT_FORMAT } from './format.ts';
import { Readline } from './readline.ts';

/** How a monitor behaves. */
export interface HmpOptions {
  /** Echoes and edits lines; without it the line is for a program: no prompt, no echo. Default true. */
  readonly readline?: boolean;
}

const PROMPT = '(qemu) ';
/** Characters of input that may wait while a command runs; a person does not type more. */
const MAX_WAITING = 65536;
/** Longest line without an editor. */
const MAX_PLAIN_LINE = 65536;

/**
 * Speaks HMP on a line: to whoever is at the other end, and to the next one when that has gone (events `close` and `open`).
 */
export function serveHmp(emulator: Emulator, char: CharBackend, options: HmpOptions = {}): MonitorSession {
  let session: HmpSession | undefined;
  let closed = false;
  const end = (): void => {
    session?.end();
    session = undefined;
  };
  const begin = (): HmpSession => {
    end();
    session = new HmpSession(emulator, char, options.readline ?? true);
    return session;
  };
  char.onEvent?.((event) => {
    if (closed) return;
    if (event === 'open') begin();
    else if (event === 'close') end();
  });
  char.onData((data) => {
    if (!closed) (session ?? begin()).feed(data);
  });
  if (!session) begin();
  return {
    close() {
      closed = true;
      end();
    },
  };
}

class HmpSession {
  readonly #char: CharBackend;
  readonly #context: HmpContext;
  readonly #readline: Readline | undefined;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #waiting = '';
  #busy = false;
  #ended = false;

  constructor(emulator: Emulator, char: CharBackend, edit: boolean) {
    this.#char = char;
    const readline = edit
      ? new Readline({
          prompt: PROMPT,
          write: (text) => this.#write(text),
          onLine: (line) => void this.#run(line),
          complete: (text) => completeHmp(this.#context, text),
        })
      : undefined;
    this.#readline = readline;
    this.#context = { emulator, cpu: 0, history: readline?.history ?? [], format: DEFAULT_FORMAT };
    this.#write(`QEMU ${QEMU_VERSION_TEXT} monitor (${packageText(emulator)}) - type 'help' for more information\r\n`);
    readline?.start();
  }

  feed(data: Uint8Array): void {
    this.#waiting += this.#decoder.decode(data, { stream: true });
    if (this.#waiting.length > MAX_WAITING) this.#waiting = this.#waiting.slice(-MAX_WAITING);
    this.#pump();
  }

  end(): void {
    this.#ended = true;
    this.#waiting = '';
  }

  /** Hands over what was typed, up to the end of a line. */
  #pump(): void {
    while (!this.#busy && !this.#ended && this.#waiting !== '') {
      const text = this.#waiting;
      this.#waiting = '';
      const rest = this.#readline ? this.#readline.feed(text) : this.#plain(text);
      this.#waiting = rest + this.#waiting;
      if (!this.#readline && !this.#busy) return;
    }
  }

  /** @returns what comes after the first line, or the whole text if it has no end yet */
  #plain(text: string): string {
    const end = text.search(/[\r\n]/);
    if (end < 0) return text.slice(-MAX_PLAIN_LINE);
    void this.#run(text.slice(0, end));
    return text.slice(end + (text.startsWith('\r\n', end) ? 2 : 1));
  }

  async #run(line: string): Promise<void> {
    this.#busy = true;
    let text: string;
    try {
      text = await executeHmp(this.#context, line);
    } catch (error) {
      text = `Error: internal error: ${error instanceof Error ? error.message : String(error)}\n`;
    }
    this.#busy = false;
    if (this.#ended) return;
    this.#write(text.replaceAll('\n', '\r\n'));
    this.#readline?.start();
    this.#pump();
  }

  #write(text: string): void {
    if (!this.#ended && text !== '') this.#char.write(this.#encoder.encode(text));
  }
}
