/** Every operation of the library as data: how to get its helper and what the reference says. */
import type { IrHelper } from '../../src/ir/helper.ts';
import type { FloatFormatName, IntegerFormat, SoftFloat } from '../../src/softfloat/index.ts';
import * as reference from './reference.ts';

export interface Operation {
  readonly name: string;
  /** What each operand is. */
  readonly operands: readonly (FloatFormatName | IntegerFormat)[];
  readonly result: FloatFormatName | 'integer';
  readonly helper: (library: SoftFloat) => IrHelper;
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

export const OPERATIONS: readonly Operation[] = FORMAT_NAMES.flatMap((f) => [
  ...arithmetic(f),
  ...comparisons(f),
  ...conversions(f),
]);

/** @throws Error where there is no such operation. */
export function operation(name: string): Operation {
  const found = OPERATIONS.find((o) => o.name === name);
  if (found === undefined) throw new Error(`no operation ${name}`);
  return found;
}
