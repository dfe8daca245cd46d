/**
 * The program that runs the cases, in machine mode: for each record it sets every register from the record and enters the
 * case with mret; whatever trap ends the case, the handler writes every register back and goes on to the next.
 */
import { Assembler } from './assembler.ts';
import { EXECUTOR, HANDLER, RECORD, VARIABLES } from './layout.ts';

const MSTATUS = 0x300;
const MENVCFG = 0x30a;
const MTVEC = 0x305;
const MSCRATCH = 0x340;
const MEPC = 0x341;
const MCAUSE = 0x342;
const MTVAL = 0x343;
const STIMECMP = 0x14d;
const PMPCFG0 = 0x3a0;
const PMPADDR0 = 0x3b0;
const FCSR = 0x003;

/** The register that points to the record. */
const POINTER = 31;
/** A register for values on their way. */
const TEMP = 30;
const FS_SHIFT_LUI = 0x6000;
const MPRV_LUI = 0x20000;
const MENVCFG_ADUE = 1n << 61n;
/** All of memory, readable, writable, executable. */
const PMP_ALL = 0x1f;
/** The timer of the hart, which would be due at once. */
const MTIMECMP = 0x200_4000;
const TEST_FINISHER = 0x10_0000;
const FINISHER_PASS = 0x5555;

const set = (a: Assembler, csr: number, value: bigint): Assembler =>
  a.constant(TEMP, value).op('csrrw', { csr, rs1: TEMP });

/** From here on the registers hold what the record says. */
function enterCase(a: Assembler, csrs: readonly number[]): void {
  const load = (csr: number, imm: number): Assembler =>
    a.op('ld', { rd: TEMP, rs1: POINTER, imm }).op('csrrw', { csr, rs1: TEMP });
  a.op('lui', { rd: TEMP, imm: FS_SHIFT_LUI }).op('csrrs', { csr: MSTATUS, rs1: TEMP });
  for (let n = 0; n < 32; n++) a.op('fld', { rd: n, rs1: POINTER, imm: RECORD.f(n) });
  load(FCSR, RECORD.fcsr);
  for (const [index, csr] of csrs.entries()) load(csr, RECORD.csr(index));
  load(MEPC, RECORD.pc);
  load(MSTATUS, RECORD.mstatus);
  for (let n = 1; n < 32; n++) a.op('ld', { rd: n, rs1: POINTER, imm: RECORD.x(n) });
  a.op('mret');
}

/** The trap handler: mstatus.MPRV off first, so that the handler reaches memory. */
function leaveCase(a: Assembler, csrs: readonly number[]): void {
  const store = (csr: number, imm: number): Assembler =>
    a.op('csrrs', { rd: TEMP, csr }).op('sd', { rs2: TEMP, rs1: POINTER, imm });
  a.op('csrrw', { csr: MSCRATCH, rs1: POINTER });
  a.op('lui', { rd: POINTER, imm: MPRV_LUI }).op('csrrc', { csr: MSTATUS, rs1: POINTER });
  a.address(POINTER, VARIABLES).op('ld', { rd: POINTER, rs1: POINTER, imm: 0 });
  for (let n = 1; n < 31; n++) a.op('sd', { rs2: n, rs1: POINTER, imm: RECORD.x(n) });
  store(MSCRATCH, RECORD.x(POINTER));
  store(MEPC, RECORD.pc);
  store(MSTATUS, RECORD.mstatus);
  store(MCAUSE, RECORD.cause);
  store(MTVAL, RECORD.tval);
  for (const [index, csr] of csrs.entries()) store(csr, RECORD.csr(index));
  a.op('lui', { rd: TEMP, imm: FS_SHIFT_LUI }).op('csrrs', { csr: MSTATUS, rs1: TEMP });
  store(FCSR, RECORD.fcsr);
  for (let n = 0; n < 32; n++) a.op('fsd', { rs2: n, rs1: POINTER, imm: RECORD.f(n) });
}

/**
 * @param csrs control and status registers that every record has besides: written before the case in this order, read after it
 * @param size bytes of a record
 */
export function assembleExecutor(csrs: readonly number[], size: number): Uint8Array {
  const a = new Assembler(EXECUTOR);
  const [start, next, done] = [a.label(), a.label(), a.label()];
  a.jump('jal', { rd: 0 }, start);
  if (a.here !== HANDLER) throw new Error('the handler is elsewhere');
  leaveCase(a, csrs);
  a.op('addi', { rd: POINTER, rs1: POINTER, imm: size });
  a.place(next);
  a.address(TEMP, VARIABLES).op('sd', { rs2: POINTER, rs1: TEMP, imm: 0 });
  a.op('ld', { rd: TEMP, rs1: TEMP, imm: 8 });
  a.jump('beq', { rs1: POINTER, rs2: TEMP }, done);
  enterCase(a, csrs);

  a.place(start);
  a.address(TEMP, HANDLER).op('csrrw', { csr: MTVEC, rs1: TEMP });
  set(a, PMPADDR0, (1n << 54n) - 1n);
  set(a, PMPCFG0, BigInt(PMP_ALL));
  set(a, MENVCFG, MENVCFG_ADUE);
  set(a, STIMECMP, -1n);
  a.constant(TEMP, BigInt(MTIMECMP)).constant(POINTER, -1n).op('sd', { rs2: POINTER, rs1: TEMP, imm: 0 });
  a.address(POINTER, VARIABLES).op('ld', { rd: POINTER, rs1: POINTER, imm: 0 });
  a.jump('jal', { rd: 0 }, next);

  a.place(done);
  const forever = a.label();
  a.constant(POINTER, BigInt(TEST_FINISHER)).constant(TEMP, BigInt(FINISHER_PASS));
  a.op('sw', { rs2: TEMP, rs1: POINTER, imm: 0 });
  a.place(forever).jump('jal', { rd: 0 }, forever);
  return a.bytes();
}
