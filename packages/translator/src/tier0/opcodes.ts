/**
 * Operations of tier 0: 16-byte (block ends and fused branches: 32-byte) words that one WebAssembly loop runs.
 *
 *   0 u16 operation   2 u16 destination   4 u16 a   6 u16 b   8 immediate (i64), or c (u16), displacement (i32) ...
 *
 * Operands are byte offsets in the state of the vCPU. Block ends: 16 i32 target, 20 i32 second target, 24 i32 cost. `gotoIndirect` adds
 * the i16 at 6 to its operand and masks the sum by that at 2; at 8 it has the low halves of its last four targets. `secondPage` has 32
 * bytes too: 4 u32 place of a TLB entry in the vCPU's area, 8 i64 tag, 16 i64 addend, 24 i64 the block's pc.
 */
import type { AccessSize, MemAccess } from '../ir/nodes.ts';
import { PURE_OPS, type PureOp } from '../ir/ops.ts';
import type { Ty } from '../ir/types.ts';

export interface GuestMemoryOp {
  readonly name: string;
  readonly store: boolean;
  readonly ty: 'i32' | 'i64' | 'v128';
  readonly size: AccessSize;
  readonly signed: boolean;
  readonly big: boolean;
}

const memoryOps: GuestMemoryOp[] = [];
for (const big of [false, true]) {
  for (const store of [false, true]) {
    const name = memoryOpName(store ? 'store' : 'load', 'v128', 16, false, big);
    memoryOps.push({ name, store, ty: 'v128', size: 16, signed: false, big });
  }
  for (const ty of ['i32', 'i64'] as const) {
    for (const size of [1, 2, 4, 8] as const) {
      if (size === 8 && ty === 'i32') continue;
      if (size === 1 && big) continue;
      for (const signed of [false, true]) {
        if (signed && size === (ty === 'i32' ? 4 : 8)) continue;
        memoryOps.push({ name: memoryOpName('load', ty, size, signed, big), store: false, ty, size, signed, big });
      }
      memoryOps.push({ name: memoryOpName('store', ty, size, false, big), store: true, ty, size, signed: false, big });
    }
  }
}

function memoryOpName(kind: string, ty: Ty, size: number, signed: boolean, big: boolean): string {
  return `${kind}.${ty}.${size}${signed ? 's' : ''}${big && size > 1 ? '.big' : ''}`;
}

/** Loads and stores of guest memory, every shape. */
export const MEMORY_OPS: readonly GuestMemoryOp[] = memoryOps;

/** Comparisons that a branch is fused with. */
export const BRANCH_OPS: readonly PureOp[] = PURE_OPS.filter(
  (op) => op.compare && (op.args[0] === 'i32' || op.args[0] === 'i64'),
);

/** How a word becomes an i64, or that it is one. */
export type Widening = '' | 's' | 'u';
const WIDENINGS: readonly Widening[] = ['', 's', 'u'];

/**
 * A record: an i32 constant in a slot, and one or two i64 in those behind it, at 8 and 16. How architectures keep what they make
 * their condition codes of later.
 */
export interface RecordOp {
  readonly name: string;
  readonly first: Widening;
  /** `#`: an immediate; undefined where there is one value only. */
  readonly second: Widening | '#' | undefined;
}

/** 8 i32 constant, or with an immediate 6 u16 constant and 8 i64. */
export const RECORD_OPS: readonly RecordOp[] = WIDENINGS.flatMap((first) =>
  ([...WIDENINGS, '#', undefined] as const).map((second) => ({ name: recordName(first, second), first, second })),
);

function recordName(first: Widening, second: RecordOp['second']): string {
  return `record.${first === '' ? 'x' : first}${second === '' ? 'x' : (second ?? '')}`;
}

/**
 * A run: accesses of 8 bytes from one base that follow each other, how registers are saved and restored. The first of them makes all
 * where they lie in one page: the low bits of its word at 12 say how many there are and how far below and above the first they go.
 */
export const RUN_OPS: readonly { readonly name: string; readonly of: GuestMemoryOp }[] = MEMORY_OPS.filter(
  (op) => op.ty === 'i64' && op.size === 8,
).map((of) => ({ name: `run.${of.name}`, of }));

/** Places of the fields of a run: how many accesses, and how many units of 2^`unitBits` bytes they go below and above the first. */
export const RUN = { mostCount: 31, below: 5, above: 11, mostReach: 63, unitBits: 3 } as const;

/** Where a guest access goes on that the TLB did not answer. */
export const missName = (op: GuestMemoryOp): string => `miss.${op.name}`;

