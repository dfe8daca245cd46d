/** Every operation of the library as data: how to get its helper and what the reference says. */
import type { Value } from '../../src/ir/builder.ts';
import { defineHelper, type IrHelper } from '../../src/ir/helper.ts';
import type { Slot } from '../../src/ir/types.ts';
import type { AnyFormatName, FloatFormatName, IntegerFormat, SoftFloat } from '../../src/softfloat/index.ts';
import * as reference from './reference.ts';

export interface Operation {
  readonly name: string;
  /** What each operand is. */
  readonly operands: readonly (AnyFormatName | IntegerFormat)[];
  readonly result: AnyFormatName | 'integer';
  /** `low`: where the right half of a binary128 result goes; `addend`: where both of a third operand come from. */
  readonly helper: (library: SoftFloat, low: Slot, addend: readonly [Slot, Slot]) => IrHelper;
  readonly expect: (operands: readonly bigint[], rules: reference.ReferenceRules) => reference.Outcome;
}

export const FORMAT_NAMES = ['f16', 'f32', 'f64'] as const;
export const INTEGERS: readonly (IntegerFormat & { readonly name: string })[] = [
  { name: 'i32', bits: 32, signed: true },
  { name: 'u32', bits: 32, signed: false },
  { name: 'i64', bits: 64, signed: true },
  { name: 'u64', bits: 64, signed: false },
];

const ZERO = 0n;

function arithmetic(f: FloatFormatName): Operation[] {
  const two = [f, f] as const;
  const models = { add: reference.add, sub: reference.sub, mul: reference.mul, div: reference.div };
  const binary = (['add', 'sub', 'mul', 'div'] as const).map(
    (kind): Operation => ({
      name: `${f}.${kind}`,
      operands: two,
      result: f,
      helper: (library) => library[kind](f),
      expect: ([a = ZERO, b = ZERO], rules) => models[kind](f, a, b, rules),
    }),
  );
  return [
    ...binary,
    {
      name: `${f}.sqrt`,
      operands: [f],
      result: f,
      helper: (library) => library.sqrt(f),
      expect: ([a = ZERO], rules) => reference.sqrt(f, a, rules),
    },
    {
      name: `${f}.fma`,
      operands: [f, f, f],
      result: f,
      helper: (library) => library.fma(f),
      expect: ([a = ZERO, b = ZERO, c = ZERO], rules) => reference.fma(f, a, b, c, rules),
    },
  ];
}

function comparisons(f: FloatFormatName): Operation[] {
  const relations = (['eq', 'lt', 'le'] as const).map(
    (kind): Operation => ({
      name: `${f}.${kind}`,
      operands: [f, f],
      result: 'integer',
      helper: (library) => library[kind](f),
      expect: ([a = ZERO, b = ZERO]) => reference.relation(f, kind, a, b),
    }),
  );
  const extremes = (['min', 'max'] as const).map(
    (kind): Operation => ({
      name: `${f}.${kind}`,
      operands: [f, f],
      result: f,
      helper: (library) => library[kind](f),
      expect: ([a = ZERO, b = ZERO]) => reference.extreme(f, kind, a, b),
    }),
  );
  const classify: Operation = {
    name: `${f}.classify`,
    operands: [f],
    result: 'integer',
    helper: (library) => library.classify(f),
    expect: ([a = ZERO]) => reference.classify(f, a),
  };
  return [...relations, ...extremes, classify];
}

function conversions(f: FloatFormatName): Operation[] {
  const toIntegers = INTEGERS.map(
    (integer): Operation => ({
      name: `${f}.to.${integer.name}`,
      operands: [f],
      result: 'integer',
      helper: (library) => library.toInt(f, integer),
      expect: ([a = ZERO], rules) => reference.toInt(f, integer, a, rules),
    }),
  );
  const fromIntegers = INTEGERS.map(
    (integer): Operation => ({
      name: `${integer.name}.to.${f}`,
      operands: [integer],
      result: f,
      helper: (library) => library.fromInt(f, integer),
      expect: ([v = ZERO], rules) => reference.fromInt(f, integer, v, rules),
    }),
  );
  const toOthers = FORMAT_NAMES.filter((to) => to !== f).map(
    (to): Operation => ({
      name: `${f}.to.${to}`,
      operands: [f],
      result: to,
      helper: (library) => library.convert(f, to),
      expect: ([a = ZERO], rules) => reference.convert(f, to, a, rules),
    }),
  );
  return [...toIntegers, ...fromIntegers, ...toOthers];
}

