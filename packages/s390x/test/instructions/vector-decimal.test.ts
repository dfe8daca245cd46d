/**
 * Packed decimal in vectors, which the reference does not have, and VECTOR CHECKSUM, which it has wrong, against a model in exact
 * integers: random and edge digits, wrong digits and signs, results that do not fit.
 */
import { Random } from '@boardwalk/testing';
import { describe, expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { SUPERVISOR } from '../differential/program.ts';
import { NO_INTERRUPTION, type Outcome, runTrials, SCRATCH, type Trial } from './run.ts';

const INTERRUPTION = { specification: 6, data: 7, fixedOverflow: 8, decimalOverflow: 0xa, decimalDivide: 0xb } as const;
const DECIMAL_OVERFLOW = 1n << 42n;
const FIXED_OVERFLOW = 1n << 43n;

/** What an instruction should come to. */
interface Expected {
  readonly v?: bigint;
  readonly r?: bigint;
  readonly cc?: number;
  readonly interruption?: number;
}

interface Planned {
  readonly name: string;
  readonly trial: Trial;
  /** The register that is looked at: vector 1, or general 1. */
  readonly result: 'v' | 'r';
  readonly expected: Expected;
}

const hex = (value: bigint): string => value.toString(16).padStart(32, '0');
const pick = (random: Random, n: number): string =>
  random
    .below(2 ** (4 * n))
    .toString(16)
    .padStart(n, '0');

/** A register's number, or undefined where a digit or a sign that counts is none. */
function parse(value: bigint, forced = false): bigint | undefined {
  const [, digits = '', sign = ''] = /^(\d{31})(.)$/.exec(hex(value)) ?? [];
  if (sign === '' || (!forced && sign < 'a')) return undefined;
  return !forced && (sign === 'b' || sign === 'd') ? -BigInt(digits) : BigInt(digits);
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
const format = (magnitude: bigint, sign: number): bigint => (BigInt(`0x${magnitude}`) << 4n) | BigInt(sign);

interface Control {
  readonly digits: number;
  readonly forced: boolean;
  readonly setsCc: boolean;
  readonly traps: boolean;
}

/** A result: what there is room for, its code where it is set, and the exception where the mask asks for it. */
function result(value: bigint, { digits, forced, setsCc, traps }: Control): Expected {
  const kept = abs(value) % 10n ** BigInt(digits);
  const lost = kept !== abs(value);
  const negative = value < 0n && !forced && kept !== 0n;
  const code = lost ? 3 : kept === 0n ? 0 : negative ? 1 : 2;
  return {
    v: format(kept, negative ? 13 : forced ? 15 : 12),
    cc: setsCc ? code : 0,
    interruption: lost && traps ? INTERRUPTION.decimalOverflow : NO_INTERRUPTION,
  };
}

const BAD: Expected = { interruption: INTERRUPTION.data };
const REFUSED: Expected = { interruption: INTERRUPTION.specification };

/** 31 digits and a sign: random, few, nines or zeros, and sometimes wrong. */
function number(random: Random): bigint {
  const length = random.pick([31, 31, 30, 17, 16, 15, 8, 3, 1, 0]);
  const nines = random.oneIn(6);
  const digits = Array.from({ length: 31 }, (_, n) => (31 - n > length ? '0' : nines ? '9' : String(random.below(10))));
  if (random.oneIn(20)) digits[random.below(31)] = 'abcdef'.charAt(random.below(6));
  const sign = random.oneIn(20) ? random.below(16) : random.pick([12, 13, 15, 12, 13, 10, 11, 14]);
  return BigInt(`0x${digits.join('')}${sign.toString(16)}`);
}

type Model = (x: bigint, y: bigint, count: number) => bigint | undefined;
const MODELS: Readonly<Record<string, Model>> = {
  vap: (x, y) => x + y,
  vsp: (x, y) => x - y,
  vmp: (x, y) => x * y,
  vdp: (x, y) => (y === 0n ? undefined : x / y),
  vrp: (x, y) => (y === 0n ? undefined : x % y),
  vmsp: (x, y, count) => (x * y) / 10n ** BigInt(count),
  vsdp: (x, y, count) => (y === 0n ? undefined : (x * 10n ** BigInt(count)) / y),
};

const maskOf = (traps: boolean): bigint => SUPERVISOR | (traps ? DECIMAL_OVERFLOW | FIXED_OVERFLOW : 0n);

function planTwo(random: Random, mnemonic: string): Planned {
  const shifts = mnemonic === 'vmsp' || mnemonic === 'vsdp';
  const field = random.oneIn(16) ? random.below(256) : shifts ? random.below(32) : 1 + random.below(31);
  const m5 = random.below(16);
  const [x, y] = [number(random), random.oneIn(30) ? 12n : number(random)];
  const traps = random.oneIn(3);
  const control = {
    digits: shifts ? 31 : field,
    forced: (m5 & 2) !== 0,
    setsCc: (m5 & 1) !== 0,
    traps,
  };
  const [p, q] = [parse(x, (m5 & 8) !== 0), parse(y, (m5 & 4) !== 0)];
  const expected = (): Expected => {
    if (field > 31 || (!shifts && field === 0)) return REFUSED;
    if (p === undefined || q === undefined) return BAD;
    const value = MODELS[mnemonic]?.(p, q, field);
    return value === undefined ? { interruption: INTERRUPTION.decimalDivide } : result(value, control);
  };
  return {
    name: `${mnemonic} ${hex(x)} ${hex(y)} ${field} ${m5}`,
    trial: {
      code: assemble(mnemonic, `1 2 3 - ${m5.toString(16)} ${field.toString(16).padStart(2, '0')} 0`),
      v: { 1: 0n, 2: x, 3: y },
      pswMask: maskOf(traps),
    },
    result: 'v',
    expected: expected(),
  };
}

function planShift(random: Random): Planned {
  const [x, m5, traps] = [number(random), random.below(16), random.oneIn(3)];
  const field = random.oneIn(16) ? random.below(256) : 1 + random.below(31);
  const i4 = random.below(256);
  const shift = (i4 << 25) >> 25;
  const p = parse(x, (m5 & 8) !== 0);
  const expected = (): Expected => {
    if (field > 31 || field === 0) return REFUSED;
    if (p === undefined) return BAD;
    const scale = 10n ** BigInt(Math.abs(shift));
    const half = (i4 & 0x80) !== 0 ? scale / 2n : 0n;
    const magnitude = shift >= 0 ? abs(p) * scale : (abs(p) + half) / scale;
    const control = { digits: field, forced: (m5 & 2) !== 0, setsCc: (m5 & 1) !== 0, traps };
    return result(p < 0n ? -magnitude : magnitude, control);
  };
  return {
    name: `vsrp ${hex(x)} by ${shift} to ${field}, ${i4} ${m5}`,
    trial: {
      code: assemble('vsrp', `1 2 ${pick2(i4)} ${m5.toString(16)} ${pick2(field)} 0`),
      v: { 1: 0n, 2: x },
      pswMask: maskOf(traps),
    },
    result: 'v',
    expected: expected(),
  };
}

const pick2 = (value: number): string => value.toString(16).padStart(2, '0');

function planSign(random: Random): Planned {
  const x = number(random);
  const traps = random.oneIn(3);
  const field = 1 + random.below(31);
  const [i4, m5] = [random.below(16), random.below(2)];
  const operation = i4 >> 2;
  const isChecked = operation < 2 || (i4 & 1) !== 0;
  const magnitude = parse(x, true);
  const sign = Number(x & 15n);
  const expected = (): Expected => {
    if (magnitude === undefined || (isChecked && sign < 10)) return BAD;
    const minus = sign === 11 || sign === 13;
    const negative = [minus, !minus, false, true][operation] === true;
    const found = result(negative ? -magnitude : magnitude, { digits: field, forced: false, setsCc: m5 === 1, traps });
    const isPositive = ((found.v ?? 0n) & 15n) === 12n;
    return isPositive && (i4 & 2) !== 0 ? { ...found, v: (found.v ?? 0n) | 3n } : found;
  };
  return {
    name: `vpsop ${hex(x)} to ${field}, ${i4} ${m5}`,
    trial: {
      code: assemble('vpsop', `1 2 0${i4.toString(16)} ${m5} ${pick2(field)} 0`),
      v: { 1: 0n, 2: x },
      pswMask: maskOf(traps),
    },
    result: 'v',
    expected: expected(),
  };
}

function planCompare(random: Random): Planned {
  const [x, m3] = [number(random), random.below(4) << 2];
  const y = random.oneIn(3) ? x ^ BigInt(random.below(2)) : number(random);
  const [p, q] = [parse(x, (m3 & 8) !== 0), parse(y, (m3 & 4) !== 0)];
  const cc = p === undefined || q === undefined ? undefined : p === q ? 0 : p < q ? 1 : 2;
  return {
    name: `vcp ${hex(x)} ${hex(y)} ${m3}`,
    trial: { code: assemble('vcp', `- 2 3 - ${m3.toString(16)} - - 0`), v: { 1: 0n, 2: x, 3: y } },
    result: 'v',
    expected: cc === undefined ? BAD : { cc },
  };
}

function planTest(random: Random): Planned {
  const x = number(random);
  const badDigits = parse(x, true) === undefined;
  const badSign = (x & 15n) < 10n;
  return {
    name: `vtp ${hex(x)}`,
    trial: { code: assemble('vtp', '- 2 - - - - - 0'), v: { 1: 0n, 2: x } },
    result: 'v',
    expected: { cc: (badDigits ? 2 : 0) + (badSign ? 1 : 0) },
  };
}

function planToBinary(random: Random, bits: 32 | 64): Planned {
  const edges = [1n << 31n, (1n << 31n) - 1n, 1n << 32n, 1n << 63n, (1n << 64n) - 1n, 1n << 64n];
  const isEdge = random.oneIn(3);
  const x = isEdge ? format(random.pick(edges), random.pick([12, 13])) : number(random);
  const m3 = random.below(16);
  const traps = random.oneIn(3);
  const value = parse(x, (m3 & 8) !== 0);
  const isLogical = (m3 & 2) !== 0;
  const expected = (): Expected => {
    if (value === undefined) return BAD;
    const integer = isLogical ? abs(value) : value;
    const fits = isLogical ? integer < 1n << BigInt(bits) : integer === BigInt.asIntN(bits, integer);
    return {
      r: BigInt.asUintN(bits, integer),
      cc: (m3 & 1) !== 0 && !fits ? 3 : 0,
      interruption: traps && !fits ? INTERRUPTION.fixedOverflow : NO_INTERRUPTION,
    };
  };
  const mnemonic = bits === 32 ? 'vcvb' : 'vcvbg';
  return {
    name: `${mnemonic} ${hex(x)} ${m3}`,
    trial: {
      code: assemble(mnemonic, `1 2 - - ${m3.toString(16)} 0 - 0`),
      r: { 1: 0n },
      v: { 1: 0n, 2: x },
      pswMask: maskOf(traps),
    },
    result: 'r',
    expected: expected(),
  };
}

function planToDecimal(random: Random, bits: 32 | 64): Planned {
  const word = (BigInt(random.u32()) << 32n) | BigInt(random.u32());
  const x = random.oneIn(4)
    ? random.pick([0n, 1n << 31n, 1n << 63n, (1n << 64n) - 1n])
    : word >> BigInt(random.below(64));
  const [field, m4, traps] = [1 + random.below(31), random.below(16), random.oneIn(3)];
  const value = (m4 & 8) !== 0 ? BigInt.asUintN(bits, x) : BigInt.asIntN(bits, x);
  const found = result(value, { digits: field, forced: (m4 & 2) !== 0, setsCc: true, traps });
  const mnemonic = bits === 32 ? 'vcvd' : 'vcvdg';
  return {
    name: `${mnemonic} ${x} to ${field}, ${m4}`,
    trial: {
      code: assemble(mnemonic, `1 2 - - ${m4.toString(16)} ${pick2(field)} 0`),
      r: { 2: x },
      v: { 1: 0n },
      pswMask: maskOf(traps),
    },
    result: 'v',
    expected: { ...found, cc: (m4 & 1) !== 0 && found.cc === 3 ? 3 : 0 },
  };
}

function planImmediate(random: Random): Planned {
  const digits = random.oneIn(8) ? pick(random, 4) : String(random.below(10_000)).padStart(4, '0');
  const control = random.below(16);
  const isValid = /^\d+$/.test(digits);
  const value = BigInt(`0x${digits}`) << BigInt(4 * ((control & 7) + 1));
  return {
    name: `vlip ${digits} ${control}`,
    trial: { code: assemble('vlip', `1 - ${digits} ${control.toString(16)} 0`), v: { 1: 0n } },
    result: 'v',
    expected: isValid ? { v: value | ((control & 8) !== 0 ? 13n : 12n) } : BAD,
  };
}

function planChecksum(random: Random): Planned {
  const word = (): bigint => (random.oneIn(3) ? 0xffff_ffffn : BigInt(random.u32()));
  const words = Array.from({ length: 4 }, word);
  const start = word();
  const total = words.reduce((sum, w) => (sum + w) % 0xffff_ffffn || (sum + w === 0n ? 0n : 0xffff_ffffn), start);
  const join = (list: readonly bigint[]): bigint => list.reduce((all, w) => (all << 32n) | w, 0n);
  return {
    name: `vcksm ${words.join()} ${start}`,
    trial: { code: assemble('vcksm', '1 2 3 - - - - 0'), v: { 1: 0n, 2: join(words), 3: start << 64n } },
    result: 'v',
    expected: { v: total << 64n },
  };
}

function describeOutcome(o: Outcome, where: 'v' | 'r'): string {
  const value = where === 'v' ? hex(o.v(1)) : o.r(1).toString(16);
  return `interruption ${o.interruption}, cc ${o.cc}, ${value}`;
}

async function check(planned: readonly Planned[]): Promise<void> {
  const outcomes = await runTrials(planned.map((one) => one.trial));
  const wrong: string[] = [];
  for (const [n, { name, result: where, expected }] of planned.entries()) {
    const o = outcomes[n];
    if (o === undefined) throw new Error('no outcome');
    const { interruption = NO_INTERRUPTION, cc = 0, v = 0n, r = 0n } = expected;
    const wanted = `interruption ${interruption}, cc ${cc}, ${where === 'v' ? hex(v) : r.toString(16)}`;
    const found = describeOutcome(o, where);
    if (found !== wanted) wrong.push(`${name}: found ${found}, expected ${wanted}`);
  }
  expect(wrong.slice(0, 5).join('\n')).toBe('');
}

describe('packed decimal in vectors', () => {
  const random = new Random(20261126);
  const times = (count: number, plan: () => Planned): Planned[] => Array.from({ length: count }, plan);

  test.each(Object.keys(MODELS))('%s', async (mnemonic) => {
    await check(times(500, () => planTwo(random, mnemonic)));
  });
  test('shifts and signs', async () => {
    await check([...times(500, () => planShift(random)), ...times(500, () => planSign(random))]);
  });
  test('comparisons and tests', async () => {
    await check([...times(300, () => planCompare(random)), ...times(100, () => planTest(random))]);
  });
  test('conversions', async () => {
    const both = [32, 64] as const;
    await check(both.flatMap((bits) => times(300, () => planToBinary(random, bits))));
    await check(both.flatMap((bits) => times(300, () => planToDecimal(random, bits))));
    await check(times(100, () => planImmediate(random)));
  });

  test('zoned numbers', async () => {
    const wrong: string[] = [];
    const plans = times(200, () => planZoned(random));
    const outcomes = await runTrials(plans.map((one) => one.trial));
    for (const [n, { name, expected }] of plans.entries()) {
      const o = outcomes[n];
      if (o !== undefined && o.v(1) !== expected.v) wrong.push(`${name}: found ${hex(o.v(1))}`);
    }
    expect(wrong.slice(0, 5).join('\n')).toBe('');
  });

  test('a packed number becomes a zoned one, across a page', async () => {
    const digits = '1234567890123456789012345678901';
    const address = SCRATCH + 0x1ff0;
    const code = assemble('vupkz', '1e 6000 2 0');
    const [o] = await runTrials([{ code, r: { 6: BigInt(address) }, v: { 2: BigInt(`0x${digits}d`) } }]);
    if (o === undefined) throw new Error('no outcome');
    const text = [0, 8, 16, 24].map((at) => o.memory(address + at).toString(16)).join('');
    const zoned = [...digits].map((digit, n) => (n === 30 ? 'd' : 'f') + digit).join('');
    expect(text.slice(0, 62)).toBe(zoned);
  });
});

test('VECTOR CHECKSUM adds words with end-around carry', async () => {
  const random = new Random(7);
  await check(Array.from({ length: 300 }, () => planChecksum(random)));
});

/** PACK ZONED of bytes at a place of their own, of which some cross a page. */
let placed = 0;
function planZoned(random: Random): Planned {
  const length = 1 + random.below(31);
  const zoned = Array.from({ length: 32 }, () => random.below(256));
  const address = SCRATCH + 0xfe0 + 32 * placed++;
  const memory = Object.fromEntries(
    [0, 8, 16, 24].map((at) => [
      address + at,
      BigInt(
        `0x${zoned
          .slice(at, at + 8)
          .map(pick2)
          .join('')}`,
      ),
    ]),
  );
  const used = zoned.slice(0, length);
  const digits = used.map((byte) => (byte & 15).toString(16)).join('');
  const sign = ((used.at(-1) ?? 0) >> 4).toString(16);
  return {
    name: `vpkz ${used.map(pick2).join('')}`,
    trial: {
      code: assemble('vpkz', `${pick2(length - 1)} 6000 1 0`),
      r: { 6: BigInt(address) },
      v: { 1: 0n },
      memory,
    },
    result: 'v',
    expected: { v: BigInt(`0x${digits}${sign}`) },
  };
}
