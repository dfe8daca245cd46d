/** Random words of an encoding, with registers that make its operands interesting and its addresses harmless. */

import type { Random } from '@boardwalk/testing';
import type { Encoding } from '../../../src/cpu/decode/decoder.ts';
import { fieldsOf } from '../../../src/cpu/decode/decoder.ts';
import type { Format } from '../../../src/cpu/decode/formats.ts';
import { opcodePlaces } from '../assembler.ts';
import { FIELD } from '../layout.ts';
import { PROBLEM, type Program, SUPERVISOR } from '../program.ts';

/** Nibbles of an instruction of an encoding; the operands are random. */
export function randomNibbles(random: Random, { opcode, format }: Encoding): number[] {
  const nibbles = Array.from({ length: format.length * 2 }, () => random.below(16));
  for (const [n, place] of opcodePlaces(opcode, format.length).entries()) {
    nibbles[place] = Number.parseInt(opcode[n] ?? '0', 16);
  }
  return nibbles;
}

export function bytesOf(nibbles: readonly number[]): number[] {
  return Array.from({ length: nibbles.length / 2 }, (_, n) => ((nibbles[n * 2] ?? 0) << 4) | (nibbles[n * 2 + 1] ?? 0));
}

export const wordsOf = (bytes: readonly number[]): { a: number; b: number; c: number } => {
  const half = (n: number): number => ((bytes[n] ?? 0) << 8) | (bytes[n + 1] ?? 0);
  return { a: half(0), b: half(2), c: half(4) };
};

/** Nibbles that hold a base register: what is not 0 there can be set to an address. */
const basesOf = ({ places }: Format): readonly number[] =>
  ['b1', 'b2', 'b4'].map((base) => places.get(base)).filter((place) => place !== undefined);

/** Instructions whose second operand's address is no address of storage. */
const NO_STORAGE =
  /^(s[lr][ald]g?k?|s[lr][ld]?[al]?k?|srdl|sldl|srda|slda|rllg?|la|lay|vesr?[la]|verll|vlgv|vlvg|lcbb|srnmb?|mvcle|clcle)$/;
/** Branches to an address in a register. */
const BRANCH_TO = /^(b[a-z]*|(c|cg|cl|clg)(r|i)b)$/;

/** The PSW mask for a case: any condition code, either state, a program mask without fixed-point overflow, which the reference ignores. */
export function anyMask(random: Random): bigint {
  const cc = BigInt(random.below(4)) << 44n;
  const programMask = random.oneIn(4) ? BigInt(random.below(8)) << 40n : 0n;
  return (random.oneIn(2) ? SUPERVISOR : PROBLEM) | cc | programMask;
}

/** Random nibbles of an instruction that the reference takes, and that reach nothing they should not. */
export function prepareNibbles(program: Program, encoding: Encoding): number[] {
  const { random } = program;
  const nibbles = randomNibbles(random, encoding);
  const { mnemonic, format } = encoding;
  for (const place of basesOf(format)) {
    if (NO_STORAGE.test(mnemonic)) break;
    nibbles[place] = 1 + random.below(15);
  }
  // An index that is not 0 gets a small value.
  if (/^RX/.test(format.name) && !NO_STORAGE.test(mnemonic)) {
    if (random.oneIn(2)) nibbles[3] = 0;
    else if (nibbles[3] === nibbles[4]) nibbles[3] = ((nibbles[3] ?? 0) % 15) + 1;
  }
  // Pairs of registers are mostly even; the reference takes any for CDSG.
  if (
    (mnemonic === 'cdsg' || random.below(8) !== 0) &&
    /^(m|d|ml|dl|mr|dr|mlr|dlr|mlgr|dlgr|mlg|dlg|mg|mgrk|ds.*|mfy|s[lr]d[al]|flogr|cds.*|lpq|stpq|lpdg?)$/.test(
      mnemonic,
    )
  ) {
    for (const place of format.length === 4 && format.name.startsWith('RR') ? [6] : [2, 3]) {
      nibbles[place] = (nibbles[place] ?? 0) & 14;
    }
  }
  // Of LOAD ROUNDED from an extended number both registers are of pairs, which the reference does not insist on.
  if (/^l[de]xbr$/.test(mnemonic)) nibbles[6] = (nibbles[6] ?? 0) & 13;
  // The second byte is no part of the operation code, but the reference thinks so.
  if (format.name === 'S' && encoding.opcode.length === 2) nibbles[2] = nibbles[3] = 0;
  if (format.name === 'RIE-f') {
    // Bits that are reserved stop the reference, as does the test bit of RNSBG and its like.
    const isHalf = /^risb[hl]g$/.test(mnemonic);
    for (const place of [4, 6, 8]) nibbles[place] = (nibbles[place] ?? 0) & (isHalf && place !== 8 ? 1 : 3);
    if (random.oneIn(2) && mnemonic.startsWith('risb')) nibbles[6] = (nibbles[6] ?? 0) | 8;
  }
  limitJump(program, encoding, nibbles);
  return nibbles;
}

