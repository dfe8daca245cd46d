/**
 * IEEE 754-2019 arithmetic with exact results and flags in every rounding direction, as helpers in the IR.
 *
 * Operands and results are bits of the format in the low end of an i64, the rest zero. rm is an i32: 0 to nearest,
 * ties to even; 1 toward zero; 2 down; 3 up; 4 to nearest, ties away from zero; 5 to odd where inexact.
 */
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import type { Slot } from '../ir/types.ts';
import { defineAdd } from './add.ts';
import { defineClassify, defineEqual, defineExtreme, defineLess } from './compare.ts';
import { defineConvert, defineFromInteger, defineToInteger } from './convert.ts';
import { defineDivide, defineSquareRoot } from './divide.ts';
import { type FloatEnvironment, floatEnvironment, type SoftFloatOptions } from './environment.ts';
import { defineFusedMultiplyAdd } from './fma.ts';
import { FLOAT_FORMATS, type FloatFormat, type FloatFormatName } from './format.ts';
import {
  tryHostConvert,
  tryHostFromInteger,
  tryHostProduct,
  tryHostRoot,
  tryHostSum,
  tryHostToInteger,
} from './host.ts';
import { tryHostFusedMultiplyAdd } from './host-fma.ts';
import { type IntegerFormat, integerName } from './integer.ts';
import { defineMultiply } from './multiply.ts';
import { isNan } from './parts.ts';
import { createQuadFloat, type QuadFloat } from './quad/quad.ts';
import { defineRound } from './round.ts';

/** The operations; each is made when first asked for and stays the same helper. */
export interface SoftFloat {
  /** (a i64, b i64, rm i32) -> i64: a + b. */
  add(f: FloatFormatName): IrHelper;
  /** (a i64, b i64, rm i32) -> i64: a - b. */
  sub(f: FloatFormatName): IrHelper;
  /** (a i64, b i64, rm i32) -> i64: a * b. */
  mul(f: FloatFormatName): IrHelper;
  /** (a i64, b i64, rm i32) -> i64: a / b. */
  div(f: FloatFormatName): IrHelper;
  /** (a i64, rm i32) -> i64: the square root of a. */
  sqrt(f: FloatFormatName): IrHelper;
  /** (a i64, b i64, c i64, rm i32) -> i64: a * b + c, rounded once. */
  fma(f: FloatFormatName): IrHelper;
  /** (a i64, b i64) -> i64: minimumNumber. -0 is below +0; a number rather than a NaN. */
  min(f: FloatFormatName): IrHelper;
  /** (a i64, b i64) -> i64: maximumNumber. */
  max(f: FloatFormatName): IrHelper;
  /** (a i64, b i64) -> i32 0 or 1: a = b; invalid for signaling NaNs only. */
  eq(f: FloatFormatName): IrHelper;
  /** (a i64, b i64) -> i32 0 or 1: a < b; invalid for every NaN. */
  lt(f: FloatFormatName): IrHelper;
  /** (a i64, b i64) -> i32 0 or 1: a <= b; invalid for every NaN. */
  le(f: FloatFormatName): IrHelper;
  /** (a i64) -> i64: one bit of FLOAT_CLASS. */
  classify(f: FloatFormatName): IrHelper;
  /** (a i64, rm i32) -> i64: the integer, sign-extended from its width whether signed or not. */
  toInt(f: FloatFormatName, integer: IntegerFormat): IrHelper;
  /** (v i64, rm i32) -> i64: the number whose integer the low bits of v are. */
  fromInt(f: FloatFormatName, integer: IntegerFormat): IrHelper;
  /** (a i64, rm i32) -> i64: a in the format `to`. */
  convert(from: FloatFormatName, to: FloatFormatName): IrHelper;
  /** Operations on binary128, which leave the right halves of results in an i64 slot. */
  quad(low: Slot): QuadFloat;
}

/** @throws RangeError if the flags slot is not an i32. */
export function createSoftFloat(options: SoftFloatOptions): SoftFloat {
  return new SoftFloatLibrary(floatEnvironment(options));
}

class SoftFloatLibrary implements SoftFloat {
  readonly #env: FloatEnvironment;
  readonly #helpers = new Map<string, IrHelper>();

  constructor(env: FloatEnvironment) {
    this.#env = env;
  }

  add(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.add`, () => this.#sum(FLOAT_FORMATS[name], 'add'));
  }

  sub(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.sub`, () => this.#sum(FLOAT_FORMATS[name], 'sub'));
  }

