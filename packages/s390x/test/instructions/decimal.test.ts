/**
 * Decimal arithmetic and editing, which the reference does not have, against a model of them in exact integers and text: random
 * and edge digits, wrong digits and signs, operands of every length that overlap, results that do not fit.
 */
import { Random } from '@boardwalk/testing';
import { describe, expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { SUPERVISOR } from '../differential/program.ts';
import { NO_INTERRUPTION, type Outcome, runTrials, SCRATCH, type Trial } from './run.ts';

const INTERRUPTION = { specification: 6, data: 7, decimalOverflow: 0xa, decimalDivide: 0xb } as const;
const DECIMAL_OVERFLOW = 1n << 42n;

/** What an instruction should come to. */
interface Expected {
  /** The first operand, where it is not what it was. */
  readonly first?: readonly number[];
  readonly cc?: number;
  readonly interruption?: number;
}

interface Number {
  readonly magnitude: bigint;
  readonly sign: 1 | -1;
}

const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');

function parse(bytes: readonly number[]): Number | undefined {
  const [, digits = '', sign = ''] = /^(\d*)([a-f])$/.exec(hex(bytes)) ?? [];
  return sign === '' ? undefined : { magnitude: BigInt(digits), sign: sign === 'b' || sign === 'd' ? -1 : 1 };
}

/** A number as so many bytes, without the digits that do not fit. */
function format({ magnitude, sign }: Number, length: number): number[] {
  const text =
    magnitude
      .toString()
      .padStart(length * 2 - 1, '0')
      .slice(-(length * 2 - 1)) + (sign < 0 ? 'd' : 'c');
  return Array.from({ length }, (_, n) => Number.parseInt(text.slice(n * 2, n * 2 + 2), 16));
}

const fits = (magnitude: bigint, length: number): boolean => magnitude < 10n ** BigInt(length * 2 - 1);
const codeOf = ({ magnitude, sign }: Number): number => (magnitude === 0n ? 0 : sign < 0 ? 1 : 2);

/** The result of addition and its like: what fits of it, its code, and the exception where the mask asks for it. */
function result(value: Number, length: number, traps: boolean, lost = false): Expected {
  const overflow = lost || !fits(value.magnitude, length);
  const kept = value.magnitude % 10n ** BigInt(length * 2 - 1);
  const sign = kept === 0n && !overflow ? 1 : value.sign;
  const first = format({ magnitude: kept, sign }, length);
  if (!overflow) return { first, cc: codeOf({ magnitude: kept, sign }) };
  return { first, cc: 3, ...(traps ? { interruption: INTERRUPTION.decimalOverflow } : {}) };
}

const signed = ({ magnitude, sign }: Number): bigint => magnitude * BigInt(sign);
const numberOf = (value: bigint): Number => ({ magnitude: value < 0n ? -value : value, sign: value < 0n ? -1 : 1 });

type Model = (x: Number | undefined, y: Number | undefined, l1: number, l2: number, traps: boolean) => Expected;
const BAD: Expected = { interruption: INTERRUPTION.data };

const sum =
  (op: (x: bigint, y: bigint) => bigint): Model =>
  (x, y, l1, _l2, traps) =>
    x === undefined || y === undefined ? BAD : result(numberOf(op(signed(x), signed(y))), l1, traps);

const MODELS: Readonly<Record<string, Model>> = {
  ap: sum((x, y) => x + y),
  sp: sum((x, y) => x - y),
  zap: (_x, y, l1, _l2, traps) => (y === undefined ? BAD : result(y, l1, traps)),
  cp: (x, y) => (x === undefined || y === undefined ? BAD : { cc: codeOf(numberOf(signed(x) - signed(y))) }),
  mp: (x, y, l1, l2) => {
    if (l2 > 8 || l2 >= l1) return { interruption: INTERRUPTION.specification };
    if (x === undefined || y === undefined || !fits(x.magnitude, l1 - l2)) return BAD;
    return { first: format({ magnitude: x.magnitude * y.magnitude, sign: x.sign === y.sign ? 1 : -1 }, l1) };
  },
  dp: (x, y, l1, l2) => {
    if (l2 > 8 || l2 >= l1) return { interruption: INTERRUPTION.specification };
    if (x === undefined || y === undefined) return BAD;
    if (y.magnitude === 0n || !fits(x.magnitude / y.magnitude, l1 - l2)) {
      return { interruption: INTERRUPTION.decimalDivide };
    }
    const quotient = format({ magnitude: x.magnitude / y.magnitude, sign: x.sign === y.sign ? 1 : -1 }, l1 - l2);
    return { first: [...quotient, ...format({ magnitude: x.magnitude % y.magnitude, sign: x.sign }, l2)] };
  },
};

/** Storage of a trial: 64 bytes of its own, of which some cross a page. */
const placeOf = (n: number): number => SCRATCH + 0xfe0 + 64 * n;

function memoryOf(place: number, bytes: Uint8Array): Record<number, bigint> {
  const view = new DataView(bytes.buffer);
  return Object.fromEntries(Array.from({ length: 8 }, (_, n) => [place + 8 * n, view.getBigUint64(8 * n)]));
}

function bytesAt(o: Outcome, address: number, length: number): number[] {
  return Array.from({ length }, (_, n) => Number(o.memory(address + n) >> 56n));
}

interface Planned {
  readonly name: string;
  readonly trial: Trial;
  readonly address: number;
  readonly before: readonly number[];
  readonly expected: Expected;
}

/** Digits and a sign: random, all zeros or nines, and sometimes wrong. */
function digits(random: Random, length: number): number[] {
  const kind = random.below(8);
  const nibbles = Array.from({ length: length * 2 - 1 }, (_, n) =>
    kind === 0 ? 9 : kind === 1 ? 0 : kind === 2 && n < length ? 0 : random.below(10),
  );
  if (random.oneIn(16)) nibbles[random.below(nibbles.length)] = 10 + random.below(6);
  nibbles.push(random.oneIn(16) ? random.below(16) : random.pick([12, 13, 15, 12, 13, 10, 11, 14]));
  return Array.from({ length }, (_, n) => ((nibbles[n * 2] ?? 0) << 4) | (nibbles[n * 2 + 1] ?? 0));
}

function planTwoOperands(random: Random, mnemonic: string, n: number): Planned {
  const isUneven = mnemonic === 'mp' || mnemonic === 'dp';
  const l1 = random.oneIn(4) ? 16 : 1 + random.below(16);
  const l2 = isUneven && !random.oneIn(10) ? 1 + random.below(Math.max(1, Math.min(8, l1 - 1))) : 1 + random.below(16);
  const bytes = new Uint8Array(64);
  const [at1, at2] = [16 - l1, 48 - l2];
  const first = digits(random, l1);
  if (mnemonic === 'mp' && !random.oneIn(6)) first.fill(0, 0, Math.min(l2, l1 - 1));
  // A dividend that is small enough.
  if (mnemonic === 'dp' && !random.oneIn(4)) first.fill(0, 0, Math.min(l2, l1 - 1));
  bytes.set(first, at1);
  bytes.set(digits(random, l2), at2);
  // Operands whose last bytes are the same one.
  const shared = !isUneven && random.oneIn(8);
  const from = shared ? 16 - l2 : at2;
  if (shared) bytes.set(digits(random, 16), 0);
  const place = placeOf(n);
  const traps = random.oneIn(4);
  const [x, y] = [bytes.subarray(at1, at1 + l1), bytes.subarray(from, from + l2)].map((part) => parse([...part]));
  const lengths = (l1 - 1).toString(16) + (l2 - 1).toString(16);
  return {
    name: `${mnemonic} ${hex([...bytes.subarray(at1, at1 + l1)])} ${hex([...bytes.subarray(from, from + l2)])}`,
    trial: {
      code: assemble(mnemonic, `${lengths} 6000 7000`),
      r: { 6: BigInt(place + at1), 7: BigInt(place + from) },
      pswMask: SUPERVISOR | (traps ? DECIMAL_OVERFLOW : 0n),
      memory: memoryOf(place, bytes),
    },
    address: place + at1,
    before: [...bytes.subarray(at1, at1 + l1)],
    expected: MODELS[mnemonic]?.(x, y, l1, l2, traps) ?? {},
  };
}

function shiftModel(x: Number | undefined, shift: number, digit: number, length: number, traps: boolean): Expected {
  if (x === undefined || digit > 9) return BAD;
  if (shift >= 0) return result({ magnitude: x.magnitude * 10n ** BigInt(shift), sign: x.sign }, length, traps);
  const scaled = x.magnitude / 10n ** BigInt(-shift - 1);
  return result({ magnitude: (scaled + BigInt(digit)) / 10n, sign: x.sign }, length, traps);
}

function planShift(random: Random, n: number): Planned {
  const length = 1 + random.below(16);
  const before = digits(random, length);
  const shift = random.below(64) - 32;
  const digit = random.oneIn(10) ? random.below(16) : random.pick([0, 5, 9, random.below(10)]);
  const bytes = new Uint8Array(64);
  bytes.set(before, 16);
  const place = placeOf(n);
  const traps = random.oneIn(4);
  const distance = (shift & 63).toString(16).padStart(3, '0');
  return {
    name: `srp ${hex(before)} by ${shift} rounding ${digit}`,
    trial: {
      code: assemble('srp', `${(length - 1).toString(16)}${digit.toString(16)} 6000 0${distance}`),
      r: { 6: BigInt(place + 16) },
      pswMask: SUPERVISOR | (traps ? DECIMAL_OVERFLOW : 0n),
      memory: memoryOf(place, bytes),
    },
    address: place + 16,
    before,
    expected: shiftModel(parse(before), shift, digit, length, traps),
  };
}

async function check(planned: readonly Planned[]): Promise<void> {
  const outcomes = await runTrials(planned.map((one) => one.trial));
  const wrong: string[] = [];
  for (const [n, { name, address, before, expected }] of planned.entries()) {
    const o = outcomes[n];
    if (o === undefined) throw new Error('no outcome');
    const found = { interruption: o.interruption, cc: o.cc, first: hex(bytesAt(o, address, before.length)) };
    const wanted = {
      interruption: expected.interruption ?? NO_INTERRUPTION,
      cc: expected.cc ?? 0,
      first: hex(expected.first ?? before),
    };
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      wrong.push(`${name}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
    }
  }
  expect(wrong.slice(0, 5).join('\n')).toBe('');
}

describe('decimal arithmetic', () => {
  const random = new Random(20261126);
  test.each(Object.keys(MODELS))('%s', async (mnemonic) => {
    await check(Array.from({ length: 600 }, (_, n) => planTwoOperands(random, mnemonic, n)));
  });

  test('srp', async () => {
    await check(Array.from({ length: 600 }, (_, n) => planShift(random, n)));
  });
});

/** Digits, comma, point, blank, asterisk and letters of EBCDIC. */
const CHARACTERS: Readonly<Record<number, string>> = { 64: ' ', 75: '.', 107: ',', 92: '*', 195: 'C', 217: 'R' };
const ebcdic = (codes: readonly number[]): string =>
  codes.map((code) => (code >= 0xf0 && code <= 0xf9 ? String(code & 15) : (CHARACTERS[code] ?? '?'))).join('');

describe('editing', () => {
  const [B, D, S, F] = [0x40, 0x20, 0x21, 0x22];
  /** A blank, digits with comma and point, a credit symbol. */
  const AMOUNT = [B, D, D, 0x6b, D, D, S, 0x4b, D, D, B, 0xc3, 0xd9];

  /** Edits digits by EDMK: the text, the condition code, the interruption, and the place that register 1 has (-1: none). */
  async function edit(pattern: readonly number[], source: string): Promise<unknown[]> {
    const bytes = new Uint8Array(64);
    bytes.set(pattern, 0);
    bytes.set(Buffer.from(source.replaceAll(' ', ''), 'hex'), 48);
    const place = placeOf(0);
    const [o] = await runTrials([
      {
        code: assemble('edmk', `${(pattern.length - 1).toString(16).padStart(2, '0')} 6000 7000`),
        r: { 1: 0n, 6: BigInt(place), 7: BigInt(place + 48) },
        memory: memoryOf(place, bytes),
      },
    ]);
    if (o === undefined) throw new Error('no outcome');
    const mark = o.r(1) === 0n ? -1 : Number(o.r(1)) - place;
    return [ebcdic(bytesAt(o, place, pattern.length)), o.cc, o.interruption, mark];
  }

  test.each([
    ['02 57 42 6c', '  2,574.26   ', 2, 2],
    ['00 00 02 6d', '       .26 CR', 1, -1],
    ['00 00 00 0c', '       .00   ', 0, -1],
  ])('%s', async (source, text, cc, mark) => {
    expect(await edit(AMOUNT, source)).toEqual([text, cc, NO_INTERRUPTION, mark]);
  });

  test('a field separator begins anew', async () => {
    expect(await edit([0x5c, D, D, D, F, D, S, D], '12 3c 00 0c')).toEqual(['*123***0', 0, NO_INTERRUPTION, 1]);
  });

  test('a digit that is none changes nothing', async () => {
    expect(await edit([0x5c, D, D, D], 'a2 3c')).toEqual(['*???', 0, INTERRUPTION.data, -1]);
  });
});
