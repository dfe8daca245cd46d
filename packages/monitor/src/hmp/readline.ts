// A line editor for a monitor on a terminal or a socket: echo, the usual keys, history, completion by the Tab key. It speaks the
// control sequences of ECMA-48 that every terminal has. Nothing of Node: it edits over any character backend, in a page too.

/** What a line editor is for. */
export interface ReadlineOptions {
  readonly prompt: string;
  readonly write: (text: string) => void;
  /** A line is complete. */
  readonly onLine: (line: string) => void;
  /** Words that could replace the last one of a text. */
  readonly complete: (text: string) => readonly string[];
}

const MAX_LINE = 4095;
const MAX_HISTORY = 64;
const ESCAPE = '\x1b';
/** Columns across which completions are spread. */
const WIDTH = 80;

/** Keys by what they send: control characters, and the end of sequences after ESC [ or ESC O. */
type Key = 'home' | 'end' | 'left' | 'right' | 'up' | 'down' | 'delete';
const SEQUENCES: Readonly<Record<string, Key>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  '1~': 'home',
  '7~': 'home',
  '3~': 'delete',
  '4~': 'end',
  '8~': 'end',
};

const CONTROL_KEYS: Readonly<Record<string, Key>> = {
  '\x01': 'home',
  '\x02': 'left',
  '\x04': 'delete',
  '\x05': 'end',
  '\x06': 'right',
  '\x0e': 'down',
  '\x10': 'up',
};

/** Edits lines. Feed it what comes from the line. */
export class Readline {
  readonly #options: ReadlineOptions;
  readonly #history: string[] = [];
  #line = '';
  #cursor = 0;
  /** Position in the history; its length is the line that is new. */
  #place = 0;
  #kept = '';
  #sequence: string | undefined;
  #afterReturn = false;
  #shown = false;

  constructor(options: ReadlineOptions) {
    this.#options = options;
  }

  /** The lines that were entered, the oldest first. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** Shows the prompt and begins a line. */
  start(): void {
    this.#line = '';
    this.#cursor = 0;
    this.#place = this.#history.length;
    this.#shown = true;
    this.#options.write(this.#options.prompt);
  }

  /** Takes characters until a line is complete. @returns the characters that come after it */
  feed(text: string): string {
    let at = 0;
    for (const char of text) {
      at += char.length;
      if (this.#key(char)) return text.slice(at);
    }
    return '';
  }

  /** @returns true if the line is complete */
  #key(char: string): boolean {
    const afterReturn = this.#afterReturn;
    this.#afterReturn = false;
    if (this.#sequence !== undefined) {
      this.#continueSequence(char);
      return false;
    }
    if (char === '\n' && afterReturn) return false;
    if (char === '\r' || char === '\n') {
      this.#afterReturn = char === '\r';
      this.#enter();
      return true;
    }
    if (char === ESCAPE) this.#sequence = '';
    else if (char < ' ' || char === '\x7f') this.#control(char);
    else this.#insert(char);
    return false;
  }

  #continueSequence(char: string): void {
    const sequence = (this.#sequence ?? '') + char;
    const introduced = sequence[0] === '[' || sequence[0] === 'O';
    // A sequence ends with a letter or a tilde; what is longer than any key sends is none.
    const more = introduced && (sequence.length === 1 || /[0-9;]$/.test(sequence)) && sequence.length < 8;
    this.#sequence = more ? sequence : undefined;
    if (more || !introduced) return;
    const key = SEQUENCES[sequence.slice(1)];
    if (key) this.#edit(key);
  }

