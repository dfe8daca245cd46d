/**
 * PERFORM LOCKED OPERATION, which the reference does not have: every function code, in registers and in a parameter list; and of
 * COMPARE AND SWAP AND STORE what the reference dies of or gets wrong.
 */
import { describe, expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, type Outcome, runTrial, runTrials, SCRATCH, type Trial } from './run.ts';

/** Where a trial's operands 2, 4, 6 and 8 and its list are; trials of one run have storage of their own. */
const operand = (place: number, n: number): number => SCRATCH + 0x800 * place + 0x40 * n;
const listAt = (place: number): number => SCRATCH + 0x800 * place + 0x400;
const INVALID = 6;
/** PLO %r2,0(%r6),%r4,0(%r8). */
const CODE = assemble('plo', '24 6000 8000');

type Width = 0 | 1 | 2 | 3;
const BYTES = [4, 8, 8, 16] as const;

/** A value of an operand, with something in each of its words. */
const number = (width: Width, n: number): bigint => {
  const words = BYTES[width] / 4;
  return Array.from({ length: words }, (_, k) => BigInt(0x9000_0000 + n * 16 + k)).reduce((v, w) => (v << 32n) | w, 0n);
};

/** Storage of a value of a width: where it begins at `address`. */
function stored(address: number, width: Width, value: bigint): Record<number, bigint> {
  if (width === 3) return { [address]: value >> 64n, [address + 8]: value & 0xffff_ffff_ffff_ffffn };
  return { [address]: width === 0 ? value << 32n : value };
}
const read = (o: Outcome, address: number, width: Width): bigint => {
  if (width === 3) return (o.memory(address) << 64n) | o.memory(address + 8);
  return width === 0 ? o.memory(address) >> 32n : o.memory(address);
};
const register = (o: Outcome, n: number, width: Width): bigint => (width === 0 ? o.r(n) & 0xffff_ffffn : o.r(n));

/** The list with operands at the ends of their slots of 16 bytes, and addresses. */
function listOf(place: number, width: Width, slots: Readonly<Record<number, bigint>>): Record<number, bigint> {
  const list: Record<number, bigint> = {};
  for (const n of [1, 2, 3]) list[listAt(place) + 40 + 32 * n] = BigInt(operand(place, n));
  for (const [slot, value] of Object.entries(slots)) {
    const at = listAt(place) + Number(slot) + (width === 3 ? 0 : 8);
    if (width === 3) Object.assign(list, stored(at, 3, value));
    else list[at] = value;
  }
  return list;
}

interface Wanted {
  readonly kind: number;
  readonly width: Width;
  /** Which numbers are the comparison values; operands hold 0 to 3. */
  readonly first?: number;
  readonly third?: number;
  readonly place?: number;
}

/** A trial with replacements 10 and 11, and 12, 13 and 14 as what is stored. */
function trial({ kind, width, first = 0, third = 1, place = 0 }: Wanted): Trial {
  const isListed = width % 2 === 1;
  const [c1, c3] = [number(width, first), number(width, third)];
  const slots = { 0: c1, 16: number(width, 10), 32: c3, 48: kind === 2 ? number(width, 11) : number(width, 12) };
  const list = listOf(place, width, { ...slots, 80: number(width, 13), 112: number(width, 14) });
  const usesList = isListed || kind >= 4;
  return {
    code: CODE,
    r: {
      0: BigInt(kind * 4 + width),
      2: isListed ? 7n : c1,
      3: isListed ? 7n : number(width, 10),
      4: isListed ? 7n : kind === 3 ? number(width, 12) : c3,
      5: isListed ? 7n : number(width, 11),
      6: BigInt(operand(place, 0)),
      8: BigInt(usesList ? listAt(place) : operand(place, 1)),
    },
    memory: {
      ...Object.assign({}, ...[0, 1, 2, 3].map((n) => stored(operand(place, n), width, number(width, n)))),
      ...(usesList ? list : {}),
    },
  };
}

const operands = (o: Outcome, width: Width, place = 0): readonly bigint[] =>
  [0, 1, 2, 3].map((n) => read(o, operand(place, n), width));

/** What the operands hold where all that is compared is equal, by function. */
const STORED = [
  [0, 1, 2, 3],
  [10, 1, 2, 3],
  [10, 11, 2, 3],
  [10, 12, 2, 3],
  [10, 12, 13, 3],
  [10, 12, 13, 14],
];

