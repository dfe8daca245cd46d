/** Operations on binary128: two i64 a number, the left half first; a result's right half is in a slot. */
import type { IrHelper } from '../../ir/helper.ts';
import type { Slot } from '../../ir/types.ts';
import type { FloatEnvironment } from '../environment.ts';
import { FLOAT_FORMATS, type FloatFormat, type FloatFormatName } from '../format.ts';
import type { IntegerFormat } from '../integer.ts';
import { integerName } from '../integer.ts';
import { defineAdd, defineDivide, defineMultiply, defineRelation, defineSquareRoot } from './arithmetic.ts';
import { defineFromInteger, defineNarrow, defineRoundToIntegral, defineToInteger, defineWiden } from './convert.ts';
import { defineFusedMultiplyAdd } from './fma.ts';
import { defineQuadRound, type QuadEnvironment } from './parts.ts';

/** The operations; each helper is made when first asked for. `x` and `y` are two i64. */
export interface QuadFloat {
  /** (x, y, rm i32) -> i64: the left half of the result. */
  binary(operation: 'add' | 'sub' | 'mul' | 'div'): IrHelper;
  /** (x, rm i32) -> i64. */
  sqrt(): IrHelper;
  /** (x, y, rm i32) -> i64: x * y + z, rounded once; the halves of z are in two i64 slots. */
  fma(high: Slot, low: Slot): IrHelper;
  /** (x, rm i32) -> i64: rounded to an integral number; inexact where it is another. */
  roundToIntegral(): IrHelper;
  /** (x, y) -> i32 0 or 1: x = y, invalid for signaling NaNs only. */
  eq(): IrHelper;
  /** (x, y) -> i32 0 or 1: x < y, invalid for every NaN. */
  lt(): IrHelper;
  /** (x, rm i32) -> i64: the integer, sign-extended from its width. */
  toInt(integer: IntegerFormat): IrHelper;
  /** (v i64) -> i64: exact. */
  fromInt(integer: IntegerFormat): IrHelper;
  /** (a i64) -> i64: a number of a shorter format, exact. */
  widen(from: FloatFormatName): IrHelper;
  /** (x, rm i32) -> i64: bits of a shorter format. */
  narrow(to: FloatFormatName): IrHelper;
}

/**
 * @param low an i64 slot for the right halves of results
 * @param roundTo what rounds to a shorter format
 */
export function createQuadFloat(
  environment: FloatEnvironment,
  low: Slot,
  roundTo: (f: FloatFormat) => IrHelper,
): QuadFloat {
  if (low.ty !== 'i64') throw new RangeError(`halves of binary128 need an i64 slot, ${low.name} is ${low.ty}`);
  const env: QuadEnvironment = { ...environment, low };
  const made = new Map<string, IrHelper>();
  const once = (name: string, define: () => IrHelper): IrHelper => {
    const helper = made.get(name) ?? define();
    made.set(name, helper);
    return helper;
  };
  const round = (): IrHelper => once('round', () => defineQuadRound(env));
  return {
    binary: (operation) =>
      once(operation, () => {
        if (operation === 'mul') return defineMultiply(env, round());
        return operation === 'div' ? defineDivide(env, round()) : defineAdd(env, round(), operation === 'sub');
      }),
    sqrt: () => once('sqrt', () => defineSquareRoot(env, round())),
    fma: (high, right) => once(`fma.${high.name}`, () => defineFusedMultiplyAdd(env, round(), high, right)),
    roundToIntegral: () => once('integral', () => defineRoundToIntegral(env, round())),
    eq: () => once('eq', () => defineRelation(env, 'eq')),
    lt: () => once('lt', () => defineRelation(env, 'lt')),
    toInt: (integer) => once(`to.${integerName(integer)}`, () => defineToInteger(integer, env)),
    fromInt: (integer) => once(`from.${integerName(integer)}`, () => defineFromInteger(integer, env)),
    widen: (from) => once(`from.${from}`, () => defineWiden(FLOAT_FORMATS[from], env)),
    narrow: (to) => once(`to.${to}`, () => defineNarrow(FLOAT_FORMATS[to], env, roundTo(FLOAT_FORMATS[to]))),
  };
}
