/**
 * The GNU C library's tables of correctly rounded results (math/auto-libm-test-out-*, computed with MPFR), where Debian's
 * package glibc-source is installed. Lines read `= op direction format operands : result : exceptions`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  FLAG_DIVIDE_BY_ZERO,
  FLAG_INEXACT,
  FLAG_INVALID,
  FLAG_OVERFLOW,
  FLAG_UNDERFLOW,
  FLOAT_FORMATS,
  type FloatFormatName,
} from '../../src/softfloat/index.ts';
import { Batch, type Case, RISCV } from './batch.ts';
import { OPERATIONS, operation } from './operations.ts';

const DIRECTORY = '/usr/src/glibc';
const archive = existsSync(DIRECTORY)
  ? readdirSync(DIRECTORY).find((name) => /^glibc-[0-9.]+\.tar\.xz$/.test(name))
  : undefined;
if (archive === undefined)
  console.warn(`vectors of glibc skipped: no ${DIRECTORY}/glibc-*.tar.xz (package glibc-source)`);

const TABLES = ['fma', 'sqrt', 'narrow-add', 'narrow-sub', 'narrow-mul', 'narrow-div', 'narrow-fma', 'narrow-sqrt'];
const DIRECTIONS: Readonly<Record<string, number>> = { tonearest: 0, towardzero: 1, downward: 2, upward: 3 };
const FORMATS: Readonly<Record<string, FloatFormatName>> = { binary32: 'f32', binary64: 'f64' };
const EXCEPTIONS: Readonly<Record<string, number>> = {
  inexact: FLAG_INEXACT,
  underflow: FLAG_UNDERFLOW,
  overflow: FLAG_OVERFLOW,
  divbyzero: FLAG_DIVIDE_BY_ZERO,
  invalid: FLAG_INVALID,
};
/** Raised only where tininess is found before rounding. */
const UNDERFLOW_BEFORE = 'underflow:before-rounding';

/** Bits of a hexadecimal number; undefined where the format does not have it exactly. */
function parseNumber(text: string, name: FloatFormatName): bigint | undefined {
  const f = FLOAT_FORMATS[name];
  if (text === 'plus_infty') return f.infinity;
  if (text === 'minus_infty') return f.infinity | f.signBit;
  const parts = /^(-?)0x([0-9a-f]+)(?:\.([0-9a-f]*))?p([+-]\d+)$/.exec(text);
  if (parts === null) throw new Error(`not a number: ${text}`);
  const [, minus, whole = '', fraction = '', power] = parts;
  const sign = minus === '-' ? f.signBit : 0n;
  let digits = BigInt(`0x${whole}${fraction}`);
  if (digits === 0n) return sign;
  let exponent = Number(power) - 4 * fraction.length;
  const moveTo = (target: number): boolean => {
    const up = BigInt(Math.max(target - exponent, 0));
    if (digits & ((1n << up) - 1n)) return false;
    digits = (digits >> up) << BigInt(Math.max(exponent - target, 0));
    exponent = target;
    return true;
  };
  const top = exponent + digits.toString(2).length - 1;
  if (top > f.bias || !moveTo(Math.max(top, 1 - f.bias) - f.fracBits)) return undefined;
  return sign | (digits + BigInt(Math.max(top - 1 + f.bias, 0)) * f.minNormal);
}

interface Vector extends Case {
  readonly line: string;
  readonly bits: bigint;
  /** Flags where tininess is found after rounding, and before. */
  readonly after: number;
  readonly early: number;
}

function parseVector(line: string): readonly [operation: string, Vector] | undefined {
  const [head = '', result = '', exceptions = ''] = line.slice(2).split(' :');
  const [kind = '', direction = '', format = '', ...operandTexts] = head.trim().split(' ');
  const name = FORMATS[format.split(':')[0] ?? ''];
  const rm = DIRECTIONS[direction];
  if (name === undefined || rm === undefined) return undefined;
  const operands = operandTexts.map((text) => parseNumber(text, name));
  const bits = parseNumber(result.trim(), name);
  if (bits === undefined || operands.some((o) => o === undefined)) return undefined;
  const tokens = exceptions.trim().split(' ');
  const after = tokens.reduce((flags, token) => flags | (EXCEPTIONS[token] ?? 0), 0);
  const early = after | (tokens.includes(UNDERFLOW_BEFORE) ? FLAG_UNDERFLOW : 0);
  const known = operands.filter((o) => o !== undefined);
  return [`${name}.${kind}`, { line, operands: known, rm, before: 0, bits, after, early }];
}

function readVectors(): ReadonlyMap<string, readonly Vector[]> {
  const folder = `${archive?.replace('.tar.xz', '')}/math`;
  const paths = TABLES.map((table) => `${folder}/auto-libm-test-out-${table}`);
  const tar = spawnSync('tar', ['-xOf', `${DIRECTORY}/${archive}`, ...paths], {
    encoding: 'latin1',
    maxBuffer: 2 ** 28,
  });
  if (tar.status !== 0) throw new Error(`tables of glibc: ${tar.stderr}`);
  const byOperation = new Map<string, Vector[]>();
  for (const line of tar.stdout.split('\n')) {
    const parsed = line.startsWith('= ') ? parseVector(line) : undefined;
    if (parsed === undefined) continue;
    const [name, vector] = parsed;
    const list = byOperation.get(name);
    if (list === undefined) byOperation.set(name, [vector]);
    else list.push(vector);
  }
  return byOperation;
}

describe.skipIf(archive === undefined)('tables of the GNU C library', () => {
  const runners = [
    { runner: new Batch(OPERATIONS), flagsOf: (v: Vector) => v.after },
    { runner: new Batch(OPERATIONS, { ...RISCV, tininess: 'before' }), flagsOf: (v: Vector) => v.early },
  ];
  let vectors: ReadonlyMap<string, readonly Vector[]> = new Map();
  beforeAll(() => {
    vectors = readVectors();
  }, 120_000);

  it.each(['f32', 'f64'].flatMap((f) => ['add', 'sub', 'mul', 'div', 'sqrt', 'fma'].map((kind) => `${f}.${kind}`)))(
    '%s',
    (name) => {
      const list = vectors.get(name) ?? [];
      expect(list.length).toBeGreaterThan(300);
      for (const { runner, flagsOf } of runners) {
        const results = runner.run(operation(name), list);
        for (const [i, vector] of list.entries()) {
          expect(results[i], vector.line).toEqual({ bits: vector.bits, flags: flagsOf(vector) });
        }
      }
    },
  );
});
