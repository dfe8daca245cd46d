/** Reads the text form of the intermediate code that `printIr` writes: for tests that a person can read. */
import { type AccessOptions, IrBuilder, type Value } from './builder.ts';
import type { Helper } from './helper.ts';
import type { AccessSize, Node, RmwOp } from './nodes.ts';
import type { Slot, Ty } from './types.ts';

/** What the names in a text stand for. */
export interface IrNames {
  readonly slots: readonly Slot[];
  readonly helpers?: readonly Helper[];
}

/** The statements of a text. @throws Error with the line that cannot be read */
export function parseIr(text: string, names: IrNames): Node[] {
  const lines = text.split('\n').map((line) => line.trim());
  const parser = new Parser(
    lines.filter((line) => line !== ''),
    names,
  );
  return parser.parse();
}

class Parser {
  readonly #b = new IrBuilder();
  readonly #lines: readonly string[];
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #helpers: ReadonlyMap<string, Helper>;
  readonly #values = new Map<string, Value>();
  readonly #breaks: ((condition: Value) => void)[] = [];
  #next = 0;

  constructor(lines: readonly string[], names: IrNames) {
    this.#lines = lines;
    this.#slots = new Map(names.slots.map((slot) => [slot.name, slot]));
    this.#helpers = new Map(names.helpers?.map((helper) => [helper.name, helper]));
  }

  parse(): Node[] {
    const last = this.#list();
    if (last !== undefined) throw new Error(`unexpected '${last}'`);
    return this.#b.finish();
  }

  /** Reads statements up to a line that closes a list: gives that line. */
  #list(): string | undefined {
    for (;;) {
      const line = this.#lines[this.#next++];
      if (line === undefined || line.startsWith('}')) return line;
      try {
        this.#line(line);
      } catch (error) {
        throw new Error(`'${line}': ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
  }

  #line(line: string): void {
    const [, name, statement = ''] = /^(?:(%\d+) = )?(.*)$/.exec(line) ?? [];
    const [head = '', ...rest] = statement.split(' ');
    const args = rest
      .join(' ')
      .split(/[ ,]+/)
      .filter((arg) => arg !== '');
    const value = this.#statement(head, args);
    if (name === undefined) return;
    if (value === undefined) throw new Error('it has no value');
    this.#values.set(name, value);
  }

  #statement(head: string, args: readonly string[]): Value | undefined {
    const b = this.#b;
    const [first = '', second = ''] = args;
    switch (head) {
      case '----':
        b.insnStart(...halves(`0x${first}`), args.slice(1).map(Number));
        return undefined;
      case 'if':
        this.#if(this.#value(first));
        return undefined;
      case 'loop':
        b.loop((breakIf) => {
          this.#breaks.push(breakIf);
          this.#list();
          this.#breaks.pop();
        });
        return undefined;
      case 'breakIf':
        this.#breaks.at(-1)?.(this.#value(first));
        return undefined;
      case 'get':
        return b.get(known(this.#slots, first));
      case 'set':
        b.set(known(this.#slots, first), this.#value(second));
        return undefined;
      case 'local':
        return b.local(first as Ty);
      case 'getLocal':
        return b.getLocal(this.#value(first));
      case 'setLocal':
        b.setLocal(this.#value(first), this.#value(second));
        return undefined;
      case 'param':
        return b.param(second as Ty, Number(first));
      case 'call':
        return b.call(known(this.#helpers, first), ...args.slice(1).map((arg) => this.#value(arg)));
      default:
        return this.#end(head, args) ? undefined : this.#operation(head, args);
    }
  }

  #if(condition: Value): void {
    let close: string | undefined;
    const taken = (): void => {
      close = this.#list();
    };
    // The builder fills the second list at once after the first; only then is it known whether there is one.
    this.#b.if(condition, taken, () => {
      if (close === '} else {') this.#list();
    });
  }

  /** Reads how a block ends, or a return from a helper. */
  #end(head: string, args: readonly string[]): boolean {
    const b = this.#b;
    const [first = '', second = '', third = ''] = args;
    if (head === 'goto') b.goto(...halves(first));
    else if (head === 'gotoIf') b.gotoIf(this.#value(first), ...halves(second), ...halves(third));
    else if (head === 'gotoIndirect') b.gotoIndirect(this.#value(first));
    else if (head === 'raise') b.raise(Number(first), this.#value(second));
    else if (head === 'lookup') b.exitToLookup();
    else if (head === 'halt') b.halt();
    else if (head === 'return') b.return_(first === '' ? undefined : this.#value(first));
    else return false;
    return true;
  }

  #operation(head: string, args: readonly string[]): Value | undefined {
    const b = this.#b;
    const regime = args.find((arg) => arg.startsWith('mmu='));
    const mmu = Number(regime?.slice(4) ?? 0);
    const values = args.filter((arg) => arg !== regime).map((arg) => this.#value(arg));
    const [x, y, z] = values;
    const [kind, ...shape] = head.split('.');
    if (head === 'cpuBase') return b.cpuBase();
    if (kind === 'v128' && shape[0] === 'const') return b.pure(head);
    if (x === undefined) throw new Error('operands are missing');
    if (kind === 'load' || kind === 'hostLoad') {
      const ty = shape[0] as 'i32' | 'i64' | 'v128';
      return b[kind](x, { ...accessOf(shape.slice(1), mmu), ty });
    }
    if (y === undefined) return b.pure(head, ...values);
    if (kind === 'store' || kind === 'hostStore') {
      b[kind](x, y, accessOf(shape, mmu));
      return undefined;
    }
    if (kind === 'probe') {
      b.probe(x, y, { write: shape[0] === 'write', mmu });
      return undefined;
    }
    if (kind === 'rmw') return b.atomicRmw(shape[0] as RmwOp, x, y, accessOf(shape.slice(1), mmu));
    if (kind === 'hostRmw') return b.hostRmw(shape[0] as RmwOp, x, y, Number(shape[1]) as 1 | 2 | 4 | 8);
    if (kind === 'hostCas' && z !== undefined) return b.hostCas(x, y, z, Number(shape[0]) as 1 | 2 | 4 | 8);
    if (kind === 'hostFill' && z !== undefined) {
      b.hostFill(x, y, z);
      return undefined;
    }
    if (kind === 'cas' && z !== undefined) return b.atomicCas(x, y, z, accessOf(shape, mmu));
    return b.pure(head, ...values);
  }

  #value(text: string): Value {
    if (text.startsWith('0x')) return this.#b.i64x(...halves(text));
    if (/^-?\d+$/.test(text)) return this.#b.i32(Number(text));
    return known(this.#values, text);
  }
}

function known<T>(names: ReadonlyMap<string, T>, name: string): T {
  const found = names.get(name);
  if (found === undefined) throw new Error(`nothing is called ${name}`);
  return found;
}

function halves(text: string): [lo: number, hi: number] {
  const value = BigInt(text);
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

/** `4s.big.natural` */
function accessOf(shape: readonly string[], mmu: number): AccessOptions {
  const [size = ''] = shape;
  return {
    size: Number.parseInt(size, 10) as AccessSize,
    signed: size.endsWith('s'),
    endian: shape.includes('big') ? 'big' : 'little',
    align: shape.includes('natural') ? 'natural' : 'any',
    mmu,
  };
}