/** Those of binary128, which has a library of its own. */
function quadOperations(): Operation[] {
  const f = 'f128';
  const models = { add: reference.add, sub: reference.sub, mul: reference.mul, div: reference.div };
  const binary = (['add', 'sub', 'mul', 'div'] as const).map(
    (kind): Operation => ({
      name: `${f}.${kind}`,
      operands: [f, f],
      result: f,
      helper: (library, low) => library.quad(low).binary(kind),
      expect: ([a = ZERO, b = ZERO], rules) => models[kind](f, a, b, rules),
    }),
  );
  const relations = (['eq', 'lt'] as const).map(
    (kind): Operation => ({
      name: `${f}.${kind}`,
      operands: [f, f],
      result: 'integer',
      helper: (library, low) => library.quad(low)[kind](),
      expect: ([a = ZERO, b = ZERO]) => reference.relation(f, kind, a, b),
    }),
  );
  const unary: readonly Operation[] = [
    {
      name: `${f}.fma`,
      operands: [f, f, f],
      result: f,
      helper: (library, low, [high, right]) => {
        const fma = library.quad(low).fma(high, right);
        const words = ['i64', 'i64', 'i64', 'i64', 'i64', 'i64'] as const;
        return defineHelper('quad fma', [...words, 'i32'], 'i64', (b, ...args) => {
          const [xh, xl, yh, yl, zh, zl, rm] = args as [Value, Value, Value, Value, Value, Value, Value];
          b.set(high, zh);
          b.set(right, zl);
          return b.call(fma, xh, xl, yh, yl, rm);
        });
      },
      expect: ([a = ZERO, b = ZERO, c = ZERO], rules) => reference.fma(f, a, b, c, rules),
    },
    {
      name: `${f}.sqrt`,
      operands: [f],
      result: f,
      helper: (library, low) => library.quad(low).sqrt(),
      expect: ([a = ZERO], rules) => reference.sqrt(f, a, rules),
    },
    {
      name: `${f}.integral`,
      operands: [f],
      result: f,
      helper: (library, low) => library.quad(low).roundToIntegral(),
      expect: ([a = ZERO], rules) => reference.roundToIntegral(f, a, rules),
    },
  ];
  return [...binary, ...relations, ...unary, ...quadConversions()];
}

function quadConversions(): Operation[] {
  const f = 'f128';
  const integers = INTEGERS.flatMap((integer): Operation[] => [
    {
      name: `${f}.to.${integer.name}`,
      operands: [f],
      result: 'integer',
      helper: (library, low) => library.quad(low).toInt(integer),
      expect: ([a = ZERO], rules) => reference.toInt(f, integer, a, rules),
    },
    {
      name: `${integer.name}.to.${f}`,
      operands: [integer],
      result: f,
      helper: (library, low) => library.quad(low).fromInt(integer),
      expect: ([v = ZERO], rules) => reference.fromInt(f, integer, v, rules),
    },
  ]);
  const formats = FORMAT_NAMES.flatMap((other): Operation[] => [
    {
      name: `${f}.to.${other}`,
      operands: [f],
      result: other,
      helper: (library, low) => library.quad(low).narrow(other),
      expect: ([a = ZERO], rules) => reference.convert(f, other, a, rules),
    },
    {
      name: `${other}.to.${f}`,
      operands: [other],
      result: f,
      helper: (library, low) => library.quad(low).widen(other),
      expect: ([a = ZERO], rules) => reference.convert(other, f, a, rules),
    },
  ]);
  return [...integers, ...formats];
}

export const OPERATIONS: readonly Operation[] = [
  ...FORMAT_NAMES.flatMap((f) => [...arithmetic(f), ...comparisons(f), ...conversions(f)]),
  ...quadOperations(),
];

/** @throws Error where there is no such operation. */
export function operation(name: string): Operation {
  const found = OPERATIONS.find((o) => o.name === name);
  if (found === undefined) throw new Error(`no operation ${name}`);
  return found;
}