  #control(char: string): void {
    const key = CONTROL_KEYS[char];
    if (key) this.#edit(key);
    else if (char === '\b' || char === '\x7f') this.#erase(this.#cursor - this.#left());
    else if (char === '\t') this.#complete();
    else if (char === '\x0b') this.#replace(this.#line.slice(0, this.#cursor), this.#cursor);
    else if (char === '\x15') this.#erase(0);
    else if (char === '\x17') this.#erase(this.#line.slice(0, this.#cursor).replace(/\S*\s*$/, '').length);
    else if (char === '\x0c') {
      this.#options.write(`${ESCAPE}[H${ESCAPE}[2J${this.#options.prompt}${this.#line}`);
      this.#moveFrom(this.#line.length);
    }
  }

  #edit(key: Key): void {
    if (key === 'home') this.#moveTo(0);
    else if (key === 'end') this.#moveTo(this.#line.length);
    else if (key === 'left') this.#moveTo(this.#cursor - this.#left());
    else if (key === 'right') this.#moveTo(this.#cursor + this.#right());
    else if (key === 'up') this.#recall(this.#place - 1);
    else if (key === 'down') this.#recall(this.#place + 1);
    else {
      const rest = this.#line.slice(this.#cursor + this.#right());
      this.#replace(this.#line.slice(0, this.#cursor) + rest, this.#cursor);
    }
  }

  /** Length of the character before the cursor. */
  #left(): number {
    return [...this.#line.slice(0, this.#cursor)].at(-1)?.length ?? 0;
  }

  /** Length of the character at the cursor. */
  #right(): number {
    const [next = ''] = this.#line.slice(this.#cursor);
    return next.length;
  }

  #insert(char: string): void {
    if (this.#line.length + char.length > MAX_LINE) return;
    const atEnd = this.#cursor === this.#line.length;
    const line = this.#line.slice(0, this.#cursor) + char + this.#line.slice(this.#cursor);
    if (!atEnd) {
      this.#replace(line, this.#cursor + char.length);
      return;
    }
    this.#line = line;
    this.#cursor += char.length;
    this.#options.write(char);
  }

  /** Takes away what lies between a position before the cursor and the cursor. */
  #erase(from: number): void {
    if (from < this.#cursor) this.#replace(this.#line.slice(0, from) + this.#line.slice(this.#cursor), from);
  }

  #enter(): void {
    this.#moveTo(this.#line.length);
    this.#options.write('\r\n');
    const line = this.#line;
    this.#shown = false;
    if (line.trim() !== '' && this.#history.at(-1) !== line) {
      this.#history.push(line);
      if (this.#history.length > MAX_HISTORY) this.#history.shift();
    }
    this.#options.onLine(line);
  }

  #recall(place: number): void {
    if (place < 0 || place > this.#history.length) return;
    if (this.#place === this.#history.length) this.#kept = this.#line;
    this.#place = place;
    const line = this.#history[place] ?? this.#kept;
    this.#replace(line, line.length);
  }

  #complete(): void {
    const before = this.#line.slice(0, this.#cursor);
    const word = /\S*$/.exec(before)?.[0] ?? '';
    const found = this.#options.complete(before);
    const [only] = found;
    if (only === undefined) return;
    const common = commonPrefix(found);
    if (found.length === 1) this.#extend(only.slice(word.length) + (only.endsWith('/') ? '' : ' '));
    else if (common.length > word.length) this.#extend(common.slice(word.length));
    else {
      this.#options.write(`\r\n${columns(found)}${this.#options.prompt}${this.#line}`);
      this.#moveFrom(this.#line.length);
    }
  }

  #extend(text: string): void {
    for (const char of text) this.#insert(char);
  }

  /** Shows another line in place of the present one. */
  #replace(line: string, cursor: number): void {
    this.#moveTo(0);
    this.#options.write(`${line}${ESCAPE}[K`);
    this.#line = line;
    this.#cursor = cursor;
    this.#moveFrom(line.length);
  }

  #moveTo(cursor: number): void {
    const from = this.#cursor;
    this.#cursor = Math.max(0, Math.min(this.#line.length, cursor));
    this.#moveFrom(from);
  }

  /** Moves the terminal's cursor from a position in the line to where it belongs. */
  #moveFrom(position: number): void {
    const distance = [...this.#line.slice(Math.min(position, this.#cursor), Math.max(position, this.#cursor))].length;
    if (distance > 0 && this.#shown) {
      this.#options.write(`${ESCAPE}[${distance}${this.#cursor > position ? 'C' : 'D'}`);
    }
  }
}

function commonPrefix(words: readonly string[]): string {
  const [first = ''] = words;
  let length = first.length;
  for (const word of words) while (!word.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}

function columns(words: readonly string[]): string {
  const width = Math.max(...words.map((word) => word.length)) + 2;
  const perLine = Math.max(1, Math.floor(WIDTH / width));
  let text = '';
  words.forEach((word, i) => {
    const last = i === words.length - 1 || (i + 1) % perLine === 0;
    text += last ? `${word}\r\n` : word.padEnd(width);
  });
  return text;
}
