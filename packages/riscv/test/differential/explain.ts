/**
 * Where the manual leaves a choice and the reference chose otherwise, or where the reference (QEMU 7.2) is wrong. Everything
 * else that differs is a failure.
 */
import { type Difference, fieldNames, type Mismatch } from './compare.ts';
import { RAM_BASE, RECORDS, TABLES, TABLES_SIZE } from './layout.ts';
import type { Program } from './program.ts';

const CAUSE_ILLEGAL = 2n;
const CAUSE_BREAKPOINT = 3n;
const CAUSE_STORE_MISALIGNED = 6n;
/** Causes of loads; that of the store or AMO is two more. */
const LOAD_CAUSES = [4n, 5n, 13n];
const CAUSE_LOAD_ACCESS = 5n;
const ACCESS_FAULTS = [5n, 7n];
const MSTATUS_FS = 0x6000n;
const MSTATUS_SD = 1n << 63n;

/** Groups of the suite of physical memory protection start with this. */
export const PROTECTION = 'protection';
/** The same for address translation. */
export const PAGING = 'satp mode';
/** Page fault of the same kind of access as an access fault. */
const PAGE_FAULT_OF: ReadonlyMap<bigint, bigint> = new Map([
  [1n, 12n],
  [5n, 13n],
  [7n, 15n],
]);
const LOAD_BYTES: Readonly<Record<string, bigint>> = { h: 2n, w: 4n, d: 8n };

/** A case that differs, as the rules look at it. */
interface Finding {
  readonly mismatch: Mismatch;
  /** The code of the case as text. */
  readonly text: string;
  /** What both machines found in a field; ours where they differ. */
  field(name: string): { readonly ours: bigint; readonly theirs: bigint };
  /** What a register held before the case. */
  input(name: string): bigint;
}

type Rule = (difference: Difference, finding: Finding) => boolean;

