import { beforeEach, describe, expect, it } from 'vitest';
import { flushTranslation } from './mmu.ts';
import { MMU_M, MMU_MXR, MMU_S, MMU_S_SUM, MMU_U } from './mode.ts';
import { common } from './state.ts';
import { RAM, TestHart } from './test-hart.ts';

const V = 1n;
const R = 2n;
const W = 4n;
const X = 8n;
const U = 16n;
const G = 32n;
const A = 64n;
const D = 128n;
const RWX_AD = V | R | W | X | A | D;

const LOAD_PAGE = 13;
const STORE_PAGE = 15;
const FETCH_PAGE = 12;
const LOAD_ACCESS = 5;
const STORE_ACCESS = 7;

const pte = (pa: bigint, flags: bigint): bigint => ((pa >> 12n) << 10n) | flags;

/** Root, middle and last table at the first pages of RAM; data pages follow. */
const ROOT = RAM;
const MIDDLE = RAM + 0x1000n;
const LAST = RAM + 0x2000n;
const PAGE = RAM + 0x5000n;
const SV39 = 8n << 60n;

let hart: TestHart;

/** Maps va 0x1000 * n (n below 512) through three levels. */
function map(n: number, flags: bigint, pa = PAGE): void {
  hart.poke(ROOT, pte(MIDDLE, V));
  hart.poke(MIDDLE, pte(LAST, V));
  hart.poke(LAST + BigInt(n) * 8n, pte(pa, flags));
}

beforeEach(() => {
  hart = new TestHart('rv64', flushTranslation);
  hart.openPmp();
  hart.write('satp', SV39 | (ROOT >> 12n));
});

