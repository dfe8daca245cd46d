/** Compares what two machines made of one program, and tells differences so that a person can see what went wrong. */
import { explain } from './explain.ts';
import { FIELD, NOT_RUN, RECORD, RECORDS, VARIABLES } from './layout.ts';
import type { Case, Program } from './program.ts';

/** A field of a record that is not the same. */
export interface Difference {
  readonly field: string;
  readonly ours: bigint;
  readonly theirs: bigint;
}

export interface Mismatch {
  readonly index: number;
  readonly case: Case;
  readonly differences: readonly Difference[];
}

export interface Comparison {
  readonly mismatches: readonly Mismatch[];
  /** Doublewords outside the records that differ, `field` their address. */
  readonly memory: readonly Difference[];
}

const words = (ram: Uint8Array): DataView => new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

const FIELDS: readonly (readonly [name: string, offset: number, bytes: 4 | 8])[] = [
  ['psw mask', RECORD.pswMask, 8],
  ['psw address', RECORD.pswAddress, 8],
  ['interruption', RECORD.interruption, 4],
  ['dxc', RECORD.dataException, 4],
  ['teid', RECORD.translation, 8],
  ...Array.from({ length: 16 }, (_, n) => [`r${n}`, RECORD.r(n), 8] as const),
  ...Array.from({ length: 16 }, (_, n) => [`f${n}`, RECORD.f(n), 8] as const),
  ['fpc', RECORD.fpc, 4],
  ...Array.from({ length: 16 }, (_, n) => [`a${n}`, RECORD.ar(n), 4] as const),
  ...Array.from({ length: 32 }, (_, n) => [`v${n}`, RECORD.v(n), 8] as const),
  ...Array.from({ length: 32 }, (_, n) => [`v${n}.low`, RECORD.v(n) + 8, 8] as const),
];

export function compare(program: Program, ours: Uint8Array, theirs: Uint8Array): Comparison {
  const [mine, other] = [words(ours), words(theirs)];
  const mismatches: Mismatch[] = [];
  for (const [index, one] of program.cases.entries()) {
    const record = RECORDS + index * RECORD.size;
    const differences: Difference[] = [];
    const code = mine.getUint32(record + RECORD.interruption) & 0xff;
    for (const [field, offset, bytes] of FIELDS) {
      const read = (view: DataView): bigint =>
        bytes === 8 ? view.getBigUint64(record + offset) : BigInt(view.getUint32(record + offset));
      const [a, b] = [read(mine), read(other)];
      if (a !== b) differences.push({ field, ours: a, theirs: b });
    }
    const left = differences.filter((difference) => explain(difference, differences, one, program, code) === undefined);
    if (left.length > 0) mismatches.push({ index, case: one, differences: left });
  }
  const memory: Difference[] = [];
  for (let at = FIELD; at < RECORDS; at += 8) {
    const [a, b] = [mine.getBigUint64(at), other.getBigUint64(at)];
    if (a !== b) memory.push({ field: hex(at), ours: a, theirs: b });
  }
  return { mismatches, memory };
}

/** The registers that a case started with, of those that its text names. */
function operands(program: Program, index: number, text: string): string {
  const view = new DataView(program.image.buffer, RECORDS + index * RECORD.size);
  const named = new Set(text.split(/[^a-z0-9]+/));
  const names = ['r', 'f'] as const;
  const values = names.flatMap((file) =>
    Array.from({ length: 16 }, (_, n) => n)
      .filter((n) => named.has(`${file}${n}`) || (file === 'r' && named.has(`r${n - 1}`)))
      .map((n) => `${file}${n}=${hex(view.getBigUint64(file === 'r' ? RECORD.r(n) : RECORD.f(n)))}`),
  );
  const vectors = Array.from({ length: program.vectors ? 32 : 0 }, (_, n) => n)
    .filter((n) => named.has(`v${n}`))
    .map((n) => `v${n}=${hex((view.getBigUint64(RECORD.v(n)) << 64n) | view.getBigUint64(RECORD.v(n) + 8))}`);
  const words = [`psw=${hex(view.getBigUint64(0))}`, `fpc=${hex(view.getUint32(RECORD.fpc))}`];
  return [...words, ...values, ...vectors].join(' ');
}

export const describeDifference = ({ field, ours, theirs }: Difference): string =>
  `    ${field}: ours ${hex(ours)}, theirs ${hex(theirs)}`;

/** A mismatch as text: code, operands, ours and theirs. */
export function describeMismatch(program: Program, { index, case: one, differences }: Mismatch): string {
  const text = program.disassemble(one);
  const header = `${program.name} #${index} [${one.group}] ${text}${one.note === '' ? '' : `  (${one.note})`}`;
  return [header, `    ${operands(program, index, text)}`, ...differences.slice(0, 8).map(describeDifference)].join(
    '\n',
  );
}

/** Where a program that did not end was: the case that its executor had entered last. */
export function describeStop(program: Program, ram: Uint8Array): string {
  const view = words(ram);
  const record = Number(view.getBigUint64(VARIABLES.current));
  const index = (record - RECORDS) / RECORD.size;
  const one = program.cases[index];
  if (one === undefined) return `${program.name}: stopped at record ${hex(record)}, which is none`;
  const ran = view.getUint32(record + RECORD.interruption) !== NOT_RUN;
  return `${program.name}: stopped ${ran ? 'after' : 'in'} ${describeMismatch(program, { index, case: one, differences: [] })}`;
}
