import type { FetchProgress } from '@boardwalk/debian';

/** The part of a terminal stream that the display needs. */
export interface DisplayStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;
const TITLES = { index: 'Reading', download: 'Fetching', unpack: 'Unpacking' } as const;

/** Shows a fetch: on a terminal a bar that moves, elsewhere one line for each new step. */
export class ProgressDisplay {
  readonly #stream: DisplayStream;
  #step = '';

  constructor(stream: DisplayStream) {
    this.#stream = stream;
  }

  show({ phase, percent, detail }: FetchProgress): void {
    const text = `${TITLES[phase]} ${detail}`;
    if (this.#stream.isTTY) {
      const filled = Math.round((percent / 100) * BAR_WIDTH);
      const bar = `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${percent.toFixed(0).padStart(3)} %`;
      this.#stream.write(`\r${`${bar}  ${text}`.slice(0, (this.#stream.columns ?? 80) - 1)}\u001b[K`);
    } else if (detail !== '' && text !== this.#step) {
      this.#stream.write(`${text}\n`);
    }
    this.#step = text;
  }

  /** Ends the display; what is written next starts on a line of its own. */
  end(): void {
    if (this.#stream.isTTY && this.#step !== '') this.#stream.write('\r\u001b[K');
    this.#step = '';
  }
}
