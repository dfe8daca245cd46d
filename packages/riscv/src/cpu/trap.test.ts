import { beforeEach, describe, expect, it } from 'vitest';
import { PRIV_M, PRIV_S, PRIV_U } from './mode.ts';
import { common, csr, priv } from './state.ts';
import { TestHart } from './test-hart.ts';

const INTERRUPT = 1n << 63n;
const SIE = 1n << 1n;
const MIE = 1n << 3n;
const SPIE = 1n << 5n;
const MPIE = 1n << 7n;
const SPP = 1n << 8n;
const mpp = (level: number): bigint => BigInt(level) << 11n;

const SSI = 1;
const MSI = 3;
const STI = 5;
const MTI = 7;
const SEI = 9;
const MEI = 11;
const bit = (...numbers: number[]): bigint => numbers.reduce((all, n) => all | (1n << BigInt(n)), 0n);

let hart: TestHart;

function at(privilege: number, status = 0n): void {
  hart.set(priv, privilege);
  hart.write('mstatus', status);
  hart.set(common.pc, 0x8000_1234n);
}

function raise(code: number, tval = 0n): void {
  hart.set(common.excCode, code);
  hart.set(common.excValue, tval);
  hart.call('riscv_raise');
}

const status = (mask: bigint): bigint => hart.read('mstatus') & mask;

beforeEach(() => {
  hart = new TestHart();
  hart.write('mtvec', 0x1000n);
  hart.write('stvec', 0x2000n);
});

describe('exceptions', () => {
  it('go to machine mode unless they are delegated', () => {
    at(PRIV_U, MIE | mpp(0));
    raise(13, 0xdeadn);
    expect(hart.get(common.pc)).toBe(0x1000n);
    expect(hart.get(priv)).toBe(3n);
    expect([hart.read('mepc'), hart.read('mcause'), hart.read('mtval')]).toEqual([0x8000_1234n, 13n, 0xdeadn]);
    expect(status(MIE | MPIE | mpp(3))).toBe(MPIE | mpp(PRIV_U));
  });

  it('go to supervisor mode where medeleg says so', () => {
    hart.write('medeleg', bit(13));
    at(PRIV_S, SIE | MIE);
    raise(13, 0xdeadn);
    expect(hart.get(common.pc)).toBe(0x2000n);
    expect([hart.read('sepc'), hart.read('scause'), hart.read('stval')]).toEqual([0x8000_1234n, 13n, 0xdeadn]);
    expect(status(SIE | SPIE | SPP | MIE)).toBe(SPIE | SPP | MIE);
    expect(hart.get(common.mode)).toBe(BigInt(PRIV_S | (PRIV_S << 2)));
  });

  it('are never delegated away from machine mode', () => {
    hart.write('medeleg', bit(13));
    at(PRIV_M);
    raise(13);
    expect(hart.get(common.pc)).toBe(0x1000n);
  });

  it('do not use the vectors', () => {
    hart.write('mtvec', 0x1001n);
    at(PRIV_U);
    raise(8);
    expect(hart.get(common.pc)).toBe(0x1000n);
  });
});

