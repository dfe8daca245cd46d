/**
 * Where the manual leaves a choice and the reference chose otherwise, or where the reference (QEMU 7.2) is wrong. Everything
 * else that differs is a failure.
 */
import { type Difference, fieldNames, type Mismatch } from './compare.ts';
import { RAM_BASE, RECORDS } from './layout.ts';
import type { Program } from './program.ts';

const CAUSE_ILLEGAL = 2n;
const CAUSE_BREAKPOINT = 3n;
const CAUSE_STORE_MISALIGNED = 6n;
/** Causes of loads; that of the store or AMO is two more. */
const LOAD_CAUSES = [4n, 5n, 13n];
const ACCESS_FAULTS = [5n, 7n];
const MSTATUS_FS = 0x6000n;
const MSTATUS_SD = 1n << 63n;

/** A case that differs, as the rules look at it. */
interface Finding {
  readonly mismatch: Mismatch;
  /** The code of the case as text. */
  readonly text: string;
  /** What both machines found in a field; ours where they differ. */
  field(name: string): { readonly ours: bigint; readonly theirs: bigint };
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
      field === 'mcause' && /\bamo/.test(f.text) && LOAD_CAUSES.includes(theirs) && ours === theirs + 2n,
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
      field === 'mtval' && ACCESS_FAULTS.includes(f.field('mcause').ours) && ours - theirs < 8n && theirs % 4n === 0n,
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
  };
  return RULES.find(([, rule]) => rule(difference, finding))?.[0];
}
