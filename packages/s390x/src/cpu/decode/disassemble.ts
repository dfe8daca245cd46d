/**
 * Text of an instruction, from the tables that decode it, in the style of objdump: registers with `%`, branch targets as
 * addresses, condition masks as part of the mnemonic where there is one. Vector instructions have their basic mnemonics.
 */
import { type Encoding, fieldsOf, findEncoding, instructionLength } from './decoder.ts';
import type { Fields, InsnWords } from './formats.ts';

const hex = (n: number | bigint): string => `0x${n.toString(16)}`;

/** Suffixes by the mask of condition codes; none where there is nothing to choose, or no choice. */
const CONDITIONS = '- o h nle l nhe lh ne e nlh he nl le nh no -'.split(' ');
/** Of comparisons, which have no fourth outcome. */
const COMPARISONS: Readonly<Record<number, string>> = { 2: 'h', 4: 'l', 6: 'ne', 8: 'e', 10: 'nl', 12: 'nh' };

const CONDITIONAL = /^(loc(g|fh)?r?|stoc(g|fh)?|loc[gh]?hi|sel(g|fh)?r)$/;
const COMPARING = /^(cl?g?[ri][jbt]|clfit|clg?t)$/;

/** Branches on condition: their names where they never branch, if they have one, and always, and how the others begin and end. */
const BRANCHES: Readonly<
  Record<string, readonly [never: string | undefined, always: string, first: string, last: string]>
> = {
  bcr: ['nopr', 'br', 'b', 'r'],
  bc: ['nop', 'b', 'b', ''],
  brc: ['jnop', 'j', 'j', ''],
  brcl: ['jgnop', 'jg', 'jg', ''],
  bic: [undefined, 'bi', 'bi', ''],
};

/** ROTATE THEN INSERT SELECTED BITS with zeros elsewhere, which a bit of its fourth operand says. */
const isZeroing = (mnemonic: string, i4: number): boolean => /^risbgn?$/.test(mnemonic) && (i4 & 0xc0) === 0x80;

/** A mnemonic, and the operand that it says already. */
function nameOf(mnemonic: string, f: Fields): { readonly name: string; readonly said?: string } {
  const branch = BRANCHES[mnemonic];
  if (branch !== undefined) {
    const [never, always, first, last] = branch;
    const name = f.m1 === 0 ? never : f.m1 === 15 ? always : `${first}${CONDITIONS[f.m1]}${last}`;
    return name === undefined ? { name: mnemonic } : { name, said: 'm1' };
  }
  if (isZeroing(mnemonic, f.i4)) return { name: `${mnemonic}z` };
  const mask = mnemonic.startsWith('sel') ? 'm4' : 'm3';
  const suffix = CONDITIONAL.test(mnemonic)
    ? CONDITIONS[f[mask]]
    : COMPARING.test(mnemonic)
      ? COMPARISONS[f[mask]]
      : undefined;
  return suffix === undefined || suffix === '-' ? { name: mnemonic } : { name: `${mnemonic}${suffix}`, said: mask };
}

/** Immediates without a sign, by their bits; others have the sign that the format gives them. */
const UNSIGNED: readonly (readonly [mnemonics: RegExp, bits: number])[] = [
  [/^((ii|ni|oi|lli)[hl]|tm[hl])[hl]$/, 16],
  [/^cl(hh|g|f)h?si$|^cl(g|f)it$/, 16],
  [/^((xi|ii|ni|oi|lli)[hl]f|(sl|al|cl)g?fi|clih)$/, 32],
  [/^clg?i[jb]$/, 8],
];
/** Immediates of a byte with a sign. */
const SIGNED_BYTE = /^al?g?si$|^algsi$/;

/** Registers that are not general ones. */
const FILES: readonly (readonly [mnemonics: RegExp, operands: RegExp, letter: string])[] = [
  [/^(lam|stam)y?$|^cpya$/, /^r[123]$/, 'a'],
  [/^(sar|tar)$/, /^r1$/, 'a'],
  [/^ear$/, /^r2$/, 'a'],
  [/^(l|st)ct(l|g|lg)$/, /^r[13]$/, 'c'],
];
/** General registers of floating-point instructions. */
const GENERAL: readonly (readonly [mnemonics: RegExp, operands: RegExp])[] = [
  [/^([se]fpc|sfasr)$/, /^r[12]$/],
  [/^ldgr$|^c[edx]l?[fg]br$/, /^r2$/],
  [/^lgdr$|^cl?[fg][edx]br$/, /^r1$/],
];

