// The expressions that HMP commands take for numbers: 64 bits, the operators of C with some simplifications (QEMU's manual, "Integer
// expressions"): + - bind as sum, * / % as product, & | ^ weakest and all alike.
import { HmpSyntaxError } from './command.ts';

/** A register's value by name, as in `$pc`. */
export type RegisterLookup = (name: string) => bigint | undefined;

/** Reads an expression at the start of a text. @returns its value, as 64 bits with a sign, and the text after it */
export function readExpression(
  text: string,
  register: RegisterLookup,
): { readonly value: bigint; readonly rest: string } {
  const reader = new ExpressionReader(text, register);
  const value = reader.logic();
  return { value, rest: reader.rest };
}

/** Parentheses and signs may be nested this deep. */
const MAX_DEPTH = 200;

class ExpressionReader {
  readonly #register: RegisterLookup;
  #text: string;
  #depth = 0;

  constructor(text: string, register: RegisterLookup) {
    this.#text = text.trimStart();
    this.#register = register;
  }

  get rest(): string {
    return this.#text;
  }

  logic(): bigint {
    let value = this.#sum();
    for (let op = this.#operator('&|^'); op !== ''; op = this.#operator('&|^')) {
      const right = this.#sum();
      value = wrap(op === '&' ? value & right : op === '|' ? value | right : value ^ right);
    }
    return value;
  }

  #sum(): bigint {
    let value = this.#product();
    for (let op = this.#operator('+-'); op !== ''; op = this.#operator('+-')) {
      const right = this.#product();
      value = wrap(op === '+' ? value + right : value - right);
    }
    return value;
  }

  #product(): bigint {
    let value = this.#unary();
    for (let op = this.#operator('*/%'); op !== ''; op = this.#operator('*/%')) {
      const right = this.#unary();
      if (op !== '*' && right === 0n) throw new HmpSyntaxError('division by zero');
      value = wrap(op === '*' ? value * right : op === '/' ? value / right : value % right);
    }
    return value;
  }

  #unary(): bigint {
    if (++this.#depth > MAX_DEPTH) throw new HmpSyntaxError('expression is nested too deep');
    try {
      const sign = this.#operator('+-~(');
      if (sign === '') return this.#primary();
      if (sign === '(') {
        const value = this.logic();
        if (this.#operator(')') === '') throw new HmpSyntaxError("')' expected");
        return value;
      }
      const value = this.#unary();
      return wrap(sign === '-' ? -value : sign === '~' ? ~value : value);
    } finally {
      this.#depth--;
    }
  }

  #primary(): bigint {
    const quoted = this.#match(/^'(.)'/s);
    if (quoted) return BigInt((quoted[1] ?? '').codePointAt(0) ?? 0);
    const register = this.#match(/^\$([A-Za-z0-9_.]*)/);
    if (register) {
      const value = this.#register(register[1] ?? '');
      if (value === undefined) throw new HmpSyntaxError('unknown register');
      return wrap(value);
    }
    const number = this.#match(/^(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|([0-9]+))/);
    if (!number) {
      if (this.#text === '') throw new HmpSyntaxError('unexpected end of expression');
      throw new HmpSyntaxError(`invalid char '${this.#text.charAt(0)}' in expression`);
    }
    const [, hex, octal, decimal] = number;
    const value = BigInt(hex !== undefined ? `0x${hex}` : octal !== undefined ? `0o${octal}` : (decimal ?? '0'));
    if (value >= 2n ** 64n) throw new HmpSyntaxError('number too large');
    return wrap(value);
  }

  #operator(any: string): string {
    const char = this.#text.charAt(0);
    if (char === '' || !any.includes(char)) return '';
    this.#text = this.#text.slice(1).trimStart();
    return char;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.#text);
    if (match) this.#text = this.#text.slice(match[0].length).trimStart();
    return match;
  }
}

function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}
