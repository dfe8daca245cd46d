// From the tokens of one message to its value.
import type { Token } from './lexer.ts';
import type { JsonValue } from './value.ts';

/** Text that is no JSON; the message is what a QMP client sees. */
export class JsonError extends Error {
  override readonly name = 'JsonError';

  constructor(problem: string) {
    super(`JSON parse error, ${problem}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const VERBATIM = '"\'\\/';
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Reads the value that tokens are; nothing may follow it. @throws JsonError */
export function parseTokens(tokens: readonly Token[]): JsonValue {
  const parser = new TokenParser(tokens);
  const value = parser.value();
  if (!parser.done) throw new JsonError('expecting value');
  return value;
}

class TokenParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at === this.#tokens.length;
  }

  value(): JsonValue {
    const token = this.#next();
    switch (token?.kind) {
      case '{':
        return this.#object();
      case '[':
        return this.#list();
      case 'string':
        return unquote(token.text);
      case 'garbled':
        throw new JsonError('invalid UTF-8 sequence in string');
      case 'integer':
        return readInteger(token.text);
      case 'float':
        return Number(token.text);
      case 'keyword':
        return readKeyword(token.text);
      default:
        throw new JsonError('expecting value');
    }
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #skip(kind: Token['kind']): boolean {
    if (this.#tokens[this.#at]?.kind !== kind) return false;
    this.#at++;
    return true;
  }

  #object(): JsonValue {
    const members = new Map<string, JsonValue>();
    if (this.#skip('}')) return {};
    do {
      const name = this.value();
      if (typeof name !== 'string') throw new JsonError('key is not a string in object');
      if (!this.#skip(':')) throw new JsonError('missing : in object pair');
      const value = this.value();
      if (members.has(name)) throw new JsonError('duplicate key');
      members.set(name, value);
    } while (this.#skip(','));
    if (!this.#skip('}')) throw new JsonError('expected separator in dict');
    // Object.fromEntries defines members: one called __proto__ is a member like any other.
    return Object.fromEntries(members);
  }

  #list(): JsonValue {
    const items: JsonValue[] = [];
    if (this.#skip(']')) return items;
    do items.push(this.value());
    while (this.#skip(','));
    if (!this.#skip(']')) throw new JsonError('expected separator in list');
    return items;
  }
}

function readKeyword(text: string): boolean | null {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  throw new JsonError(`invalid keyword '${text}'`);
}

/** An integer of 64 bits, signed or not; one beyond that is a number without its last digits. */
function readInteger(text: string): number | bigint {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
  // Longer ones are out of range for certain, and slow to read.
  if (text.length > 21) return number;
  const exact = BigInt(text);
  if (exact < MIN_INT64 || exact > MAX_UINT64) return number;
  return exact >= -MAX_SAFE && exact <= MAX_SAFE ? Number(exact) : exact;
}

function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1);
  if (!inside.includes('\\')) return inside;
  let text = '';
  for (let at = 0; at < inside.length; at++) {
    const char = inside.charAt(at);
    if (char !== '\\') {
      text += char;
      continue;
    }
    const code = inside.charAt(++at);
    if (code === 'u') {
      const { value, length } = readUnicode(inside, at - 1, quoted);
      text += value;
      at += length - 2;
    } else if (VERBATIM.includes(code)) text += code;
    else if (ESCAPES[code] !== undefined) text += ESCAPES[code];
    else throw new JsonError('invalid escape sequence in string');
  }
  return text;
}

function readUnicode(inside: string, at: number, quoted: string): { readonly value: string; readonly length: number } {
  const match = /^\\u(?:([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|([0-9a-fA-F]{4}))/.exec(
    inside.slice(at, at + 12),
  );
  const [whole = '', high, low, single = ''] = match ?? [];
  const pair = high !== undefined && low !== undefined;
  const code = Number.parseInt(single, 16);
  if (!match || (!pair && code >= 0xd800 && code <= 0xdfff)) {
    throw new JsonError(`${quoted.slice(at + 1, at + 7)} is not a valid Unicode character`);
  }
  const value = pair
    ? String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16))
    : String.fromCharCode(code);
  return { value, length: whole.length };
}
