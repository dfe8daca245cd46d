import { beforeEach, describe, expect, it } from 'vitest';
import { CSR_NAMES } from '../decode/csr-names.ts';
import { common, csr } from '../state.ts';
import { TestHart } from '../test-hart.ts';

let hart: TestHart;
beforeEach(() => {
  hart = new TestHart();
});

describe('legal values', () => {
  it.each([
    ['mstatus', 0x8000_0000_007e_79aan],
    ['sstatus', 0x8000_0000_000c_6122n],
    ['medeleg', 0xb3ffn],
    ['mideleg', 0x222n],
    ['mie', 0xaaan],
    ['mip', 0x222n],
    ['mtvec', -1n & 0xffff_ffff_ffff_fffdn],
    ['mepc', 0xffff_ffff_ffff_fffen],
    ['mcounteren', 0xffff_ffffn],
    ['mcountinhibit', 5n],
    ['menvcfg', 0xa000_0000_0000_0001n],
    ['senvcfg', 1n],
    ['satp', 0n],
    ['fcsr', 0xffn],
    ['fflags', 0x1fn],
    ['frm', 7n],
    ['pmpaddr3', 0x3f_ffff_ffff_ffffn],
    ['mscratch', 0xffff_ffff_ffff_ffffn],
  ])('%s has these bits', (name, bits) => {
    if (name === 'mtvec') {
      hart.write('mtvec', bits);
      expect(hart.read('mtvec')).toBe(bits);
      hart.write('mtvec', 2n);
      expect(hart.read('mtvec')).toBe(bits);
      return;
    }
    expect(hart.writableBits(name)).toBe(bits);
  });

  it('mstatus says 64 bits for user and supervisor mode, and SD when floating point is dirty', () => {
    expect(hart.read('mstatus')).toBe(0xa_0000_0000n);
    expect(hart.read('sstatus')).toBe(0x2_0000_0000n);
    hart.write('sstatus', 3n << 13n);
    expect(hart.read('mstatus')).toBe(0x8000_000a_0000_6000n);
    hart.write('sstatus', 2n << 13n);
    expect(hart.read('sstatus')).toBe(0x2_0000_4000n);
  });

  it('mstatus.MPP keeps the privilege that it had when told one that is not there', () => {
    hart.write('mstatus', 1n << 11n);
    hart.write('mstatus', 2n << 11n);
    expect((hart.read('mstatus') >> 11n) & 3n).toBe(1n);
    hart = new TestHart('rv64,s=off');
    hart.write('mstatus', 1n << 11n);
    expect((hart.read('mstatus') >> 11n) & 3n).toBe(0n);
  });

  it('misa has the letters', () => {
    expect(hart.read('misa')).toBe((2n << 62n) | 0x14112dn);
    expect(new TestHart('rv64,d=off,c=off').read('misa')).toBe((2n << 62n) | 0x141121n);
  });

  it('satp takes the modes that the hart has, and nothing of a write of another', () => {
    for (const mode of [8n, 9n, 10n]) {
      hart.write('satp', (mode << 60n) | (0xabcd_0123_4567_89abn % (1n << 60n)));
      expect(hart.read('satp') >> 60n).toBe(mode);
    }
    const before = hart.read('satp');
    for (const mode of [1n, 7n, 11n, 15n]) hart.write('satp', mode << 60n);
    expect(hart.read('satp')).toBe(before);
    hart = new TestHart('rv64,sv48=off');
    hart.write('satp', 9n << 60n);
    expect(hart.read('satp')).toBe(0n);
  });
});

describe('views', () => {
  it('sie and sip show what is delegated', () => {
    hart.write('mideleg', 0x22n);
    hart.write('mie', 0xaaan);
    hart.set(common.pendingIrq, 0x200);
    hart.write('mip', 0x22n);
    expect(hart.read('sie')).toBe(0x22n);
    expect(hart.read('sip')).toBe(0x22n);
    expect(hart.read('mip')).toBe(0x222n);
    hart.write('sip', 0n);
    expect(hart.read('mip')).toBe(0x220n);
    hart.write('sie', 0n);
    expect(hart.read('mie')).toBe(0xa88n);
  });

  it('fcsr is frm and fflags', () => {
    hart.write('fcsr', 0xe3n);
    expect([hart.read('frm'), hart.read('fflags')]).toEqual([7n, 3n]);
    hart.write('frm', 1n);
    expect(hart.read('fcsr')).toBe(0x23n);
  });

  it('writing floating-point state makes it dirty', () => {
    hart.write('mstatus', 1n << 13n);
    hart.write('fflags', 1n);
    expect((hart.read('mstatus') >> 13n) & 3n).toBe(3n);
  });
});

describe('counters', () => {
  it('count instructions, from where they were set, unless they are stopped', () => {
    hart.set(common.insnCount, 1000);
    expect(hart.read('minstret')).toBe(1000n);
    hart.write('minstret', 5n);
    hart.set(common.insnCount, 1010);
    expect([hart.read('instret'), hart.read('cycle')]).toEqual([15n, 1010n]);
    hart.write('mcountinhibit', 4n);
    hart.set(common.insnCount, 1020);
    expect([hart.read('instret'), hart.read('cycle')]).toEqual([15n, 1020n]);
    hart.write('minstret', 100n);
    hart.write('mcountinhibit', 0n);
    hart.set(common.insnCount, 1021);
    expect(hart.read('minstret')).toBe(101n);
  });

  it('time is what the board says', () => {
    hart.time = 0x1234_5678_9abcn;
    expect(hart.read('time')).toBe(0x1234_5678_9abcn);
  });

  it('performance counters count nothing', () => {
    hart.call('read_mhpmcounter3');
    expect([hart.read('mhpmcounter31'), hart.read('hpmcounter3'), hart.read('mhpmevent3')]).toEqual([0n, 0n, 0n]);
  });
});

describe('Sstc', () => {
  it('takes STIP from software', () => {
    hart.write('mip', 0x20n);
    expect(hart.read('mip')).toBe(0x20n);
    hart.write('menvcfg', 1n << 63n);
    expect(hart.read('mip')).toBe(0n);
    hart.write('mip', 0x222n);
    expect(hart.read('mip')).toBe(0x202n);
  });

  it('tells the board of changes', () => {
    hart.write('stimecmp', 77n);
    expect(hart.read('stimecmp')).toBe(77n);
    expect(hart.get(csr.stimecmp)).toBe(77n);
    expect(hart.timerChanges).toBe(1);
  });
});

describe('which registers there are', () => {
  it('follows the extensions', () => {
    const missing = (cpu: string, ...names: string[]) => names.filter((name) => !new TestHart(cpu).hasCsr(name));
    expect(missing('rv64,f=off', 'fcsr', 'frm', 'mstatus')).toEqual(['fcsr', 'frm']);
    expect(missing('rv64,s=off', 'satp', 'sstatus', 'mideleg', 'mcounteren')).toEqual(['satp', 'sstatus', 'mideleg']);
    expect(missing('rv64,sstc=off', 'stimecmp')).toEqual(['stimecmp']);
    expect(missing('rv64,zicntr=off', 'time', 'mcycle')).toEqual(['time']);
  });

  it('has the names that the disassembler prints', () => {
    for (const [number, name] of CSR_NAMES) if (hart.hasCsr(name)) expect(hart.csrNumber(name)).toBe(number);
  });
});