  mul(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.mul`, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineMultiply(f, this.#env, this.#round(f));
      return defineHelper(`fp.${name}.mul`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
        tryHostProduct(b, f, this.#env, 'fmul', [left, right, rm]);
        return b.call(exact, left, right, rm);
      });
    });
  }

  div(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.div`, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineDivide(f, this.#env, this.#round(f));
      return defineHelper(`fp.${name}.div`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
        tryHostProduct(b, f, this.#env, 'fdiv', [left, right, rm]);
        return b.call(exact, left, right, rm);
      });
    });
  }

  sqrt(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.sqrt`, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineSquareRoot(f, this.#env, this.#round(f));
      return defineHelper(`fp.${name}.sqrt`, ['i64', 'i32'], 'i64', (b, bits, rm) => {
        tryHostRoot(b, f, this.#env, [bits, rm]);
        return b.call(exact, bits, rm);
      });
    });
  }

  fma(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.fma`, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineFusedMultiplyAdd(f, this.#env, this.#round(f));
      return defineHelper(`fp.${name}.fma`, ['i64', 'i64', 'i64', 'i32'], 'i64', (b, left, right, addend, rm) => {
        tryHostFusedMultiplyAdd(b, f, this.#env, [left, right, addend, rm]);
        return b.call(exact, left, right, addend, rm);
      });
    });
  }

  min(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.min`, () => defineExtreme(FLOAT_FORMATS[name], this.#env, 'min'));
  }

  max(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.max`, () => defineExtreme(FLOAT_FORMATS[name], this.#env, 'max'));
  }

  eq(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.eq`, () => defineEqual(FLOAT_FORMATS[name], this.#env));
  }

  lt(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.lt`, () => defineLess(FLOAT_FORMATS[name], this.#env, 'lt'));
  }

  le(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.le`, () => defineLess(FLOAT_FORMATS[name], this.#env, 'le'));
  }

  classify(name: FloatFormatName): IrHelper {
    return this.#once(`${name}.classify`, () => defineClassify(FLOAT_FORMATS[name]));
  }

  toInt(name: FloatFormatName, integer: IntegerFormat): IrHelper {
    const full = `${name}.to.${integerName(integer)}`;
    return this.#once(full, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineToInteger(f, integer, this.#env);
      return defineHelper(`fp.${full}`, ['i64', 'i32'], 'i64', (b, bits, rm) => {
        tryHostToInteger(b, f, integer, this.#env, [bits, rm]);
        return b.call(exact, bits, rm);
      });
    });
  }

  fromInt(name: FloatFormatName, integer: IntegerFormat): IrHelper {
    const full = `${integerName(integer)}.to.${name}`;
    return this.#once(full, () => {
      const f = FLOAT_FORMATS[name];
      const exact = defineFromInteger(f, integer, this.#round(f));
      return defineHelper(`fp.${full}`, ['i64', 'i32'], 'i64', (b, value, rm) => {
        tryHostFromInteger(b, f, integer, this.#env, [value, rm]);
        return b.call(exact, value, rm);
      });
    });
  }

  convert(fromName: FloatFormatName, toName: FloatFormatName): IrHelper {
    const full = `${fromName}.to.${toName}`;
    return this.#once(full, () => {
      const [from, to] = [FLOAT_FORMATS[fromName], FLOAT_FORMATS[toName]];
      const exact = defineConvert(from, to, this.#env, this.#round(to));
      return defineHelper(`fp.${full}`, ['i64', 'i32'], 'i64', (b, bits, rm) => {
        tryHostConvert(b, from, to, this.#env, [bits, rm]);
        return b.call(exact, bits, rm);
      });
    });
  }

  quad(low: Slot): QuadFloat {
    return createQuadFloat(this.#env, low, (f) => this.#round(f));
  }

  /** a - b is a + (-b), except that the sign of a NaN stays. */
  #sum(f: FloatFormat, operation: 'add' | 'sub'): IrHelper {
    const exact = this.#once(`${f.name}.addExact`, () => defineAdd(f, this.#env, this.#round(f)));
    return defineHelper(`fp.${f.name}.${operation}`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
      tryHostSum(b, f, this.#env, operation === 'add' ? 'fadd' : 'fsub', [left, right, rm]);
      if (operation === 'add') return b.call(exact, left, right, rm);
      const negated = b.select(isNan(b, f, right), right, b.xor(right, b.big(f.signBit)));
      return b.call(exact, left, negated, rm);
    });
  }

  #round(f: FloatFormat): IrHelper {
    return this.#once(`${f.name}.round`, () => defineRound(f, this.#env));
  }

  #once(name: string, define: () => IrHelper): IrHelper {
    const known = this.#helpers.get(name);
    if (known !== undefined) return known;
    const made = define();
    this.#helpers.set(name, made);
    return made;
  }
}
