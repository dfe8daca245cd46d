// A character backend inside the program: tests and pages talk to the guest through it, in the manner of expect(1).
import type { CharBackend, CharEvent } from './char-backend.ts';

/** Where {@link PipeChar.waitFor} found its pattern. */
export interface PipeMatch {
  /** The text that matched, and the groups of a RegExp. */
  readonly match: readonly (string | undefined)[];
  /** What the guest sent between the end of the previous match and this one. */
  readonly before: string;
}

interface Waiter {
  readonly pattern: string | RegExp;
  readonly resolve: (found: PipeMatch) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** An in-process line: `send()` is what the guest receives, `sent` what it sent. */
export class PipeChar implements CharBackend {
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  readonly #chunks: Uint8Array[] = [];
  readonly #waiters: Waiter[] = [];
  #sent = '';
  #matchedTo = 0;
  #closed = false;
  #receiver: ((data: Uint8Array) => void) | undefined;
  #eventReceiver: ((event: CharEvent) => void) | undefined;
  #listener: ((text: string) => void) | undefined;
  #early: Uint8Array[] = [];

  /** Everything that the guest sent, as UTF-8 text. */
  get sent(): string {
    return this.#sent;
  }

  /** Everything that the guest sent, as bytes. */
  get sentBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#chunks.reduce((length, chunk) => length + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Bytes (a string is sent as UTF-8) for the guest. Before a device listens they are kept for it. */
  send(data: string | Uint8Array): void {
    if (this.#closed) throw new Error('the pipe is closed');
    const bytes = typeof data === 'string' ? this.#encoder.encode(data) : data;
    if (this.#receiver === undefined) this.#early.push(bytes.slice());
    else this.#receiver(bytes);
  }

  /** A break condition on the line. */
  sendBreak(): void {
    this.#eventReceiver?.('break');
  }

  /** Calls back with each piece of text that the guest sends, to show it as it comes. */
  onText(callback: (text: string) => void): void {
    this.#listener = callback;
  }

  /**
   * Waits until the guest has sent text that matches, and continues from there: a later call looks only at what came after.
   * Rejects with an Error, which shows the end of the output, after `timeoutMs` (default 60 s) and when the pipe is closed.
   */
  waitFor(pattern: string | RegExp, options: { readonly timeoutMs?: number } = {}): Promise<PipeMatch> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(this.#failure(pattern, `not seen in ${timeoutMs} ms`));
      };
      const timer = timeoutMs === Infinity ? undefined : setTimeout(fail, timeoutMs);
      const waiter: Waiter = { pattern, resolve, reject, timer };
      this.#waiters.push(waiter);
      this.#match();
      if (this.#closed) this.#rejectAll();
    });
  }

  write(data: Uint8Array): void {
    if (this.#closed) return;
    this.#chunks.push(data.slice());
    const text = this.#decoder.decode(data, { stream: true });
    this.#sent += text;
    this.#listener?.(text);
    this.#match();
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#receiver = callback;
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) callback(bytes);
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#eventReceiver = callback;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#eventReceiver?.('close');
    this.#rejectAll();
  }

  /** Serves waiters in the order of their calls, as far as the text goes. */
  #match(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const rest = this.#sent.slice(this.#matchedTo);
      const found = find(waiter.pattern, rest);
      if (found === undefined) return;
      this.#waiters.shift();
      clearTimeout(waiter.timer);
      this.#matchedTo += found.end;
      waiter.resolve({ match: found.match, before: rest.slice(0, found.start) });
    }
  }

  #rejectAll(): void {
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(this.#failure(waiter.pattern, 'not seen before the pipe was closed'));
    }
  }

  #failure(pattern: string | RegExp, what: string): Error {
    const shown = typeof pattern === 'string' ? JSON.stringify(pattern) : String(pattern);
    return new Error(`${shown} ${what}; the output ends with:\n${this.#sent.slice(this.#matchedTo).slice(-2000)}`);
  }
}

function find(
  pattern: string | RegExp,
  text: string,
): { readonly start: number; readonly end: number; readonly match: readonly (string | undefined)[] } | undefined {
  if (typeof pattern === 'string') {
    const start = text.indexOf(pattern);
    return start < 0 ? undefined : { start, end: start + pattern.length, match: [pattern] };
  }
  const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(text);
  return match === null ? undefined : { start: match.index, end: match.index + match[0].length, match: [...match] };
}
