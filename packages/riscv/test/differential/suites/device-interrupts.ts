/** Interrupts of the board's CLINT and of stimecmp: pending, enabled, delegated, vectored. */
import { encode } from '../assembler.ts';
import { FIELD, HANDLER, VECTORS } from '../layout.ts';
import { anyPrivilege, mstatusFor, type Program } from '../program.ts';
import type { Suite } from './suite.ts';

const CSRS = { mtvec: 0x305, mideleg: 0x303, mie: 0x304, stvec: 0x105, sepc: 0x141, scause: 0x142, stval: 0x143 };
const MIP = 0x344;
const MENVCFG = 0x30a;
const STIMECMP = 0x14d;

const MSIE = 1n << 3n;
const STIE = 1n << 5n;
const MTIE = 1n << 7n;
const MSTATUS_BITS = [1n << 1n, 1n << 5n, 1n << 7n, 1n << 8n];
/** The supervisor's handlers: c.ebreak, which medeleg leaves to machine mode. */
const HANDLERS = FIELD + 0x1000;

/** Registers, and what they hold. */
const [MSIP, MTIMECMP, ONE, ALL, STCE] = [12, 13, 14, 15, 16];
const VALUES = { [MSIP]: 0x200_0000n, [MTIMECMP]: 0x200_4000n, [ONE]: 1n, [ALL]: -1n, [STCE]: 1n << 63n };

const readMip = (rd: number): number => encode('csrrs', { rd, csr: MIP });
/** Where both machines look for interrupts: the end of a block. */
const LOOK = encode('fence.i');

/** Sets the lines in machine mode, then goes to the case's mode by mret. */
function code({ random }: Program): readonly number[] {
  const words: number[] = [];
  if (random.oneIn(2)) words.push(encode('sw', { rs1: MSIP, rs2: random.pick([0, ONE]), imm: 0 }), LOOK, readMip(20));
  if (random.oneIn(2))
    words.push(encode('sd', { rs1: MTIMECMP, rs2: random.pick([0, ALL]), imm: 0 }), LOOK, readMip(21));
  if (random.oneIn(2)) {
    const write = encode('csrrw', { csr: STIMECMP, rs1: random.pick([0, ALL]) });
    words.push(encode('csrrs', { csr: MENVCFG, rs1: STCE }), write, LOOK, readMip(22));
    // Not left due: the reference keeps mip.STIP when STCE goes away.
    words.push(encode('csrrw', { csr: STIMECMP, rs1: ALL }), encode('csrrc', { csr: MENVCFG, rs1: STCE }), readMip(23));
  }
  return [...words, encode('csrrw', { csr: 0x341, rs1: 10 }), encode('csrrw', { csr: 0x300, rs1: 11 }), encode('mret')];
}

export const deviceInterrupts: Suite = {
  name: 'device interrupts',
  quick: 2000,
  csrs: Object.values(CSRS),
  build(program, cases) {
    const { random } = program;
    const status = (mode: ReturnType<typeof anyPrivilege>): bigint =>
      mstatusFor(
        mode,
        MSTATUS_BITS.filter(() => random.oneIn(2)).reduce((all, bit) => all | bit, 0n),
      );
    while (program.cases.length < cases && !program.full) {
      // Not STI and MTI together: the reference takes the lowest number first, where the manual has MTI before STI.
      const mie = random.pick([MSIE | MTIE, MSIE | STIE, MTIE, STIE, 0n]);
      const csrs = [
        BigInt(random.oneIn(2) ? VECTORS + 1 : HANDLER),
        random.oneIn(2) ? STIE : 0n,
        mie,
        BigInt(HANDLERS + 64 * random.below(16) + random.below(2)),
        BigInt(program.emptyPlace()),
        program.integer(),
        program.integer(),
      ];
      program.add({
        group: 'device interrupt',
        pc: program.place(...code(program)),
        mstatus: status(3),
        csrs,
        x: { ...VALUES, 10: BigInt(program.emptyPlace()), 11: status(anyPrivilege(random)) },
      });
    }
  },
};
