/**
 * Random programs in the IR: plain data that fast-check makes and shrinks, and the emission of one into a builder. The same
 * data always gives the same IR, as a block or as a helper.
 */
import {
  defineHelper,
  type IrBuilder,
  type Local,
  type Slot,
  StateLayout,
  type Ty,
  type Value,
} from '@boardwalk/translator';
import fc from 'fast-check';
import { PURE_OPS, type PureOp } from '../../src/ir/ops.ts';

export const TYPES = ['i32', 'i64', 'f32', 'f64', 'v128'] as const satisfies readonly Ty[];

/** Registers that programs read and write: four of each type. */
export const layout = new StateLayout();
export const REGISTERS: Readonly<Record<Ty, readonly Slot[]>> = {
  i32: layout.array('w', 'i32', 4),
  i64: layout.array('x', 'i64', 4),
  f32: layout.array('s', 'f32', 4),
  f64: layout.array('d', 'f64', 4),
  v128: layout.array('v', 'v128', 4),
};

/** A constant, and two values behind it, that may be set at once. */
export const RECORD = {
  kind: layout.field('kind', 'i32'),
  first: layout.field('first', 'i64'),
  second: layout.field('second', 'i64'),
};

/** Numbers choose among what is there: the n-th value before the last, a register, an operation. */
export type Step =
  | {
      readonly do: 'pure';
      readonly op: number;
      readonly args: readonly number[];
      readonly immediate: bigint | undefined;
    }
  | { readonly do: 'get' | 'getLocal'; readonly ty: Ty; readonly from: number }
  | { readonly do: 'set' | 'setLocal'; readonly ty: Ty; readonly to: number; readonly value: number }
  /** Sets the low half of a 64-bit register. */
  | { readonly do: 'setLow'; readonly ty: 'i32' | 'i64'; readonly to: number; readonly value: number }
  | { readonly do: 'local'; readonly ty: Ty; readonly value: number | undefined }
  | { readonly do: 'call'; readonly helper: number; readonly args: readonly number[] }
  | {
      readonly do: 'if';
      readonly condition: number;
      readonly taken: readonly Step[];
      readonly otherwise: readonly Step[];
    }
  | {
      readonly do: 'loop';
      readonly times: number;
      readonly leave: number;
      readonly at: number;
      readonly body: readonly Step[];
    };

const pick = fc.nat(1000);
/** Values that are interesting to both widths. */
const immediate = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    -1n,
    2n,
    14n,
    15n,
    16n,
    31n,
    32n,
    33n,
    63n,
    64n,
    0xffn,
    0x7fff_ffffn,
    -0x8000_0000n,
    0xffff_ffffn,
  ),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: -2048n, max: 2047n }),
);
const ty = fc.oneof(fc.constantFrom<Ty>('i32', 'i64'), fc.constantFrom<Ty>(...TYPES));

const simple: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pure' as const),
      op: pick,
      args: fc.tuple(pick, pick, pick),
      immediate: fc.option(immediate, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('get' as const), ty, from: pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), ty, to: pick, value: pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('setLow' as const),
      ty: fc.constantFrom('i32' as const, 'i64' as const),
      to: pick,
      value: pick,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('getLocal' as const), ty, from: pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('setLocal' as const), ty, to: pick, value: pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('local' as const), ty, value: fc.option(pick, { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('call' as const), helper: pick, args: fc.tuple(pick, pick) }) },
);

function list(depth: number): fc.Arbitrary<readonly Step[]> {
  const step =
    depth === 0 ? simple : fc.oneof({ weight: 9, arbitrary: simple }, { weight: 1, arbitrary: nested(depth - 1) });
  return fc.array(step, { maxLength: depth === 2 ? 40 : 8, size: 'max' });
}

function nested(depth: number): fc.Arbitrary<Step> {
  return fc.oneof(
    fc.record({ do: fc.constant('if' as const), condition: pick, taken: list(depth), otherwise: list(depth) }),
    fc.record({ do: fc.constant('loop' as const), times: fc.nat(3), leave: pick, at: fc.nat(8), body: list(depth) }),
  );
}

export const program: fc.Arbitrary<readonly Step[]> = list(2);

/** Helpers that programs call: one that changes registers behind the block's back, one that only computes. */
export const HELPERS = [
  defineHelper('touch', ['i64', 'i64'], 'i64', (b, a, c) => {
    const [x0, x1] = REGISTERS.i64;
    const [w0] = REGISTERS.i32;
    if (x0 === undefined || x1 === undefined || w0 === undefined) return a;
    const old = b.get(x0);
    b.set(x0, b.add(old, a));
    b.set(x1, b.xor(b.get(x1), c));
    b.set(w0, b.wrap(c));
    return old;
  }),
  defineHelper('mix', ['i64', 'i64'], 'i64', (b, a, c) => b.sub(b.rotl(a, c), c)),
];

type Pools<T> = Record<Ty, T[]>;
const pools = <T>(): Pools<T> => ({ i32: [], i64: [], f32: [], f64: [], v128: [] });
const copy = <T>(p: Pools<T>): Pools<T> => ({
  i32: [...p.i32],
  i64: [...p.i64],
  f32: [...p.f32],
  f64: [...p.f64],
  v128: [...p.v128],
});

/** Writes a program into a builder. */
export function emit(b: IrBuilder, steps: readonly Step[]): void {
  new Emitter(b).list(steps);
}

class Emitter {
  readonly #b: IrBuilder;
  #values: Pools<Value> = pools();
  #locals: Pools<Local> = pools();

