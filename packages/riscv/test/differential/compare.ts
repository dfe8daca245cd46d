/** Compares what two machines made of one program, and tells differences so that a person can see what went wrong. */
import { CSR_NAMES } from '../../src/cpu/decode/csr-names.ts';
import { F_NAMES, X_NAMES } from '../../src/cpu/decode/registers.ts';
import { explain, explainMemory } from './explain.ts';
import { FIELD, NOT_RUN, RAM_BASE, RECORD, RECORDS, VARIABLES } from './layout.ts';
import type { Case, Program } from './program.ts';

/** A field of a record that is not the same. */
export interface Difference {
  readonly field: string;
  readonly ours: bigint;
  readonly theirs: bigint;
}

/** A case whose records differ. */
export interface Mismatch {
  readonly index: number;
  readonly case: Case;
  readonly differences: readonly Difference[];
}

export interface Comparison {
  readonly mismatches: readonly Mismatch[];
  /** Doublewords outside the records that differ, `field` their address. */
  readonly memory: readonly Difference[];
  /** Explained differences by reason. */
  readonly explained: ReadonlyMap<string, number>;
}

const words = (ram: Uint8Array): BigUint64Array => new BigUint64Array(ram.buffer, ram.byteOffset, ram.byteLength / 8);

/** Names of a record's fields, in order. */
export function fieldNames(csrs: readonly number[]): readonly string[] {
  return [
    'mepc',
    'mstatus',
    'fcsr',
    'mcause',
    'mtval',
    ...X_NAMES,
    ...F_NAMES,
    ...csrs.map((number) => CSR_NAMES.get(number) ?? `csr 0x${number.toString(16)}`),
  ];
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

export function compare(program: Program, ours: Uint8Array, theirs: Uint8Array): Comparison {
  const [mine, other] = [words(ours), words(theirs)];
  const names = fieldNames(program.csrs);
  const size = program.recordSize / 8;
  const mismatches: Mismatch[] = [];
  const explained = new Map<string, number>();
  for (const [index, one] of program.cases.entries()) {
    const first = (RECORDS - RAM_BASE) / 8 + index * size;
    const differences: Difference[] = [];
    for (let n = 0; n < size; n++) {
      const [a, b] = [mine[first + n] ?? 0n, other[first + n] ?? 0n];
      if (a !== b) differences.push({ field: names[n] ?? '?', ours: a, theirs: b });
    }
    if (differences.length === 0) continue;
    const whole: Mismatch = { index, case: one, differences };
    const left = differences.filter((difference) => {
      const reason = explain(difference, whole, program, ours);
      if (reason !== undefined) explained.set(reason, (explained.get(reason) ?? 0) + 1);
      return reason === undefined;
    });
    if (left.length > 0) mismatches.push({ index, case: one, differences: left });
  }
  const memory: Difference[] = [];
  for (let n = (FIELD - RAM_BASE) / 8; n < (RECORDS - RAM_BASE) / 8; n++) {
    const [a, b] = [mine[n] ?? 0n, other[n] ?? 0n];
    if (a === b) continue;
    const difference = { field: hex(RAM_BASE + n * 8), ours: a, theirs: b };
    const reason = explainMemory(difference);
    if (reason === undefined) memory.push(difference);
    else explained.set(reason, (explained.get(reason) ?? 0) + 1);
  }
  return { mismatches, memory, explained };
}

/** The registers that a case started with, of those that its text names. */
function operands(program: Program, index: number, text: string): string {
  const view = new DataView(program.image.buffer, RECORDS - RAM_BASE + index * program.recordSize);
  const named = new Set(text.split(/[^a-z0-9]+/));
  const list = (names: readonly string[], at: (n: number) => number): string[] =>
    names.flatMap((name, n) =>
      named.has(name) && name !== 'zero' ? [`${name}=${hex(view.getBigUint64(at(n), true))}`] : [],
    );
  const csrs = program.csrs.map((csr, n) => `${CSR_NAMES.get(csr)}=${hex(view.getBigUint64(RECORD.csr(n), true))}`);
  const fixed = [
    `pc=${hex(view.getBigUint64(RECORD.pc, true))}`,
    `mstatus=${hex(view.getBigUint64(RECORD.mstatus, true))}`,
    `fcsr=${hex(view.getBigUint64(RECORD.fcsr, true))}`,
  ];
  return [...fixed, ...csrs, ...list(X_NAMES, RECORD.x), ...list(F_NAMES, RECORD.f)].join(' ');
}

export const describeDifference = ({ field, ours, theirs }: Difference): string =>
  `    ${field}: ours ${hex(ours)}, theirs ${hex(theirs)}`;

/** A mismatch as text: code, operands, ours and theirs. */
export function describeMismatch(program: Program, { index, case: one, differences }: Mismatch): string {
  const text = program.disassemble(one);
  const header = `${program.name} #${index} [${one.group}] ${text}${one.note === '' ? '' : `  (${one.note})`}`;
  const lines = differences.map(describeDifference);
  return [header, `    ${operands(program, index, text)}`, ...lines.slice(0, 8)].join('\n');
}

/** Where a program that did not end was: the case that its executor had entered last. */
export function describeStop(program: Program, ram: Uint8Array): string {
  const view = new DataView(ram.buffer, ram.byteOffset);
  const record = Number(view.getBigUint64(VARIABLES - RAM_BASE, true));
  const index = (record - RECORDS) / program.recordSize;
  const one = program.cases[index];
  if (one === undefined)
    return `${program.name}: stopped at record ${hex(record)}, which is none of its ${program.cases.length} cases`;
  const ran = view.getBigUint64(record - RAM_BASE + RECORD.cause, true) !== NOT_RUN;
  return `${program.name}: stopped ${ran ? 'after' : 'in'} ${describeMismatch(program, { index, case: one, differences: [] })}`;
}