const names: string[] = [];
for (const op of PURE_OPS) {
  if (op.outlined) continue;
  names.push(op.name);
  if (op.immediate) names.push(`${op.name}#`);
}
for (const op of BRANCH_OPS) {
  names.push(`br.${op.name}`);
  if (op.immediate) names.push(`br.${op.name}#`);
}
for (const op of MEMORY_OPS) names.push(op.name);
for (const { name } of RECORD_OPS) names.push(name);
names.push(
  'mov32',
  'mov64',
  'mov128',
  'const',
  'count',
  'jmp',
  'brz',
  'brnz',
  'branch',
  'goto',
  'gotoPage',
  'gotoPage.slide',
  'gotoIndirect',
  'lookup',
  'raise',
  'raise.slide',
  'halt',
  'call',
  'callFault',
  'unlinked',
  'leadOut',
  'tier1',
  'nop',
  'secondPage',
  'debug',
  ...RUN_OPS.map(({ name }) => name),
  // No operations of blocks: where handlers before these lead.
  ...MEMORY_OPS.map(missName),
  'spent',
);

/** Names of the operations; the place in the list is the number. */
export const TIER0_OPS: readonly string[] = names;

const numbers = new Map(names.map((name, i) => [name, i]));

/** Number of the operation called `name`. */
export function tier0Op(name: string): number {
  const n = numbers.get(name);
  if (n === undefined) throw new Error(`no tier 0 operation ${name}`);
  return n;
}

const LOG2: Readonly<Record<AccessSize, number>> = { 1: 0, 2: 1, 4: 2, 8: 3, 16: 4 };
const TYPES: Readonly<Record<Ty, number>> = { i32: 0, i64: 1, v128: 2, f32: 3, f64: 4 };

/** Where the number of a guest access is among all. */
function memoryIndex(store: boolean, ty: Ty, size: AccessSize, signed: boolean, big: boolean): number {
  const flags = (store ? 4 : 0) | (signed ? 2 : 0) | (big && size > 1 ? 1 : 0);
  return (flags * 5 + TYPES[ty]) * 5 + LOG2[size];
}

const MEMORY: number[] = new Array<number>(8 * 5 * 5).fill(-1);
for (const { name, store, ty, size, signed, big } of MEMORY_OPS) {
  MEMORY[memoryIndex(store, ty, size, signed, big)] = tier0Op(name);
}

/** Operation of a guest load or store. */
export function memoryOpNumber(access: MemAccess, ty: Ty, store: boolean): number {
  const { size, endian } = access;
  const whole = size >= (ty === 'i32' ? 4 : 8);
  const signed = !store && access.signed && !whole;
  const number = MEMORY[memoryIndex(store, ty, size, signed, endian === 'big')] ?? -1;
  if (number < 0) throw new Error(`no tier 0 operation for ${size} bytes of ${ty}`);
  return number;
}

/** Numbers by the place of a pure operation: plain, with an immediate second operand, and of the branches fused with it. */
const PLAIN = numbersOf(PURE_OPS, '', '');
const IMMEDIATE = numbersOf(PURE_OPS, '', '#');
const BRANCH = numbersOf(BRANCH_OPS, 'br.', '');
const BRANCH_IMMEDIATE = numbersOf(BRANCH_OPS, 'br.', '#');

function numbersOf(ops: readonly PureOp[], before: string, behind: string): readonly (number | undefined)[] {
  const list = new Array<number | undefined>(PURE_OPS.length).fill(undefined);
  for (const op of ops) list[op.index] = numbers.get(`${before}${op.name}${behind}`);
  return list;
}

/** Number of a pure operation; with `immediate`, of its form with an immediate (undefined where there is none). */
export function pureOpNumber(op: PureOp, immediate: boolean): number | undefined {
  return (immediate ? IMMEDIATE : PLAIN)[op.index];
}

/** Number of the branch fused with a comparison, or undefined. */
export function branchOpNumber(op: PureOp, immediate: boolean): number | undefined {
  return (immediate ? BRANCH_IMMEDIATE : BRANCH)[op.index];
}

const RECORDS: ReadonlyMap<Widening, ReadonlyMap<RecordOp['second'], number>> = new Map(
  WIDENINGS.map((first) => [
    first,
    new Map(RECORD_OPS.filter((op) => op.first === first).map(({ name, second }) => [second, tier0Op(name)])),
  ]),
);

/** Number of the operation that sets a record. */
export function recordOpNumber(first: Widening, second: RecordOp['second']): number {
  const number = RECORDS.get(first)?.get(second);
  if (number === undefined) throw new Error('no such record');
  return number;
}
