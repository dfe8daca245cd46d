import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch, type Case, RISCV } from '../../test/softfloat/batch.ts';
import { edges, Random, randomOperands } from '../../test/softfloat/operands.ts';
import { OPERATIONS, type Operation, operation } from '../../test/softfloat/operations.ts';
import { StateLayout } from '../state.ts';
import { createSoftFloat, FLAG_INEXACT, FLAG_INVALID, FLOAT_FORMATS, type FloatFormatName } from './index.ts';

const MODES = [0, 1, 2, 3, 4, 5] as const;
const RANDOM_CASES = 400;

const batch = new Batch(OPERATIONS);
const batchBefore = new Batch(OPERATIONS, { ...RISCV, tininess: 'before' });

const hex = (bits: bigint): string => `0x${bits.toString(16)}`;

/** Compares with the reference, with the inexact flag clear (the exact code) and set (the host's arithmetic). */
function check(
  runner: Batch,
  o: Operation,
  operandSets: readonly (readonly bigint[])[],
  tininess: 'before' | 'after',
): void {
  for (const rm of MODES) {
    const expected = operandSets.map((operands) => o.expect(operands, { rm, tininess }));
    for (const before of [0, FLAG_INEXACT]) {
      const cases: Case[] = operandSets.map((operands) => ({ operands, rm, before }));
      for (const [i, result] of runner.run(o, cases).entries()) {
        const want = expected[i];
        if (want === undefined || (want.bits === result.bits && (want.flags | before) === result.flags)) continue;
        const operands = operandSets[i]?.map(hex).join(' ');
        expect.fail(
          `${o.name} ${operands} rm ${rm} flags ${before}: ` +
            `${hex(result.bits)} flags ${result.flags}, expected ${hex(want.bits)} flags ${want.flags | before}`,
        );
      }
    }
  }
}

