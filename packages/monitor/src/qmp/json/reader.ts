// A stream of JSON values: cuts the bytes of a connection into messages, and goes on after what is none.
import { JsonLexer, type Token } from './lexer.ts';
import { JsonError, parseTokens } from './parser.ts';
import type { JsonValue } from './value.ts';

/** What one message may be. QEMU's limits on nesting; less of everything else than QEMU's 64 MiB, for a page has not that much. */
export interface JsonLimits {
  readonly nesting: number;
  readonly tokens: number;
  /** Bytes of one token. */
  readonly tokenBytes: number;
  /** Characters of all tokens together. */
  readonly messageSize: number;
}

const DEFAULT_LIMITS: JsonLimits = {
  nesting: 1024,
  tokens: 2 ** 18,
  tokenBytes: 2 ** 23,
  messageSize: 2 ** 24,
};

/** Reads values from bytes in pieces of any length. */
export class JsonReader {
  readonly #onValue: (value: JsonValue) => void;
  readonly #onError: (message: string) => void;
  readonly #limits: JsonLimits;
  readonly #lexer: JsonLexer;
  #tokens: Token[] = [];
  #size = 0;
  #braces = 0;
  #brackets = 0;

  constructor(
    onValue: (value: JsonValue) => void,
    onError: (message: string) => void,
    limits: Partial<JsonLimits> = {},
  ) {
    this.#onValue = onValue;
    this.#onError = onError;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#lexer = new JsonLexer((token) => this.#token(token), this.#limits.tokenBytes);
  }

  feed(bytes: Uint8Array): void {
    this.#lexer.feed(bytes);
  }

  /** The other side has ended: what was begun is an error. */
  end(): void {
    this.#lexer.end();
    if (this.#tokens.length > 0) this.#parse();
  }

  #token(token: Token): void {
    const problem = this.#count(token);
    if (problem !== undefined) {
      this.#forget();
      this.#onError(problem);
      return;
    }
    this.#tokens.push(token);
    // Balanced, or with a bracket that nothing opened: either way nothing more can belong to it.
    const open = (this.#braces > 0 || this.#brackets > 0) && this.#braces >= 0 && this.#brackets >= 0;
    if (!open) this.#parse();
  }

  #count({ kind, text }: Token): string | undefined {
    const { nesting, tokens, messageSize } = this.#limits;
    if (kind === 'error') {
      return text === '' ? 'JSON token size limit exceeded' : `JSON parse error, stray '${text}'`;
    }
    if (kind === '{') this.#braces++;
    else if (kind === '}') this.#braces--;
    else if (kind === '[') this.#brackets++;
    else if (kind === ']') this.#brackets--;
    this.#size += text.length;
    if (this.#size > messageSize) return 'JSON token size limit exceeded';
    if (this.#tokens.length >= tokens) return 'JSON token count limit exceeded';
    return this.#braces + this.#brackets > nesting ? 'JSON nesting depth limit exceeded' : undefined;
  }

  #parse(): void {
    const tokens = this.#tokens;
    this.#forget();
    let value: JsonValue;
    try {
      value = parseTokens(tokens);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.#onError(error.message);
      return;
    }
    this.#onValue(value);
  }

  #forget(): void {
    this.#tokens = [];
    this.#size = 0;
    this.#braces = 0;
    this.#brackets = 0;
  }
}