  constructor(b: IrBuilder) {
    this.#b = b;
  }

  list(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #nested(steps: readonly Step[]): void {
    const [values, locals] = [this.#values, this.#locals];
    this.#values = copy(values);
    this.#locals = copy(locals);
    this.list(steps);
    this.#values = values;
    this.#locals = locals;
  }

  /** One of the values made last, or a register. */
  #value(type: Ty, n: number): Value {
    const pool = this.#values[type];
    const value = pool[pool.length - 1 - (n % 8)];
    return value ?? this.#b.get(register(type, n));
  }

  #step(step: Step): void {
    const b = this.#b;
    switch (step.do) {
      case 'pure':
        this.#pure(step);
        return;
      case 'get':
        this.#values[step.ty].push(b.get(register(step.ty, step.from)));
        return;
      case 'set':
        b.set(register(step.ty, step.to), this.#value(step.ty, step.value));
        return;
      case 'setLow': {
        const slot = register('i64', step.to);
        const value = this.#value(step.ty, step.value);
        const low = step.ty === 'i32' ? b.extend32U(value) : b.zext(value, 32);
        b.set(slot, b.or(b.and(b.get(slot), b.i64x(0, -1)), low));
        return;
      }
      case 'local':
        this.#locals[step.ty].push(
          step.value === undefined ? b.local(step.ty) : b.local(step.ty, this.#value(step.ty, step.value)),
        );
        return;
      case 'getLocal': {
        const local = this.#local(step.ty, step.from);
        if (local !== undefined) this.#values[step.ty].push(b.getLocal(local));
        return;
      }
      case 'setLocal': {
        const local = this.#local(step.ty, step.to);
        if (local !== undefined) b.setLocal(local, this.#value(step.ty, step.value));
        return;
      }
      case 'call': {
        const helper = HELPERS[step.helper % HELPERS.length];
        if (helper === undefined) return;
        this.#values.i64.push(b.call(helper, ...step.args.map((n) => this.#value('i64', n))));
        return;
      }
      case 'if':
        b.if(
          this.#value('i32', step.condition),
          () => this.#nested(step.taken),
          step.otherwise.length === 0 ? undefined : () => this.#nested(step.otherwise),
        );
        return;
      case 'loop':
        this.#loop(step);
    }
  }

  #local(ty: Ty, n: number): Local | undefined {
    const known = this.#locals[ty];
    return known[n % Math.max(known.length, 1)];
  }

  /** At most `times` rounds, fewer if a value of the body says so; values made before the exit live on after the loop. */
  #loop(step: Step & { do: 'loop' }): void {
    const b = this.#b;
    const round = b.local('i32', b.i32(0));
    const [values, locals] = [this.#values, this.#locals];
    this.#values = copy(values);
    this.#locals = copy(locals);
    b.loop((breakIf) => {
      this.list(step.body.slice(0, step.at));
      const n = b.getLocal(round);
      const inside = this.#value('i32', step.leave);
      breakIf(b.or(b.geU(n, b.i32(step.times)), b.eq(inside, b.i32(7))));
      b.setLocal(round, b.add(n, b.i32(1)));
      const after = copy(this.#values);
      this.list(step.body.slice(step.at));
      this.#values = after;
    });
    this.#locals = locals;
  }

  #pure(step: Step & { do: 'pure' }): void {
    const b = this.#b;
    const op = PURE_OPS[step.op % PURE_OPS.length];
    if (op === undefined) return;
    const args = op.args.map((type, i) => this.#argument(op, type, i, step));
    const value = b.pure(op.name, ...args);
    if (op.result === 'v128' && /\.f(32x4|64x2)$/.test(op.name) && !/f(eq|ne|lt|le)\./.test(op.name)) {
      this.#values.v128.push(cleanLanes(b, value, op.name.endsWith('f32x4')));
      return;
    }
    // Which NaN an operation makes is the host's choice: no bits of one may reach an integer.
    const from = args[0];
    const clean = op.name.startsWith('reinterpret.f') && from !== undefined;
    const zero = op.result === 'i32' ? b.i32(0) : b.i64(0);
    this.#values[op.result].push(clean ? b.select(b.feq(from, from), value, zero) : value);
  }

  #argument(op: PureOp, type: Ty, i: number, step: Step & { do: 'pure' }): Value {
    const b = this.#b;
    const integer = type === 'i32' || type === 'i64';
    const constant = integer && i === op.args.length - 1 && step.immediate !== undefined ? step.immediate : undefined;
    const divides = i === 1 && /^(div|rem)/.test(op.name);
    if (constant !== undefined) {
      const value = divides ? (constant & 0x7ff_ffffn) | 1n : constant;
      return type === 'i32' ? b.i32(Number(BigInt.asIntN(32, value))) : b.big(value);
    }
    const value = this.#value(type, step.args[i] ?? 0);
    if (!divides) return value;
    return type === 'i32'
      ? b.or(b.and(value, b.i32(0x7ff_ffff)), b.i32(1))
      : b.or(b.and(value, b.i64(0x7ff_ffff)), b.i64(1));
  }
}

/** A vector of floats with zero for each lane that is no number: the bits of those are the host's choice. */
function cleanLanes(b: IrBuilder, value: Value, single: boolean): Value {
  return b.pure('v128.and', value, b.pure(`v128.feq.${single ? 'f32x4' : 'f64x2'}`, value, value));
}

function register(type: Ty, n: number): Slot {
  const slot = REGISTERS[type][n % 4];
  if (slot === undefined) throw new Error('no such register');
  return slot;
}