function storage(f: Fields, operand: string): string | undefined {
  const [, d = '', inside = ''] = /^d([124])(?:\((\w+)\))?$/.exec(operand) ?? [];
  if (d === '') return undefined;
  const displacement = d === '1' ? f.d1 : d === '2' ? f.d2 : f.d4;
  const base = d === '1' ? f.b1 : d === '2' ? f.b2 : f.b4;
  const index =
    inside === 'x2'
      ? f.x2 === 0
        ? ''
        : `%r${f.x2}`
      : inside === 'l1'
        ? String(f.l1 + 1)
        : inside === 'l2'
          ? String(f.l2 + 1)
          : inside === 'r1'
            ? `%r${f.r1}`
            : inside === 'v2'
              ? `%v${f.v2}`
              : '';
  // A base that is none is told where there is something beside it.
  const parts = [index, base === 0 && index === '' ? '' : `%r${base}`].filter((part) => part !== '');
  return parts.length === 0 ? String(displacement) : `${displacement}(${parts.join(',')})`;
}

function registerLetter({ mnemonic, opcode }: Encoding, operand: string): string {
  const file = FILES.find(([mnemonics, operands]) => mnemonics.test(mnemonic) && operands.test(operand))?.[2];
  if (file !== undefined) return file;
  const isGeneral = GENERAL.some(([mnemonics, operands]) => mnemonics.test(mnemonic) && operands.test(operand));
  return /^(b3|ed|28|38|6|7[08])/.test(opcode) && !isGeneral ? 'f' : 'r';
}

function immediateText({ mnemonic, format }: Encoding, operand: string, value: number, pc: bigint): string {
  if (format.name === 'MII' && operand === 'i3') return hex(BigInt.asUintN(64, pc + 2n * BigInt(value)));
  const bits = UNSIGNED.find(([mnemonics]) => mnemonics.test(mnemonic))?.[1];
  if (bits !== undefined && operand === 'i2') return String(value < 0 ? value + 2 ** bits : value);
  if (operand === 'i2' && SIGNED_BYTE.test(mnemonic)) return String((value << 24) >> 24);
  if (operand === 'i4' && isZeroing(mnemonic, value)) return String(value & 127);
  return String(value);
}

function operandText(encoding: Encoding, f: Fields, operand: string, pc: bigint): string {
  const known = storage(f, operand);
  if (known !== undefined) return known;
  const value = f[operand as keyof Fields] ?? 0;
  if (operand === 'ri') return hex(BigInt.asUintN(64, pc + BigInt(value)));
  if (operand.startsWith('r')) return `%${registerLetter(encoding, operand)}${value}`;
  if (operand.startsWith('v')) return `%v${value}`;
  return immediateText(encoding, operand, value, pc);
}

/** Operands at the end that are left out where they are zero. */
function isLeftOut({ mnemonic, format }: Encoding, f: Fields, operand: string): boolean {
  if (mnemonic === 'ipte' && operand === 'r3') return f.r3 === 0 && f.m4 === 0;
  if (/^(ip|id|crd)te$/.test(mnemonic)) return operand === 'm4' && f.m4 === 0;
  if (mnemonic === 'ppa' || CONDITIONAL.test(mnemonic) || COMPARING.test(mnemonic)) return false;
  return format.name === 'RRF-c' && operand === 'm3' && f.m3 === 0;
}

/** Text and length of the instruction in these bytes; the bytes may go on after it. */
export function disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: number } {
  const half = (n: number): number => ((bytes[n] ?? 0) << 8) | (bytes[n + 1] ?? 0);
  const words: InsnWords = { a: half(0), b: half(2), c: half(4) };
  const length = instructionLength(words.a);
  const encoding = findEncoding(words);
  if (encoding === undefined) {
    const data = Array.from(bytes.subarray(0, length), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { text: `.insn   0x${data}`, length };
  }
  const fields = fieldsOf(encoding, words);
  const { name, said } = nameOf(encoding.mnemonic, fields);
  const operands = encoding.operands
    .split(',')
    .filter((operand) => operand !== '' && operand !== said && !isLeftOut(encoding, fields, operand))
    .map((operand) => operandText(encoding, fields, operand, pc));
  return { text: `${name.padEnd(7)} ${operands.join(',')}`.trimEnd(), length };
}