function edgeOperands(o: Operation): bigint[][] {
  const lists = o.operands.map((kind) => {
    if (typeof kind === 'string') return edges(FLOAT_FORMATS[kind]);
    return [0n, 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
  });
  return lists.reduce<bigint[][]>((sets, list) => sets.flatMap((set) => list.map((v) => [...set, v])), [[]]);
}

describe.each(OPERATIONS)('$name', (o) => {
  it('agrees with exact rational arithmetic on random operands in every rounding direction', () => {
    const random = new Random(0x9e3779b97f4a7c15n);
    const sets = Array.from({ length: RANDOM_CASES }, () => randomOperands(random, o.operands));
    check(batch, o, sets, 'after');
  });
});

describe.each(OPERATIONS.filter((o) => o.operands.length < 3))('$name', (o) => {
  it('agrees with exact rational arithmetic on all edges', () => {
    check(batch, o, edgeOperands(o), 'after');
  });
});

describe.each(['f16', 'f32', 'f64'] as const)('fma of %s edges', (f) => {
  it('agrees with exact rational arithmetic', () => {
    const o = operation(`${f}.fma`);
    const all = edgeOperands(o);
    const random = new Random(7n);
    check(
      batch,
      o,
      Array.from({ length: 4000 }, () => random.pick(all)),
      'after',
    );
  });
});

describe('tininess before rounding', () => {
  const o = ['mul', 'div', 'fma'].flatMap((kind) => ['f16', 'f32', 'f64'].map((f) => operation(`${f}.${kind}`)));
  const quad = ['f128.mul', 'f128.div', 'f128.to.f64'].map(operation);
  it.each([...o, ...quad, operation('f64.to.f32'), operation('f32.to.f16')])('$name', (one) => {
    const random = new Random(11n);
    const sets = Array.from({ length: RANDOM_CASES }, () => randomOperands(random, one.operands));
    check(batchBefore, one, sets, 'before');
  });

  it('differs where a number rounds up to the smallest normal one', () => {
    // 0x1.ffffffp-127: 25 significant bits, halfway between the largest subnormal number and the smallest normal one.
    const below = [0x380f_ffff_f000_0000n];
    const o64 = operation('f64.to.f32');
    const one: Case[] = [{ operands: below, rm: 0, before: 0 }];
    expect(batch.run(o64, one)).toEqual([{ bits: 0x0080_0000n, flags: 1 }]);
    expect(batchBefore.run(o64, one)).toEqual([{ bits: 0x0080_0000n, flags: 3 }]);
  });
});

describe('binary16, all of it', () => {
  const all = Array.from({ length: 65536 }, (_, i) => [BigInt(i)]);
  it.each(['f16.sqrt', 'f16.to.i32', 'f16.to.u64', 'f16.to.f32', 'f16.classify'])('%s', (name) => {
    check(batch, operation(name), all, 'after');
  });

  it.each(['f32', 'f64'] as const)('survives %s and back', (wide) => {
    const widened = batch.run(
      operation(`f16.to.${wide}`),
      all.map((operands) => ({ operands, rm: 1, before: 0 })),
    );
    const back = batch.run(
      operation(`${wide}.to.f16`),
      widened.map(({ bits }) => ({ operands: [bits], rm: 1, before: 0 })),
    );
    const { infinity, magnitudeMask } = FLOAT_FORMATS.f16;
    for (const [i, { bits, flags }] of back.entries()) {
      const isNan = (BigInt(i) & magnitudeMask) > infinity;
      expect(bits).toBe(isNan ? 0x7e00n : BigInt(i));
      expect(flags).toBe(0);
    }
  });
});

describe('algebra that holds for every operand', () => {
  const bitsOf = (name: FloatFormatName): fc.Arbitrary<bigint> => {
    const f = FLOAT_FORMATS[name];
    return fc.oneof(fc.bigInt({ min: 0n, max: 2n * f.signBit - 1n }), fc.constantFrom(...edges(f)));
  };
  const run = (name: string, rm: number, ...operands: bigint[]): bigint =>
    batch.run(operation(name), [{ operands, rm, before: 0 }])[0]?.bits ?? -1n;
  const anyMode = fc.constantFrom(...MODES);

  describe.each(['f16', 'f32', 'f64'] as const)('%s', (f) => {
    const { signBit, magnitudeMask, infinity } = FLOAT_FORMATS[f];
    const isNan = (bits: bigint): boolean => (bits & magnitudeMask) > infinity;

    it('a + b = b + a and a * b = b * a', () => {
      fc.assert(
        fc.property(bitsOf(f), bitsOf(f), anyMode, (a, b, rm) => {
          expect(run(`${f}.add`, rm, a, b)).toBe(run(`${f}.add`, rm, b, a));
          expect(run(`${f}.mul`, rm, a, b)).toBe(run(`${f}.mul`, rm, b, a));
        }),
      );
    });

    it('rounding down mirrors rounding up', () => {
      fc.assert(
        fc.property(bitsOf(f), bitsOf(f), (a, b) => {
          const down = run(`${f}.div`, 2, a, b);
          const up = run(`${f}.div`, 3, a ^ signBit, b);
          expect(isNan(down) ? down : down ^ signBit).toBe(up);
        }),
      );
    });

    it('fma(a, 1, b) = a + b and fma(a, b, -0 or +0) = a * b', () => {
      const one = BigInt(FLOAT_FORMATS[f].bias) << BigInt(FLOAT_FORMATS[f].fracBits);
      fc.assert(
        fc.property(bitsOf(f), bitsOf(f), anyMode, (a, b, rm) => {
          expect(run(`${f}.fma`, rm, a, one, b)).toBe(run(`${f}.add`, rm, a, b));
          expect(run(`${f}.fma`, rm, a, b, (a ^ b) & signBit)).toBe(run(`${f}.mul`, rm, a, b));
        }),
      );
    });

    it('a NaN is in no order, and min and max prefer the number', () => {
      fc.assert(
        fc.property(bitsOf(f), fc.bigInt({ min: infinity + 1n, max: magnitudeMask }), (a, nan) => {
          for (const kind of ['eq', 'lt', 'le']) expect(run(`${f}.${kind}`, 0, a, nan)).toBe(0n);
          if (!isNan(a)) expect([run(`${f}.min`, 0, a, nan), run(`${f}.max`, 0, nan, a)]).toEqual([a, a]);
        }),
      );
    });
  });
});

describe('rules of instruction sets', () => {
  const x86 = new Batch(OPERATIONS, {
    defaultNan: false,
    defaultNanSign: 1,
    infinityTimesZeroPlusNan: 'quiet',
    invalidInteger: 'indefinite',
    tininess: 'after',
  });
  const arm = new Batch(OPERATIONS, { defaultNan: true, invalidInteger: 'saturate-nan-zero', tininess: 'before' });
  const one = (runner: Batch, name: string, ...operands: bigint[]) =>
    runner.run(operation(name), [{ operands, rm: 0, before: 0 }])[0];
  const quiet = 0x7fc0_0001n;
  const signaling = 0xff80_0002n;
  const infinity = 0x7f80_0000n;

  it('propagates the first operand that is a NaN, made quiet', () => {
    expect(one(x86, 'f32.add', quiet, signaling)).toEqual({ bits: quiet, flags: FLAG_INVALID });
    expect(one(x86, 'f32.sub', signaling, quiet)).toEqual({ bits: 0xffc0_0002n, flags: FLAG_INVALID });
    expect(one(x86, 'f32.sub', 0n, quiet)).toEqual({ bits: quiet, flags: 0 });
    expect(one(x86, 'f32.div', 0n, quiet | 0x8000_0000n)).toEqual({ bits: quiet | 0x8000_0000n, flags: 0 });
    expect(one(x86, 'f32.to.f64', signaling)).toEqual({ bits: 0xfff8_0000_4000_0000n, flags: FLAG_INVALID });
    expect(one(x86, 'f64.to.f32', 0x7ff0_0000_2000_0001n)).toEqual({ bits: 0x7fc0_0001n, flags: FLAG_INVALID });
  });

  it('takes the default NaN for an invalid operation, with the sign asked for', () => {
    expect(one(x86, 'f32.mul', 0n, infinity)).toEqual({ bits: 0xffc0_0000n, flags: FLAG_INVALID });
    expect(one(batch, 'f32.mul', 0n, infinity)).toEqual({ bits: 0x7fc0_0000n, flags: FLAG_INVALID });
  });

  it('raises invalid for infinity * 0 + NaN or does not', () => {
    expect(one(x86, 'f32.fma', infinity, 0n, quiet)).toEqual({ bits: quiet, flags: 0 });
    expect(one(x86, 'f32.fma', infinity, 0n, signaling)).toEqual({ bits: 0xffc0_0002n, flags: FLAG_INVALID });
    expect(one(batch, 'f32.fma', infinity, 0n, quiet)).toEqual({ bits: 0x7fc0_0000n, flags: FLAG_INVALID });
  });

  it.each([
    ['f32.to.i32', 0xffff_ffff_8000_0000n, 0x7fff_ffffn, 0n],
    ['f32.to.u32', 0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn, 0n],
    ['f32.to.i64', 0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0n],
    ['f32.to.u64', 0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn, 0n],
  ])('%s of a NaN is what the instruction set says', (name, indefinite, largest, zero) => {
    expect(one(x86, name, quiet)).toEqual({ bits: indefinite, flags: FLAG_INVALID });
    expect(one(batch, name, quiet)).toEqual({ bits: largest, flags: FLAG_INVALID });
    expect(one(arm, name, quiet)).toEqual({ bits: zero, flags: FLAG_INVALID });
    expect(one(arm, name, infinity)).toEqual({ bits: largest, flags: FLAG_INVALID });
  });

  it('keeps the flags that were set', () => {
    const cases: Case[] = [{ operands: [0x3f80_0000n, 0n], rm: 0, before: 0x16 }];
    expect(batch.run(operation('f32.div'), cases)).toEqual([{ bits: infinity, flags: 0x1e }]);
  });
});

describe('createSoftFloat', () => {
  it('gives the same helper each time', () => {
    const library = createSoftFloat({ flags: new StateLayout().field('flags', 'i32'), ...RISCV });
    expect(library.add('f64')).toBe(library.add('f64'));
    expect(library.toInt('f64', { bits: 32, signed: true })).toBe(library.toInt('f64', { bits: 32, signed: true }));
    expect(library.add('f64')).not.toBe(library.sub('f64'));
  });

  it('refuses a flags slot that is no i32', () => {
    const flags = new StateLayout().field('flags', 'i64');
    expect(() => createSoftFloat({ flags, ...RISCV })).toThrow('floating point flags need an i32 slot, flags is i64');
  });
});
