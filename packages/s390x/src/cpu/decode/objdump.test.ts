/** The decoder and disassembler against GNU objdump: random operands of every encoding. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@boardwalk/testing';
import { describe, expect, test } from 'vitest';
import { ENCODINGS, type Encoding, fieldsOf } from './decoder.ts';
import { disassemble } from './disassemble.ts';

const OBJDUMP = 's390x-linux-gnu-objdump';
const available = spawnSync(OBJDUMP, ['--version']).status === 0;
if (!available) console.warn(`skipped: ${OBJDUMP} is not installed`);

/** objdump's text by address. */
function objdump(bytes: Uint8Array): ReadonlyMap<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-objdump-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, bytes);
    const text = execFileSync(OBJDUMP, ['-D', '-b', 'binary', '-m', 's390:64-bit', '-EB', file], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const lines = text.matchAll(/^ *([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/gm);
    return new Map([...lines].map(([, at = '', line = '']) => [Number.parseInt(at, 16), line]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const UNKNOWN = '(unknown)';

/** The same text for what differs only in taste. */
function normalise(text: string): string {
  const line = text.replace(/\s+/, ' ').trim();
  if (/^\.(insn|long|short|byte)/.test(line)) return UNKNOWN;
  return (
    line
      // Names of before: CONVERT UTF-8 TO UTF-16 and back. Conversions with all their operands have an `a` behind them.
      .replace(/^cutfu /, 'cu12 ')
      .replace(/^cuutf /, 'cu21 ')
      .replace(/^((?:c[edxfg]{2}|fi[edx]|l[ed][dx])br)a /, '$1 ')
      // Modifiers of these that are zero.
      .replace(/^((?:c[edxfg]{2}|fi[edx]|l[ed][dx])br .*?)(,0)$/, '$1')
      .replace(/^(l[ed][dx]br %f\d+),0,(%f\d+)$/, '$1,$2')
      .replace(/^(c[edx][fg]br %f\d+),0,(%r\d+)$/, '$1,$2')
  );
}

/** Not in objdump's tables. */
const NOT_THEIRS =
  /^(ipk|servc|ipm|iac|ssar|e?par|esar|[chrx]sch|sal|rchp|schm|msta|palb|epair|esair|esea|chsc|clp|pci.*|rpcit|m?pcifc|stpcifc|sic|lz[edx]r|sfasr|ptlb|stcps|upt|ptff|sckpf|pr|stfl|srnmt|lfas)$/;

/** Bytes of an encoding whose operands are random; where it has none, zeros. */
function randomBytes(random: Random, encoding: Encoding): number[] {
  const { opcode, format } = encoding;
  const words = (nibbles: readonly number[]) => {
    const half = (n: number) =>
      Number.parseInt(
        nibbles
          .slice(n * 4, n * 4 + 4)
          .map((d) => d.toString(16))
          .join('') || '0',
        16,
      );
    return { a: half(0), b: half(1), c: half(2) };
  };
  const none = Array.from({ length: format.length * 2 }, () => 0);
  const empty = { ...fieldsOf(encoding, words(none)) };
  const nibbles = none.map((_, place) => {
    const changed = { ...fieldsOf(encoding, words(none.with(place, 15))) };
    const names = Object.keys(changed).filter(
      (name) => changed[name as keyof typeof changed] !== empty[name as keyof typeof empty],
    );
    const isOperand = names.some((name) => encoding.operands.includes(name.replace('b', 'd')));
    return isOperand ? random.below(16) : 0;
  });
  for (const [n, place] of opcodePlaces(encoding).entries()) nibbles[place] = Number.parseInt(opcode[n] ?? '0', 16);
  return Array.from({ length: format.length }, (_, n) => ((nibbles[n * 2] ?? 0) << 4) | (nibbles[n * 2 + 1] ?? 0));
}

function opcodePlaces({ opcode, format }: Encoding): readonly number[] {
  if (opcode.length === 2) return [0, 1];
  if (opcode.length === 3) return [0, 1, 3];
  const last = format.length * 2;
  return /^(e[367bcd])/.test(opcode) ? [0, 1, last - 2, last - 1] : [0, 1, 2, 3];
}

/** Lines `bytes: objdump's text | ours` where they differ and should not. */
function compare(
  codes: readonly (readonly number[])[],
  isExplained: (theirs: string, ours: string, n: number) => boolean,
) {
  const starts: number[] = [];
  const bytes: number[] = [];
  for (const code of codes) {
    starts.push(bytes.length);
    bytes.push(...code);
  }
  const expected = objdump(Uint8Array.from(bytes));
  return codes.flatMap((code, n) => {
    const at = starts[n] ?? 0;
    const theirs = normalise(expected.get(at) ?? '');
    const ours = normalise(disassemble(Uint8Array.from(code), BigInt(at)).text);
    if (theirs === ours || isExplained(theirs, ours, n)) return [];
    return [`${code.map((byte) => byte.toString(16).padStart(2, '0')).join('')}: ${theirs} | ${ours}`];
  });
}

describe.runIf(available)('against objdump', () => {
  test('random operands of every encoding', () => {
    const random = new Random(1);
    const encodings = ENCODINGS.flatMap((encoding) => Array.from({ length: 40 }, () => encoding));
    // What objdump does not know would put it out of step with what follows.
    const known = encodings.filter(({ mnemonic }) => !NOT_THEIRS.test(mnemonic));
    const codes = known.map((encoding) => randomBytes(random, encoding));
    // Vector instructions have extended mnemonics there, and here the basic ones: what is compared is that both know them.
    const isVector = (n: number) => /^(v|wf[ck]$)/.test(known[n]?.mnemonic ?? '');
    const differences = compare(codes, (theirs, ours, n) => {
      // Of NO OPERATION with an index alone objdump leaves out the end.
      if (theirs.startsWith('nop ')) return ours === `${theirs},%r0)`;
      return isVector(n) && theirs !== '' && theirs !== UNKNOWN;
    });
    expect(differences.slice(0, 40)).toEqual([]);
  });
});