describe('interrupts', () => {
  const ALL = bit(SSI, MSI, STI, MTI, SEI, MEI);

  it('are taken in the order MEI MSI MTI SEI SSI STI', () => {
    hart.write('mie', ALL);
    hart.set(csr.mip, bit(SSI));
    for (const [lines, expected] of [
      [bit(MEI, MSI, MTI, SEI, STI), MEI],
      [bit(MSI, MTI, SEI, STI), MSI],
      [bit(MTI, SEI, STI), MTI],
      [bit(SEI, STI), SEI],
      [bit(STI), SSI],
    ] as const) {
      at(PRIV_M, MIE);
      hart.set(common.pendingIrq, lines);
      expect(hart.call('riscv_interrupt')).toBe(1);
      expect(hart.read('mcause')).toBe(INTERRUPT | BigInt(expected));
    }
  });

  it('go through the vector', () => {
    hart.write('mie', ALL);
    hart.write('mtvec', 0x1001n);
    hart.set(common.pendingIrq, bit(MTI));
    at(PRIV_U);
    expect(hart.call('riscv_interrupt')).toBe(1);
    expect(hart.get(common.pc)).toBe(0x1000n + 4n * 7n);
    expect(hart.read('mepc')).toBe(0x8000_1234n);
    expect(hart.read('mtval')).toBe(0n);
  });

  it.each([
    ['machine mode with MIE', PRIV_M, MIE, MTI, true],
    ['machine mode without MIE', PRIV_M, 0n, MTI, false],
    ['supervisor mode, one of machine mode', PRIV_S, 0n, MTI, true],
    ['supervisor mode with SIE, delegated', PRIV_S, SIE, STI, true],
    ['supervisor mode without SIE, delegated', PRIV_S, MIE, STI, false],
    ['machine mode with both, delegated', PRIV_M, MIE | SIE, STI, false],
    ['user mode, delegated', PRIV_U, 0n, STI, true],
  ])('in %s', (_, privilege, enables, irq, taken) => {
    hart.write('mie', ALL);
    hart.write('mideleg', bit(SSI, STI, SEI));
    hart.set(common.pendingIrq, bit(irq));
    at(privilege, enables);
    expect(hart.call('riscv_interrupt')).toBe(taken ? 1 : 0);
    if (taken) expect(hart.get(priv)).toBe(irq === STI ? 1n : 3n);
  });

  it('end a wait even when they are not taken, if mie has them', () => {
    at(PRIV_M);
    hart.set(common.halted, 1);
    hart.set(common.pendingIrq, bit(MTI));
    expect(hart.call('riscv_interrupt')).toBe(0);
    expect(hart.get(common.halted)).toBe(1n);
    hart.write('mie', bit(MTI));
    expect(hart.call('riscv_interrupt')).toBe(0);
    expect(hart.get(common.halted)).toBe(0n);
  });
});

describe('returns', () => {
  it('mret restores the interrupt enable and privilege, and clears MPRV below machine mode', () => {
    at(PRIV_M, MPIE | mpp(PRIV_S) | (1n << 17n));
    hart.write('mepc', 0x4000n);
    hart.call('riscv_mret');
    expect(hart.get(common.pc)).toBe(0x4000n);
    expect(hart.get(priv)).toBe(1n);
    expect(status(MIE | MPIE | mpp(3) | (1n << 17n))).toBe(MIE | MPIE);
  });

  it('mret to machine mode keeps MPRV', () => {
    at(PRIV_M, mpp(PRIV_M) | (1n << 17n));
    hart.call('riscv_mret');
    expect(hart.get(priv)).toBe(3n);
    expect(status(MIE | MPIE | mpp(3) | (1n << 17n))).toBe(MPIE | (1n << 17n));
  });

  it('sret goes back to user mode', () => {
    at(PRIV_S, SPIE);
    hart.write('sepc', 0x4000n);
    hart.call('riscv_sret');
    expect(hart.get(priv)).toBe(0n);
    expect(status(SIE | SPIE | SPP)).toBe(SIE | SPIE);
  });
});

describe('the mode word', () => {
  const mode = (): number => Number(hart.get(common.mode));
  const dataMmu = (): number => (mode() >> 2) & 7;

  it('has the data privilege of MPRV, SUM and MXR', () => {
    at(PRIV_M);
    expect(dataMmu()).toBe(3);
    hart.write('mstatus', mpp(PRIV_S) | (1n << 17n));
    expect(dataMmu()).toBe(1);
    hart.write('mstatus', mpp(PRIV_S) | (1n << 17n) | (1n << 18n));
    expect(dataMmu()).toBe(2);
    hart.write('mstatus', mpp(PRIV_U) | (1n << 17n) | (1n << 18n) | (1n << 19n));
    expect(dataMmu()).toBe(4);
    hart.write('mstatus', (1n << 19n) | (1n << 18n));
    expect(dataMmu()).toBe(3);
    expect(mode() & 3).toBe(3);
  });

  it('has the state of floating point and the rounding mode', () => {
    at(PRIV_M);
    hart.write('frm', 4n);
    expect(mode() >> 7).toBe(4);
    for (const [fs, fp] of [
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 2],
    ] as const) {
      hart.write('mstatus', BigInt(fs) << 13n);
      expect((mode() >> 5) & 3).toBe(fp);
    }
  });
});
