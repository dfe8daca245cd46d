/**
 * Speed of floating point: a benchmark makes 1000 calls, so its microseconds are the nanoseconds of one call, of which
 * about 3 are the loop's. `min` is the figure to read on a busy machine. Run with `pnpm exec vitest bench`.
 */
import { bench, describe } from 'vitest';
import { type AnyFormatName, FLAG_INEXACT, FLOAT_FORMATS, ROUND_NEAREST_EVEN } from '../../src/softfloat/index.ts';
import { Batch, type Case } from './batch.ts';
import { Random } from './operands.ts';
import { operation } from './operations.ts';

const NAMES = [
  ...(['f64', 'f32'] as const).flatMap((f) =>
    ['add', 'mul', 'div', 'sqrt', 'fma', 'lt', 'to.i64'].map((kind) => `${f}.${kind}`),
  ),
  ...['f16.add', 'f16.fma', 'f64.to.f32', 'f32.to.f64', 'i64.to.f64'],
];

/** A positive number from 1/16 to 256. */
function ordinary(random: Random, name: AnyFormatName): bigint {
  const f = FLOAT_FORMATS[name];
  return (BigInt(f.bias - 4 + random.below(12)) << BigInt(f.fracBits)) | random.bits(f.fracBits);
}

describe.each([
  ['exactly: inexact is not set yet', 0],
  ['on the host: inexact is set', FLAG_INEXACT],
])('%s', (_, before) => {
  for (const name of NAMES) {
    const o = operation(name);
    const random = new Random(99n);
    const operands = (): bigint[] =>
      o.operands.map((kind) => (typeof kind === 'string' ? ordinary(random, kind) : random.bits(31)));
    const cases = Array.from({ length: 1000 }, (): Case => ({ operands: operands(), rm: ROUND_NEAREST_EVEN, before }));
    bench(`${name} x 1000`, new Batch([o]).prepare(o, cases), { time: 100, warmupTime: 50 });
  }
});
