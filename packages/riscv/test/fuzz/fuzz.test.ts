/** Random code on a hart, in all its modes. `BOARDWALK_LONG_RUNS=20000` is the number of programs. */
import { type Cpu, Machine } from '@boardwalk/core';
import { fuzzCode, type Random } from '@boardwalk/testing';
import { expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';
import { RiscvCpu } from '../../src/cpu/riscv-cpu.ts';

const RAM = 0x8000_0000;
const BYTES = 8192;
/** Register numbers of the debugger's view: CSRs from 66 by their number. */
const CSR = {
  mstatus: 66 + 0x300,
  medeleg: 66 + 0x302,
  mtvec: 66 + 0x305,
  stvec: 66 + 0x105,
  satp: 66 + 0x180,
  mie: 66 + 0x304,
  mideleg: 66 + 0x303,
} as const;
const PRIV = 65;

/** Major opcodes of 32-bit instructions. RISC-V Unprivileged ISA, "RV32/64G Instruction Set Listings". */
const OPCODES = [
  0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43, 0x53, 0x63, 0x67, 0x6f, 0x73,
] as const;

function instruction(random: Random): readonly number[] {
  const word = random.u32();
  if (random.below(4) === 0) {
    const half = (word & 0xfffc) | random.below(3);
    return [half & 255, half >>> 8];
  }
  let code = ((word & ~0x7f) | random.pick(OPCODES)) >>> 0;
  // Half of the immediates and high registers are small, so that loops and accesses stay near.
  if (random.below(2) === 0) code = (code & 0x01ffffff) >>> 0;
  return [code & 255, (code >>> 8) & 255, (code >>> 16) & 255, code >>> 24];
}

/** Traps go into the code; half of the programs run in a lower privilege, with physical addresses. */
function prepare(cpu: Cpu, random: Random): void {
  const { debug } = cpu;
  if (debug === undefined) throw new Error('no debugging');
  const place = (): bigint => BigInt(RAM + (random.below(BYTES / 2) & ~3));
  debug.writeRegister(CSR.mtvec, place());
  debug.writeRegister(CSR.stvec, place());
  debug.writeRegister(CSR.medeleg, random.pick([0n, 0xffffn]));
  debug.writeRegister(CSR.mstatus, random.pick([0x6000n, 0x6000n, 0n, 0x66_6000n, BigInt(random.u32())]));
  debug.writeRegister(CSR.mie, random.pick([0n, 0xaaan]));
  debug.writeRegister(CSR.mideleg, random.pick([0n, 0x222n]));
  debug.writeRegister(PRIV, random.pick([3n, 3n, 1n, 0n]));
}

/** Lines of mip: software, timer and external interrupts of machine mode, external ones of supervisor mode. */
const LINES = [3, 7, 11, 9] as const;

function interrupt(cpu: Cpu, random: Random): void {
  if (!(cpu instanceof RiscvCpu)) throw new Error('another CPU');
  cpu.setIrqLine(random.pick(LINES), random.oneIn(2));
}

it('runs random code alike in the interpreter and in compiled regions', async () => {
  const rounds = Number(process.env.BOARDWALK_LONG_RUNS ?? 30);
  const result = await fuzzCode({
    boot: (options) => Machine.create(virt, { ramSize: 8 * 2 ** 20, firmware: 'none', ...options }),
    at: RAM,
    instruction,
    prepare,
    forget: (cpu) => cpu instanceof RiscvCpu && cpu.engine.cache.flush(),
    interrupt,
    rounds,
    seed: Number(process.env.BOARDWALK_SEED ?? 1),
  });
  expect(result.executed).toBeGreaterThan(rounds * 200);
  expect(result.stops).toBeGreaterThan(rounds);
}, 3_600_000);