/** Places a target, and an EXRL of it, whose address is given. */
function placeExecute(program: Program, target: readonly number[]): number {
  const at = program.place(target);
  const halfwords = ((at - program.free) / 2) >>> 0;
  const distance = [24, 16, 8, 0].map((shift) => (halfwords >>> shift) & 255);
  return program.place([0xc6, program.random.below(16) << 4, ...distance]);
}

/** Adds a case of one instruction. */
export interface WordOptions {
  readonly f?: Readonly<Record<number, bigint>>;
  readonly v?: Readonly<Record<number, bigint>>;
  readonly fpc?: number;
  /** What storage operands are given to hold. */
  readonly memory?: () => bigint;
  /** The instruction is the target of EXECUTE RELATIVE LONG, which changes its second byte by a register. */
  readonly execute?: boolean;
  /** Fourth and fifth nibble. */
  readonly fixed?: readonly number[] | undefined;
  /** Changes the nibbles as it needs. */
  readonly adjust?: (nibbles: number[]) => void;
}

export function addWordCase(program: Program, encoding: Encoding, options: WordOptions = {}): void {
  const { random } = program;
  const nibbles = prepareNibbles(program, encoding);
  for (const [n, value] of (options.fixed ?? []).entries()) nibbles[4 + n] = value;
  options.adjust?.(nibbles);
  const r: Record<number, bigint> = {};
  const { mnemonic, format } = encoding;
  const branches = BRANCH_TO.test(mnemonic);
  const bytes = bytesOf(nibbles);
  const f = fieldsOf(encoding, wordsOf(bytes));
  const pc = options.execute === true ? placeExecute(program, bytes) : program.place(bytes);
  setAddresses();
  if (branches) setTargets();
  // Comparisons and additions of equals are worth having.
  if (random.oneIn(6) && !branches) r[f.r2] = r[f.r1] ??= program.integer();
  const { f: floats = {}, v = {}, fpc = 0 } = options;
  program.add({ group: mnemonic, pc, r, f: floats, v, fpc, pswMask: anyMask(random) });

  function setAddresses(): void {
    if (NO_STORAGE.test(mnemonic)) return;
    const target = (): bigint => {
      const at = branches && mnemonic !== 'bic' ? program.emptyPlace() : program.scratch();
      // The reference takes CDSG and what it makes of it anywhere.
      const alwaysAligned = /^(cdsg|lpq|stpq)$/.test(mnemonic);
      const needsAlignment = /^(cs|cds|laa|lan|lao|lax|lpd|lam|stam)/.test(mnemonic) && !random.oneIn(8);
      const address = alwaysAligned || needsAlignment ? at & ~15 : at;
      if (options.memory !== undefined && !branches) program.poke64(address, options.memory());
      return BigInt(address);
    };
    for (const place of basesOf(format)) {
      const base = nibbles[place] ?? 0;
      const displacement =
        place === 8 ? f.d2 || f.d4 : format.name === 'RIS' || format.name === 'RRS' ? f.d4 : f.d2 || f.d1;
      let at = target() - BigInt(displacement);
      const index = f.x2;
      if (place === 4 && index !== 0 && index !== base) at -= r[index] ??= BigInt(random.below(64));
      if (r[base] === undefined) r[base] = BigInt.asUintN(64, at);
    }
  }

  /** Registers that hold where a branch goes. */
  function setTargets(): void {
    if (format.name === 'RR' || format.name === 'RRE') r[f.r2] ??= BigInt(program.emptyPlace());
  }
}

/** Makes a relative operand reach memory that may be read or jumped to: up to 2000 bytes before or behind. */
function limitJump(program: Program, { format, mnemonic }: Encoding, nibbles: number[]): void {
  const { random } = program;
  const place = { 'RI-b': 4, 'RI-c': 4, 'RIE-b': 4, 'RIE-c': 4, 'RIE-e': 4, RSI: 4, 'RIL-b': 4, 'RIL-c': 4 }[
    format.name
  ];
  if (place === undefined) return;
  const at = program.free;
  const isData = format.name.startsWith('RIL') && !/^br/.test(mnemonic);
  const to = isData ? program.scratch() & ~7 : FIELD + 2 * random.below(0x7f0);
  let halfwords = (to - at) / 2;
  const digits = format.name.startsWith('RIL') ? 8 : 4;
  if (digits === 4 && Math.abs(halfwords) > 0x7fff) halfwords = -0x100;
  const text = (digits === 8 ? halfwords >>> 0 : halfwords & 0xffff).toString(16).padStart(digits, '0');
  for (let n = 0; n < digits; n++) nibbles[place + n] = Number.parseInt(text[n] ?? '0', 16);
}
