// The time of day that a machine's real-time clock shows: QEMU's -rtc.
import type { VirtualClock } from '../time/index.ts';
import type { MachineOptions } from './options.ts';

/** The host's time, or a chosen one that goes on with virtual time, the host's, or the time since the start. */
export class WallClock {
  readonly #options: MachineOptions;
  readonly #clock: VirtualClock;
  readonly #madeAtMs = Date.now();
  /** Of a clock that nobody sets. */
  readonly #madeAtSteadyMs = performance.now();

  constructor(options: MachineOptions, clock: VirtualClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** It goes on with virtual time: nothing of the world outside is in it. */
  get isVirtual(): boolean {
    const { rtcBaseMs, rtcClock = 'virtual' } = this.#options;
    return rtcBaseMs !== undefined && rtcClock === 'virtual';
  }

  /** Milliseconds since 1970 UTC. */
  now(): number {
    const { rtcBaseMs } = this.#options;
    return rtcBaseMs === undefined ? Date.now() : rtcBaseMs + this.#sinceMade();
  }

  #sinceMade(): number {
    switch (this.#options.rtcClock) {
      case 'host':
        return Date.now() - this.#madeAtMs;
      case 'steady':
        return Math.floor(performance.now() - this.#madeAtSteadyMs);
      default:
        return this.#clock.now() / 1e6;
    }
  }
}
