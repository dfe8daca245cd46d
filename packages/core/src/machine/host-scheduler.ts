// How the run loop lets the host's event loop go on, in Node and in browsers.

/** Waiting, as the run loop needs it. */
export interface HostScheduler {
  /** Monotonic host time in ms. */
  now(): number;
  /** Lets pending events of the host run: a task later, not a timer. */
  yield(): Promise<void>;
  /** Waits `ms` (Infinity: for ever) or until {@link wake}. */
  sleep(ms: number): Promise<void>;
  /** Ends a sleep. */
  wake(): void;
}

const longestTimeoutMs = 2 ** 31 - 1;
type Immediate = (callback: () => void) => unknown;

/** The event loop of this thread. `setTimeout` alone would cost a browser 4 ms at each turn. */
export class EventLoopScheduler implements HostScheduler {
  #endSleep: (() => void) | undefined;
  #post: ((callback: () => void) => void) | undefined;

  now(): number {
    return performance.now();
  }

  yield(): Promise<void> {
    this.#post ??= makePost();
    const post = this.#post;
    return new Promise((resolve) => post(resolve));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // Even a wait without an end is a timer: it keeps a Node process alive.
      const timer = setTimeout(() => this.wake(), Math.min(Math.max(1, Math.ceil(ms)), longestTimeoutMs));
      this.#endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    const end = this.#endSleep;
    this.#endSleep = undefined;
    end?.();
  }
}

/** Node's setImmediate comes after a look at I/O; elsewhere a message to oneself is an ordinary task. */
function makePost(): (callback: () => void) => void {
  const { setImmediate } = globalThis as { readonly setImmediate?: Immediate };
  if (setImmediate !== undefined) return (callback) => setImmediate(callback);
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(null);
  };
}
