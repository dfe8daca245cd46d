/** The decoder and disassembler against GNU objdump: every 16-bit word, and random words of every 32-bit encoding and of none. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXTENSIONS, type Extension } from '../models.ts';
import { Decoder } from './decoder.ts';
import { disassemble } from './disassemble.ts';
import type { Xlen } from './encoding.ts';
import { Pattern } from './pattern.ts';
import { encodings } from './tables/index.ts';

const BINUTILS = 'riscv64-linux-gnu-';
const available = spawnSync(`${BINUTILS}objdump`, ['--version']).status === 0;
if (!available) console.warn(`skipped: ${BINUTILS}as and ${BINUTILS}objdump are not installed`);

/** objdump's text of each word. */
function objdump(words: readonly number[], xlen: Xlen): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'boardwalk-objdump-'));
  try {
    const source = join(directory, 'a.s');
    const object = join(directory, 'a.o');
    const lines = words.map((word) => `.insn ${(word & 3) === 3 ? 4 : 2}, 0x${word.toString(16)}\n`);
    writeFileSync(source, lines.join(''));
    execFileSync(`${BINUTILS}as`, [
      `-march=rv${xlen}gc_zba_zbb_zbs_zihintpause`,
      `-mabi=${xlen === 64 ? 'lp64d' : 'ilp32d'}`,
      source,
      '-o',
      object,
    ]);
    const text = execFileSync(`${BINUTILS}objdump`, ['-d', '-M', 'priv-spec=1.12', object], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    return [...text.matchAll(/^ *[0-9a-f]+:\t[0-9a-f]+ *\t(.*)$/gm)].map(([, line = '']) => line);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const UNKNOWN = '(unknown)';

const BRANCH = /^(j|jal|b(?:eq|ne|lt|ge|gt|le)u?z?)( |.*,)(?:0x)?([0-9a-f]+)$/;
const OLD_IMMEDIATE =
  /^(add|sltu?|xor|or|and|s[lr]l|sra|ror|b(?:clr|ext|inv|set)|csr(?:r?[wsc]))(w?)( .*,(?:0x[0-9a-f]+|-?\d+))$/;

/** The same text for what differs only in taste: spacing, comments, relocated targets, older objdump's `add` with an immediate. */
function normalise(text: string): string {
  const line = text
    .replace(/ *[<#].*$/, '')
    .replace(/\s+/, ' ')
    .trim();
  if (/^\.(insn|[248]byte|word|short)/.test(line)) return UNKNOWN;
  const [, branch, operands, target] = BRANCH.exec(line) ?? [];
  if (branch !== undefined) return `${branch}${operands}${target}`;
  const [, name, w, rest] = OLD_IMMEDIATE.exec(line) ?? [];
  if (name === undefined || (name.startsWith('csr') && /,0x\w+$/.test(line))) return line;
  return `${name === 'sltu' ? 'slti' : name}i${name === 'sltu' ? 'u' : ''}${w}${rest}`;
}

/** Why both texts are right, where they differ in more than taste. */
function explained(theirs: string, ours: string, xlen: Xlen): boolean {
  // A hint: objdump shows that it is compressed, we show what it does.
  if (theirs.startsWith('c.')) return ours !== UNKNOWN || (xlen === 32 && /0x[23].$/.test(theirs));
  // `addi a0,a0,0` in 16 bits; with sp it is a reserved c.addi16sp.
  const [, rd, rs1] = /^addi (\w+),(\w+),0$/.exec(theirs) ?? [];
  if (rd !== undefined && rd === rs1) return ours === `mv ${rd},${rs1}` || (rd === 'sp' && ours === UNKNOWN);
  // objdump has mv for the 16-bit form of `add a0,zero,a1` alone, and a name for the word 0.
  if (/^add \w+,zero,/.test(theirs)) return ours.startsWith('mv ');
  if (theirs === 'unimp') return ours === UNKNOWN;
  // objdump takes shift amounts of 32 and more for RV32, which are reserved.
  if (xlen === 32 && ours === UNKNOWN) return /^(slli|srli|srai|rori|bclri|bexti|binvi|bseti) .*,0x[23].$/.test(theirs);
  // objdump wants ignored fields of fences to be zero, and no rounding mode on exact conversions.
  return theirs === UNKNOWN && /^(fence|fcvt\.d\.(s|w|wu) )/.test(ours);
}

/** Numbers that look random and are the same each time (xorshift). */
function* random(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

/** Lines `word: objdump's text | ours` where they differ and should not. */
function compare(words: readonly number[], xlen: Xlen): readonly string[] {
  const decoder = new Decoder({ xlen, extensions: new Set(Object.keys(EXTENSIONS) as Extension[]) });
  const expected = objdump(words, xlen);
  expect(expected.length).toBe(words.length);
  const differences: string[] = [];
  let pc = 0;
  for (const [index, word] of words.entries()) {
    const theirs = normalise(expected[index] ?? '');
    const ours = normalise(disassemble(word, BigInt(pc), decoder));
    if (ours !== theirs && !explained(theirs, ours, xlen))
      differences.push(`${word.toString(16)}: ${theirs} | ${ours}`);
    pc += (word & 3) === 3 ? 4 : 2;
  }
  return differences;
}

describe.runIf(available)('against objdump', () => {
  test('every 16-bit word of RV64', () => {
    const words = Array.from({ length: 0x10000 }, (_, word) => word).filter((word) => (word & 3) !== 3);
    expect(compare(words, 64)).toEqual([]);
  });

  test('every 16-bit word of RV32', () => {
    const words = Array.from({ length: 0x10000 }, (_, word) => word).filter((word) => (word & 3) !== 3);
    expect(compare(words, 32)).toEqual([]);
  });

  test.each([32, 64] as const)('random operands of every encoding of RV%i', (xlen) => {
    const numbers = random(0x1234_5678);
    const words = encodings
      .filter((encoding) => (encoding.xlen ?? xlen) === xlen)
      .map(({ pattern }) => new Pattern(pattern))
      .filter(({ length }) => length === 4)
      .flatMap(({ mask, match }) => Array.from({ length: 100 }, () => ((numbers.next().value & ~mask) | match) >>> 0));
    expect(compare(words, xlen)).toEqual([]);
  });

  test.each([32, 64] as const)('random words of RV%i', (xlen) => {
    const numbers = random(0x8765_4321);
    const words = Array.from({ length: 50_000 }, () => (numbers.next().value | 3) >>> 0).filter(
      (word) => (word & 0x1f) !== 0x1f,
    );
    expect(compare(words, xlen)).toEqual([]);
  });
});
