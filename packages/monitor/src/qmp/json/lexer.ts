// JSON in pieces, byte by byte, as QMP clients send it: strings in single quotes are allowed, and after a byte that is no JSON the
// text goes on at the next structural character or control character (docs/interop/qmp-spec: any of these resets a reader).

/** A piece of JSON text. `garbled` is a string that is no UTF-8, `error` text that is no JSON. */
export interface Token {
  readonly kind: '{' | '}' | '[' | ']' | ':' | ',' | 'string' | 'garbled' | 'integer' | 'float' | 'keyword' | 'error';
  /** As it was sent; of a string, with its quotes. */
  readonly text: string;
}

const TAB = 0x09;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const FIRST_IMPOSSIBLE = 0xfe;
const STRUCTURAL = '{}[]:,';
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;
const isStructural = (byte: number): boolean => STRUCTURAL.includes(String.fromCharCode(byte));
const isWhite = (byte: number): boolean => byte === SPACE || byte === TAB || byte === 0x0a || byte === 0x0d;
/** Bytes that can be in no text: control characters and those that UTF-8 never has. */
const isReset = (byte: number): boolean => (byte < SPACE && byte !== TAB) || byte >= FIRST_IMPOSSIBLE;

type State =
  | 'start'
  | 'recovery'
  | 'string'
  | 'escape'
  | 'keyword'
  | 'sign'
  | 'zero'
  | 'digits'
  | 'point'
  | 'fraction'
  | 'exponent'
  | 'exponent-sign'
  | 'exponent-digits';

/** What a number is when it ends in a state; in the others it cannot end. */
const NUMBER_KINDS: Partial<Record<State, 'integer' | 'float'>> = {
  zero: 'integer',
  digits: 'integer',
  fraction: 'float',
  'exponent-digits': 'float',
};

/** Where a byte leads within a number; undefined if the number cannot go on with it. */
function numberStep(state: State, byte: number): State | undefined {
  const digit = isDigit(byte);
  const isE = byte === 0x65 || byte === 0x45;
  switch (state) {
    case 'sign':
      return byte === 0x30 ? 'zero' : digit ? 'digits' : undefined;
    case 'zero':
    case 'digits':
      if (digit && state === 'digits') return 'digits';
      return byte === 0x2e ? 'point' : isE ? 'exponent' : undefined;
    case 'point':
    case 'fraction':
      return digit ? 'fraction' : isE && state === 'fraction' ? 'exponent' : undefined;
    case 'exponent':
      return digit ? 'exponent-digits' : byte === 0x2b || byte === 0x2d ? 'exponent-sign' : undefined;
    default:
      return digit ? 'exponent-digits' : undefined;
  }
}

/** Divides bytes into tokens. */
export class JsonLexer {
  readonly #emit: (token: Token) => void;
  readonly #limit: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
  #bytes = new Uint8Array(256);
  #length = 0;
  #quote = 0;
  #state: State = 'start';

  /** @param limit bytes of a token; a longer one is an error token with the text `''` */
  constructor(emit: (token: Token) => void, limit: number) {
    this.#emit = emit;
    this.#limit = limit;
  }

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  /** Nothing comes any more: a number or keyword may have ended with it, anything else is an error. */
  end(): void {
    if (this.#state !== 'start' && this.#state !== 'recovery' && !this.#finish()) this.#fail();
    this.#state = 'start';
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case 'recovery':
        if (!isStructural(byte) && !isReset(byte)) return;
        this.#state = 'start';
        this.#start(byte);
        break;
      case 'start':
        this.#start(byte);
        break;
      case 'string':
      case 'escape':
        this.#inString(byte);
        break;
      case 'keyword':
        if (isLetter(byte)) this.#take(byte, 'keyword');
        else this.#endAt(byte);
        break;
      default: {
        const next = numberStep(this.#state, byte);
        if (next !== undefined) this.#take(byte, next);
        // A leading zero takes no more digits: 01 is no number.
        else if (NUMBER_KINDS[this.#state] === undefined || (this.#state === 'zero' && isDigit(byte)))
          this.#stray(byte);
        else this.#endAt(byte);
      }
    }
  }

  #start(byte: number): void {
    if (isWhite(byte)) return;
    if (isStructural(byte)) {
      const kind = String.fromCharCode(byte) as '{' | '}' | '[' | ']' | ':' | ',';
      this.#emit({ kind, text: kind });
    } else if (byte === 0x22 || byte === 0x27) {
      this.#quote = byte;
      this.#take(byte, 'string');
    } else if (isLetter(byte)) this.#take(byte, 'keyword');
    else if (byte === 0x2d) this.#take(byte, 'sign');
    else if (isDigit(byte)) this.#take(byte, byte === 0x30 ? 'zero' : 'digits');
    else this.#stray(byte);
  }

  #inString(byte: number): void {
    if (byte < SPACE || byte >= FIRST_IMPOSSIBLE) this.#stray(byte);
    else if (this.#state === 'escape') this.#take(byte, 'string');
    else if (byte === this.#quote) {
      if (this.#take(byte, 'string')) this.#finish();
    } else this.#take(byte, byte === BACKSLASH ? 'escape' : 'string');
  }

  /** Ends a token before a byte that begins the next one. */
  #endAt(byte: number): void {
    this.#finish();
    this.#start(byte);
  }

  /** @returns false if the token has become too long */
  #take(byte: number, next: State): boolean {
    if (this.#length === this.#limit) {
      this.#reset('recovery');
      this.#emit({ kind: 'error', text: '' });
      return false;
    }
    if (this.#length === this.#bytes.length) {
      const bytes = new Uint8Array(Math.min(this.#limit, 2 * this.#length));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
    }
    this.#bytes[this.#length++] = byte;
    this.#state = next;
    return true;
  }

  #stray(byte: number): void {
    if (this.#take(byte, this.#state)) this.#fail();
  }

  #fail(): void {
    const text = this.#text();
    this.#reset('recovery');
    this.#emit({ kind: 'error', text });
  }

  /** @returns false if the token cannot end here */
  #finish(): boolean {
    const state = this.#state;
    const kind = state === 'string' || state === 'keyword' ? state : NUMBER_KINDS[state];
    if (kind === undefined) return false;
    if (kind === 'string' && (this.#length < 2 || this.#bytes[this.#length - 1] !== this.#quote)) return false;
    const garbled = kind === 'string' && !this.#isUtf8();
    const text = this.#text();
    this.#reset('start');
    this.#emit({ kind: garbled ? 'garbled' : kind, text });
    return true;
  }

  #isUtf8(): boolean {
    try {
      this.#strict.decode(this.#bytes.subarray(0, this.#length));
      return true;
    } catch {
      return false;
    }
  }

  #text(): string {
    return this.#decoder.decode(this.#bytes.subarray(0, this.#length));
  }

  #reset(state: State): void {
    this.#length = 0;
    if (this.#bytes.length > 4096) this.#bytes = new Uint8Array(256);
    this.#state = state;
  }
}