describe.each([0, 1, 2, 3] as const)('operands of width %i', (width) => {
  const v = (n: number): bigint => number(width, n);
  const isListed = width % 2 === 1;
  const comparison = (o: Outcome, place: number, slot: number, r: number): bigint =>
    isListed ? read(o, listAt(place) + slot + (width === 3 ? 0 : 8), width) : register(o, r, width);

  test('equal operands: every function stores', async () => {
    const outcomes = await runTrials(STORED.map((_, kind) => trial({ kind, width, place: kind })));
    for (const [kind, o] of outcomes.entries()) {
      expect([kind, o.interruption, o.cc]).toEqual([kind, NO_INTERRUPTION, 0]);
      expect(operands(o, width, kind)).toEqual(STORED[kind]?.map(v));
    }
    const [load] = outcomes;
    expect(load && comparison(load, 0, 32, 4)).toBe(v(1));
  });

  test('another operand 2: every function gives it', async () => {
    const outcomes = await runTrials(STORED.map((_, kind) => trial({ kind, width, first: 5, place: kind })));
    for (const [kind, o] of outcomes.entries()) {
      expect([kind, o.interruption, o.cc]).toEqual([kind, NO_INTERRUPTION, 1]);
      expect(operands(o, width, kind)).toEqual([0, 1, 2, 3].map(v));
      expect(comparison(o, kind, 0, 2)).toBe(v(0));
    }
  });

  test('another operand 4: double compare and swap gives it', async () => {
    const o = await runTrial(trial({ kind: 2, width, third: 5 }));
    expect([o.interruption, o.cc]).toEqual([NO_INTERRUPTION, 2]);
    expect(operands(o, width)).toEqual([0, 1, 2, 3].map(v));
    expect(comparison(o, 0, 32, 4)).toBe(v(1));
  });
});

test('the test bit asks which functions there are', async () => {
  const outcomes = await runTrials([0, 23, 24, 255].map((code) => ({ code: CODE, r: { 0: BigInt(256 + code) } })));
  expect(outcomes.map((o) => [o.interruption, o.cc])).toEqual([
    [NO_INTERRUPTION, 0],
    [NO_INTERRUPTION, 0],
    [NO_INTERRUPTION, 3],
    [NO_INTERRUPTION, 3],
  ]);
});

test('what is misaligned, odd or no function is a specification exception', async () => {
  const base = trial({ kind: 2, width: 0 });
  const changed = (r: Record<number, bigint>, code = CODE): Trial => ({ ...base, code, r: { ...base.r, ...r } });
  const triple = trial({ kind: 5, width: 2, place: 1 });
  const outcomes = await runTrials([
    changed({ 0: 24n }),
    changed({ 0: 0x400n }),
    changed({ 6: BigInt(operand(0, 0) + 2) }),
    changed({ 8: BigInt(operand(0, 1) + 2) }),
    changed({}, assemble('plo', '34 6000 8000')),
    changed({}, assemble('plo', '25 6000 8000')),
    { ...triple, r: { ...triple.r, 8: BigInt(listAt(1) + 4) } },
  ]);
  expect(outcomes.map((o) => o.interruption)).toEqual(outcomes.map(() => INVALID));
});

test('a store that faults leaves everything as it was', async () => {
  const base = trial({ kind: 5, width: 1 });
  const o = await runTrial({ ...base, memory: { ...base.memory, [listAt(0) + 136]: 1n << 40n } });
  expect(o.interruption).toBe(5);
  expect(operands(o, 1)).toEqual([0, 1, 2, 3].map((n) => number(1, n)));
});

test('COMPARE AND SWAP AND STORE stores a byte anywhere', async () => {
  const [swapped, target, list] = [operand(0, 0), operand(1, 0) + 3, listAt(0)];
  const o = await runTrial({
    code: assemble('csst', '4 6000 8000'),
    r: { 0: 0x0001n, 1: BigInt(list), 4: 5n, 6: BigInt(swapped), 8: BigInt(target) },
    memory: { [swapped]: 5n, [operand(1, 0)]: 0n, [list]: 6n, [list + 16]: 0xab11_2233_4455_6677n },
  });
  expect([o.interruption, o.cc, o.memory(swapped)]).toEqual([NO_INTERRUPTION, 0, 6n]);
  expect(o.memory(operand(1, 0))).toBe(0xab_0000_0000n);
});

test('COMPARE AND SWAP AND STORE of a word leaves the left half of the register', async () => {
  const [swapped, target, list] = [operand(0, 0), operand(1, 0), listAt(0)];
  const memory = { [swapped]: 5n << 32n, [target]: 0n, [list]: 6n << 32n, [list + 16]: 7n << 32n };
  const r = { 0: 0x0200n, 1: BigInt(list), 6: BigInt(swapped), 8: BigInt(target) };
  const code = assemble('csst', '4 6000 8000');
  const same = await runTrial({ code, memory, r: { ...r, 4: 0x1234_0000_0005n } });
  expect([same.cc, same.r(4), same.memory(swapped), same.memory(target)]).toEqual([
    0,
    0x1234_0000_0005n,
    6n << 32n,
    7n << 32n,
  ]);
  const other = await runTrial({ code, memory, r: { ...r, 4: 0x1234_0000_0006n } });
  expect([other.cc, other.r(4), other.memory(swapped), other.memory(target)]).toEqual([
    1,
    0x1234_0000_0005n,
    5n << 32n,
    0n,
  ]);
});
