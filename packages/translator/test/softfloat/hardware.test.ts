/** The library against the host's floating point unit, through a C program compiled by the host's compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FLAG_INVALID, FLOAT_FORMATS } from '../../src/softfloat/index.ts';
import { Batch, type Case, RISCV } from './batch.ts';
import { Random, randomOperands } from './operands.ts';
import { type Operation, operation } from './operations.ts';

/** Architectures whose hardware raises all flags, and when each finds tininess. */
const TININESS: Readonly<Record<string, 'before' | 'after'>> = { x64: 'after', riscv64: 'after', arm64: 'before' };
const CASES = 12_000;
const DIRECTIONS = 4;

const NAMES = [
  ...(['f32', 'f64'] as const).flatMap((f) =>
    ['add', 'sub', 'mul', 'div', 'sqrt', 'fma', 'eq', 'lt', 'le', 'to.i32', 'to.i64'].map((kind) => `${f}.${kind}`),
  ),
  ...['f32.to.f64', 'f64.to.f32', 'i32.to.f32', 'i32.to.f64', 'i64.to.f32', 'i64.to.f64'],
];

const directory = mkdtempSync(join(tmpdir(), 'boardwalk-softfloat-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const program = join(directory, 'hardware');
const tininess = TININESS[process.arch];

/** Compiles the program; the reason if that cannot be. */
function prepare(): string | undefined {
  if (tininess === undefined) return `exceptions of ${process.arch} are not known`;
  const source = fileURLToPath(new URL('hardware.c', import.meta.url));
  const flags = ['-O1', '-frounding-math', '-ftrapping-math', '-ffp-contract=off'];
  const result = spawnSync('cc', [...flags, source, '-o', program, '-lm'], { encoding: 'utf8' });
  if (result.error !== undefined) return 'no C compiler';
  return result.status === 0 ? undefined : `the C compiler failed: ${result.stderr}`;
}

const reason = prepare();
if (reason !== undefined) console.warn(`comparison with the host's floating point skipped: ${reason}`);

interface HostResult {
  readonly bits: bigint;
  readonly flags: number;
}

/** Results for each operand set in each direction. */
function runHost(o: Operation, sets: readonly (readonly bigint[])[]): HostResult[] {
  const input = new DataView(new ArrayBuffer(sets.length * 24));
  for (const [i, set] of sets.entries()) {
    for (const [k, operand] of set.entries()) input.setBigUint64(i * 24 + k * 8, operand, true);
  }
  const run = spawnSync(program, [o.name], { input: new Uint8Array(input.buffer), maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`${o.name}: ${run.stderr}`);
  const output = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.byteLength);
  return Array.from({ length: sets.length * DIRECTIONS }, (_, i) => ({
    bits: output.getBigUint64(i * 16, true),
    flags: output.getInt32(i * 16 + 8, true),
  }));
}

/** NaNs differ among hosts; so does what an invalid conversion to an integer gives. */
function canonical(o: Operation, { bits, flags }: HostResult): bigint {
  if (o.result === 'integer') return o.name.includes('.to.') && flags & FLAG_INVALID ? 0n : bits;
  const f = FLOAT_FORMATS[o.result];
  return (bits & f.magnitudeMask) > f.infinity ? f.infinity | f.quietBit : bits;
}

describe.skipIf(reason !== undefined)("the host's floating point unit", () => {
  const operations = NAMES.map(operation);
  const runner = new Batch(operations, { ...RISCV, tininess: tininess ?? 'after' });

  it.each(operations)('$name', (o) => {
    const random = new Random(0x1234_5678_9abc_def1n);
    const sets = Array.from({ length: CASES }, () => randomOperands(random, o.operands));
    const host = runHost(o, sets);
    // A cast in C rounds toward zero whatever the direction is.
    const isCast = /\.to\.i/.test(o.name);
    for (const before of [0, 1]) {
      const cases = sets.flatMap((operands): Case[] =>
        [0, 1, 2, 3].map((rm) => ({ operands, rm: isCast ? 1 : rm, before })),
      );
      for (const [i, result] of runner.run(o, cases).entries()) {
        const want = host[i];
        if (want === undefined) throw new Error('the program stopped early');
        if (canonical(o, result) === canonical(o, want) && result.flags === (want.flags | before)) continue;
        const operands = cases[i]?.operands.map((v) => v.toString(16)).join(' ');
        expect.fail(
          `${o.name} ${operands} rm ${cases[i]?.rm} flags ${before}: ${result.bits.toString(16)} flags ${result.flags}, ` +
            `the host has ${want.bits.toString(16)} flags ${want.flags}`,
        );
      }
    }
  });
});