describe('page walk, Sv39', () => {
  it('finds a page of 4 KiB with its rights', () => {
    map(3, RWX_AD);
    expect(hart.walk(0x3abcn, 'load', MMU_S)).toEqual({ pa: PAGE + 0xabcn, prot: 7, bits: 12 });
  });

  it('does not translate in machine mode or with satp off', () => {
    expect(hart.walk(0x3abcn, 'load', MMU_M)).toMatchObject({ pa: 0x3abcn, prot: 7 });
    hart.write('satp', 0n);
    expect(hart.walk(0x3abcn, 'fetch', MMU_U)).toMatchObject({ pa: 0x3abcn, prot: 7 });
  });

  it('faults by the kind of access', () => {
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
    expect(hart.walk(0x3000n, 'store', MMU_S)).toBe(STORE_PAGE);
    expect(hart.walk(0x3000n, 'fetch', MMU_S)).toBe(FETCH_PAGE);
  });

  it('refuses addresses whose upper bits do not repeat bit 38', () => {
    map(3, RWX_AD);
    expect(hart.walk(0x40_0000_3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
    hart.poke(ROOT + 0x800n, pte(MIDDLE, V));
    expect(hart.walk(0xffff_ffc0_0000_3000n, 'load', MMU_S)).toMatchObject({ pa: PAGE });
    expect(hart.walk(0x7fff_ffc0_0000_3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
  });

  it('keeps user pages from the supervisor but for data with SUM, and the reverse', () => {
    map(3, RWX_AD | U);
    map(4, RWX_AD);
    expect(hart.walk(0x3000n, 'load', MMU_U)).toMatchObject({ prot: 7 });
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
    expect(hart.walk(0x3000n, 'store', MMU_S_SUM)).toMatchObject({ prot: 3 });
    expect(hart.walk(0x3000n, 'fetch', MMU_S)).toBe(FETCH_PAGE);
    expect(hart.walk(0x3000n, 'fetch', MMU_S_SUM)).toBe(FETCH_PAGE);
    expect(hart.walk(0x4000n, 'load', MMU_U)).toBe(LOAD_PAGE);
  });

  it('lets MXR read what can only be executed', () => {
    map(3, V | X | A);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
    expect(hart.walk(0x3000n, 'load', MMU_S + MMU_MXR)).toMatchObject({ prot: 5 });
    expect(hart.walk(0x3000n, 'fetch', MMU_S)).toMatchObject({ prot: 4 });
  });

  it.each([
    ['write without read', V | W | A | D],
    ['a reserved bit', RWX_AD | (1n << 54n)],
    ['Svnapot, which is absent', RWX_AD | (1n << 63n)],
    ['Svpbmt, which is absent', RWX_AD | (1n << 61n)],
    ['a pointer at the last level', V],
  ])('faults at an entry with %s', (_, flags) => {
    map(3, flags);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
  });

  it('faults at a pointer with A, D or U', () => {
    map(3, RWX_AD);
    hart.poke(MIDDLE, pte(LAST, V | A));
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
  });

  it('reads superpages, if they are aligned', () => {
    hart.poke(ROOT, pte(0x4000_0000n, RWX_AD));
    expect(hart.walk(0x3456_7890n, 'load', MMU_S)).toMatchObject({ pa: 0x7456_7890n });
    hart.poke(ROOT, pte(0x4020_0000n, RWX_AD));
    expect(hart.walk(0x3456_7890n, 'load', MMU_S)).toBe(LOAD_PAGE);
    hart.poke(ROOT, pte(MIDDLE, V));
    hart.poke(MIDDLE + 8n, pte(0x4020_0000n, RWX_AD));
    expect(hart.walk(0x23_4567n, 'load', MMU_S)).toMatchObject({ pa: 0x4023_4567n });
  });

  it('is an access fault where there is no memory for the table', () => {
    hart.poke(ROOT, pte(0x1000n, V));
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_ACCESS);
  });

  it('tells the translator how large the page is, where PMP does not divide it', () => {
    map(3, RWX_AD);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toMatchObject({ bits: 12 });
    hart.poke(ROOT + 8n, pte(0x4000_0000n, RWX_AD));
    expect(hart.walk(0x4000_0000n, 'load', MMU_S)).toMatchObject({ bits: 30 });
    hart.poke(ROOT, pte(MIDDLE, V));
    hart.poke(MIDDLE + 8n, pte(0x4020_0000n, RWX_AD));
    expect(hart.walk(0x20_0000n, 'load', MMU_S)).toMatchObject({ bits: 21 });
  });

  it('forgets what is of one address space where satp names another, and all for other tables', () => {
    const before = hart.flushes;
    hart.write('satp', SV39 | (1n << 44n) | (ROOT >> 12n));
    hart.write('satp', SV39 | (1n << 44n) | (MIDDLE >> 12n));
    expect(hart.flushes).toEqual({ ...before, spaces: before.spaces + 2 });
    hart.write('satp', 0n);
    expect(hart.flushes).toEqual({ ...before, spaces: before.spaces + 2, all: before.all + 1 });
  });

  it('says whether a mapping is of one address space', () => {
    map(3, RWX_AD);
    map(4, RWX_AD | G);
    const isLocal = (va: bigint): bigint => {
      hart.set(common.walkLocal, 0n);
      expect(hart.walk(va, 'load', MMU_S)).toMatchObject({ pa: PAGE });
      return hart.get(common.walkLocal);
    };
    expect([isLocal(0x3000n), isLocal(0x4000n)]).toEqual([1n, 0n]);
  });

  it('flushes one address as such: the translator knows what superpages it has', () => {
    hart.poke(ROOT + 8n, pte(0x4000_0000n, RWX_AD));
    hart.walk(0x4000_0000n, 'load', MMU_S);
    const before = hart.flushes;
    hart.call('riscv_flush_translation', 0x4000_3000n);
    expect(hart.flushes).toEqual({ ...before, pages: before.pages + 1 });
  });
});

describe('accessed and dirty bits', () => {
  it('are set by the hardware with ADUE, dirty by the first store only', () => {
    hart.write('menvcfg', 1n << 61n);
    map(3, V | R | W);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toMatchObject({ prot: 1 });
    expect(hart.peek(LAST + 24n) & 0xffn).toBe(V | R | W | A);
    expect(hart.walk(0x3000n, 'store', MMU_S)).toMatchObject({ prot: 3 });
    expect(hart.peek(LAST + 24n) & 0xffn).toBe(V | R | W | A | D);
  });

  it('fault without ADUE, and leave the entry', () => {
    map(3, V | R | W);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
    map(3, V | R | W | A);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toMatchObject({ prot: 1 });
    expect(hart.walk(0x3000n, 'store', MMU_S)).toBe(STORE_PAGE);
    expect(hart.peek(LAST + 24n) & 0xffn).toBe(V | R | W | A);
  });

  it('fault on a hart without Svadu, which has no ADUE', () => {
    hart = new TestHart('rv64,svadu=off,svade=on');
    hart.openPmp();
    hart.write('menvcfg', 1n << 61n);
    expect(hart.read('menvcfg')).toBe(0n);
    hart.write('satp', SV39 | (ROOT >> 12n));
    map(3, V | R | W);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_PAGE);
  });
});

describe('deeper tables', () => {
  it.each([
    ['Sv48', 9n, 4],
    ['Sv57', 10n, 5],
  ])('%s has its levels', (_, mode, levels) => {
    for (let level = 0; level < levels - 1; level++) {
      const table = RAM + BigInt(level) * 0x1000n;
      hart.poke(table + 8n, pte(table + 0x1000n, V));
    }
    hart.poke(RAM + BigInt(levels - 1) * 0x1000n + 8n, pte(PAGE, RWX_AD));
    hart.write('satp', (mode << 60n) | (RAM >> 12n));
    let va = 0xabcn;
    for (let level = 0; level < levels; level++) va |= 1n << BigInt(12 + 9 * level);
    expect(hart.walk(va, 'load', MMU_S)).toEqual({ pa: PAGE + 0xabcn, prot: 7, bits: 12 });
    expect(hart.walk(va | (1n << BigInt(12 + 9 * levels)), 'load', MMU_S)).toBe(LOAD_PAGE);
  });
});

describe('physical memory protection', () => {
  const L = 0x80n;
  const NA4 = 0x10n;
  const NAPOT = 0x18n;
  const TOR = 0x08n;

  beforeEach(() => {
    hart = new TestHart();
  });

  it('lets machine mode do anything and the others nothing where no entry matches', () => {
    expect(hart.walk(PAGE, 'load', MMU_M)).toMatchObject({ prot: 7, bits: 12 });
    expect(hart.walk(PAGE, 'load', MMU_S)).toBe(LOAD_ACCESS);
    expect(hart.walk(PAGE, 'store', MMU_U)).toBe(7);
    expect(hart.walk(PAGE, 'fetch', MMU_U)).toBe(1);
  });

  it('takes the lowest entry that matches', () => {
    hart.write('pmpaddr0', PAGE >> 2n);
    hart.write('pmpaddr1', (PAGE + 0x1000n) >> 2n);
    hart.write('pmpaddr2', -1n);
    hart.write('pmpcfg0', ((NAPOT | 7n) << 16n) | ((TOR | 1n) << 8n));
    expect(hart.walk(PAGE, 'load', MMU_S)).toEqual({ pa: PAGE, prot: 1, bits: 12 });
    expect(hart.walk(PAGE, 'store', MMU_S)).toBe(7);
    expect(hart.walk(PAGE + 0x1000n, 'store', MMU_S)).toMatchObject({ prot: 7 });
    expect(hart.walk(PAGE - 4n, 'store', MMU_S)).toMatchObject({ prot: 7 });
  });

  it('binds machine mode by locked entries alone', () => {
    hart.write('pmpaddr0', (PAGE | 0x7ffn) >> 2n);
    hart.write('pmpcfg0', NAPOT | 1n);
    expect(hart.walk(PAGE, 'store', MMU_M)).toMatchObject({ prot: 7 });
    hart.write('pmpcfg0', L | NAPOT | 1n);
    expect(hart.walk(PAGE, 'store', MMU_M)).toBe(7);
    expect(hart.walk(PAGE, 'load', MMU_M)).toMatchObject({ prot: 1 });
  });

  it('keeps locked entries, and the address below a locked range', () => {
    hart.write('pmpaddr0', 0x111n);
    hart.write('pmpaddr1', 0x222n);
    hart.write('pmpcfg0', (L | TOR) << 8n);
    hart.write('pmpaddr0', 0n);
    hart.write('pmpaddr1', 0n);
    hart.write('pmpcfg0', 0x1fn);
    expect([hart.read('pmpaddr0'), hart.read('pmpaddr1'), hart.read('pmpcfg0')]).toEqual([
      0x111n,
      0x222n,
      ((L | TOR) << 8n) | 0x1fn,
    ]);
  });

  it('refuses an access of which the first entry that matches has only a part', () => {
    hart.write('pmpaddr0', (PAGE + 0x404n) >> 2n);
    hart.write('pmpaddr15', -1n);
    hart.write('pmpcfg0', NA4 | 7n);
    hart.write('pmpcfg2', (NAPOT | 7n) << 56n);
    expect(hart.walk(PAGE + 0x400n, 'store', MMU_S, 4)).toMatchObject({ prot: 7 });
    expect(hart.walk(PAGE + 0x404n, 'store', MMU_S, 4)).toMatchObject({ prot: 7 });
    expect(hart.walk(PAGE + 0x400n, 'store', MMU_S, 8)).toBe(STORE_ACCESS);
    expect(hart.walk(PAGE + 0x406n, 'load', MMU_S, 4)).toBe(LOAD_ACCESS);
    expect(hart.walk(PAGE + 0x400n, 'store', MMU_M, 8)).toBe(STORE_ACCESS);
    expect(hart.walk(PAGE + 0x408n, 'store', MMU_S, 8)).toMatchObject({ prot: 7 });
  });

  it('says how far an answer reaches where entries end inside a page', () => {
    hart.write('pmpaddr0', (PAGE + 0x400n) >> 2n);
    hart.write('pmpaddr15', -1n);
    hart.write('pmpcfg0', NA4);
    hart.write('pmpcfg2', (NAPOT | 7n) << 56n);
    expect(hart.walk(PAGE + 0x400n, 'load', MMU_S)).toBe(LOAD_ACCESS);
    expect(hart.walk(PAGE + 0x404n, 'load', MMU_S)).toMatchObject({ prot: 7, bits: 2 });
    expect(hart.walk(PAGE + 0x40cn, 'load', MMU_S)).toMatchObject({ prot: 7, bits: 3 });
    expect(hart.walk(PAGE + 0x3ffn, 'load', MMU_S)).toMatchObject({ prot: 7, bits: 10 });
    expect(hart.walk(PAGE + 0x800n, 'load', MMU_S)).toMatchObject({ prot: 7, bits: 11 });
    expect(hart.walk(PAGE + 0x1000n, 'load', MMU_S)).toMatchObject({ prot: 7, bits: 12 });
  });

  it('guards the page tables', () => {
    hart.openPmp();
    hart.write('satp', SV39 | (ROOT >> 12n));
    map(3, RWX_AD);
    hart.write('pmpaddr0', (MIDDLE | 0x7ffn) >> 2n);
    hart.write('pmpcfg0', NAPOT);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toBe(LOAD_ACCESS);
    hart.write('pmpcfg0', NAPOT | 1n);
    expect(hart.walk(0x3000n, 'load', MMU_S)).toMatchObject({ pa: PAGE });
  });

  it('has no reserved combination of rights', () => {
    hart.write('pmpcfg0', 0xffn);
    expect(hart.read('pmpcfg0')).toBe(0x9fn);
    hart = new TestHart();
    hart.write('pmpcfg0', 0x0606_0202n);
    expect(hart.read('pmpcfg0')).toBe(0x0404_0000n);
  });

  it('is absent with pmp=off', () => {
    hart = new TestHart('rv64,pmp=off');
    expect(hart.hasCsr('pmpcfg0')).toBe(false);
    expect(hart.walk(PAGE, 'load', MMU_S)).toMatchObject({ prot: 7 });
  });
});