const RULES: readonly (readonly [reason: string, rule: Rule])[] = [
  [
    // Privileged ISA, "Machine Trap Value Register": mtval is either zero or the address of the breakpoint.
    'mtval of a breakpoint: the reference writes 0, we write its address',
    ({ field, theirs }, f) =>
      (field === 'mtval' || field === 'stval') &&
      theirs === 0n &&
      f.field(field === 'mtval' ? 'mcause' : 'scause').ours === CAUSE_BREAKPOINT,
  ],
  [
    // Unprivileged ISA, "Zalrsc": the address must be aligned, or an exception is raised.
    'sc to a misaligned address: the reference fails it without an exception where nothing is reserved',
    (_, f) =>
      /^(.*; )?sc\./.test(f.text) &&
      f.field('mcause').ours === CAUSE_STORE_MISALIGNED &&
      f.field('mcause').theirs === CAUSE_BREAKPOINT,
  ],
  [
    // Privileged ISA, "Machine Cause Register": AMO exceptions are those of stores.
    'exception of an AMO: the reference reports that of its load',
    ({ field, ours, theirs }, f) =>
      field === 'mcause' && /\bamo/.test(f.text) && LOAD_CAUSES.includes(theirs) && LOAD_CAUSES.includes(ours - 2n),
  ],
  [
    // Privileged ISA, "Extension Context Status": FS may say dirty where nothing changed. Not the other way round.
    'mstatus.FS: we say dirty after any instruction that can set flags, the reference after those that write f registers',
    ({ field, ours, theirs }, f) =>
      field === 'mstatus' && /\bf[a-z]/.test(f.text) && ours === (theirs | MSTATUS_FS | MSTATUS_SD),
  ],
  [
    // Privileged ISA, "Machine Trap Value Register": the part of the access that faulted. This is before its first byte.
    'mtval of a misaligned access to no memory: the reference writes the address rounded down',
    ({ field, ours, theirs }, f) =>
      field === 'mtval' && ACCESS_FAULTS.includes(f.field('mcause').ours) && ours - theirs < 8n && theirs % 2n === 0n,
  ],
  [
    'ctzw: the reference counts zeros above bit 31 where bits 31:0 are zero',
    ({ ours, theirs }, f) => /\bctzw /.test(f.text) && ours === 32n && theirs > 32n,
  ],
  [
    // Privileged ISA, "Hardware Performance Monitor": all 29 counters are there, even where they count nothing.
    'hpmcounter and hpmevent registers: the reference without counters has none, ours read as zero',
    (_, f) => /\bm?hpm(counter|event)/.test(f.text) && f.field('mcause').theirs === CAUSE_ILLEGAL,
  ],
  [
    'vstimecmp: the reference has it without H',
    (_, f) => /\bvstimecmp\b/.test(f.text) && f.field('mcause').ours === CAUSE_ILLEGAL,
  ],
  [
    'registers of the debug triggers: the reference has them',
    (_, f) => /\b(tselect|tdata[123]|tinfo)\b/.test(f.text) && f.field('mcause').ours === CAUSE_ILLEGAL,
  ],
  [
    // Unprivileged ISA, "CSR Instructions": it is the register's number that says whether csrrs and csrrc write.
    'csrrs and csrrc of a read-only register with a register that holds 0: the reference does not count it as a write',
    (_, f) => /^csr[sc] (mvendorid|marchid|mimpid|mhartid|mconfigptr),ra$/.test(f.text),
  ],
  [
    // Privileged ISA, "Priority and Matching Logic": one entry must match all bytes, but a misaligned access may be divided.
    'misaligned load across the edge of a protected range: we divide it at pages, the reference elsewhere too, and not always',
    (_, f) => {
      const [, size = ''] = /\bf?l([hwd])u? [a-z]+\d*,0\(s0\)$/.exec(f.text) ?? [];
      const misaligned = f.input('s0') % (LOAD_BYTES[size] ?? 1n) !== 0n;
      const { ours, theirs } = f.field('mcause');
      const refused = ours === CAUSE_LOAD_ACCESS || theirs === CAUSE_LOAD_ACCESS;
      return misaligned && f.mismatch.case.group.startsWith(PROTECTION) && refused;
    },
  ],
  [
    // Privileged ISA, "Virtual Address Translation Process", step 2: an access fault of the original access's kind.
    'page table where there is no memory: the reference makes a page fault of it',
    ({ field, ours, theirs }, f) =>
      f.mismatch.case.group.startsWith(PAGING) && field === 'mcause' && PAGE_FAULT_OF.get(ours) === theirs,
  ],
];

/** Why both are right, where they may differ; undefined where they may not. */
export function explain(
  difference: Difference,
  mismatch: Mismatch,
  program: Program,
  ours: Uint8Array,
): string | undefined {
  const finding: Finding = {
    mismatch,
    text: program.disassemble(mismatch.case),
    field: (name) => {
      const found = mismatch.differences.find(({ field }) => field === name);
      if (found) return found;
      const place = fieldNames(program.csrs).indexOf(name);
      if (place < 0) return { ours: 0n, theirs: 0n };
      const at = RECORDS - RAM_BASE + mismatch.index * program.recordSize + 8 * place;
      const both = new DataView(ours.buffer, ours.byteOffset).getBigUint64(at, true);
      return { ours: both, theirs: both };
    },
    input: (name) => {
      const place = fieldNames(program.csrs).indexOf(name);
      const at = RECORDS - RAM_BASE + mismatch.index * program.recordSize + 8 * place;
      return new DataView(program.image.buffer).getBigUint64(at, true);
    },
  };
  return RULES.find(([, rule]) => rule(difference, finding))?.[0];
}

const PTE_A = 64n;

/** The same for a doubleword outside the records. */
export function explainMemory({ field, ours, theirs }: Difference): string | undefined {
  const address = Number(field);
  // Privileged ISA, "Virtual Address Translation Process": the accessed bit may be set speculatively, the dirty bit may not.
  const accessed = address >= TABLES && address < TABLES + TABLES_SIZE && theirs === (ours | PTE_A);
  return accessed ? 'accessed bit: the reference sets it for the load of an AMO that is refused' : undefined;
}
