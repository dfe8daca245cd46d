/** Accesses of 16 bytes where they are more than one access: across pages, devices, pages that somebody watches, tier 1. */
import { type DebugStop, PAGE_CLEAN_DISPLAY } from '@boardwalk/core';
import type { Frontend } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import { type BootOptions, PORT, RAM_BYTES, start, type TestMachine } from './frontends/harness.ts';
import { i, movImm, rr, X, x86ish, x86ishPaged } from './frontends/x86ish.ts';

const VALUE = 0x1f1e1d1c_1b1a1918_17161514_13121110n;
const LITTLE = Array.from({ length: 16 }, (_, n) => 0x10 + n);
const BIG = [...LITTLE].reverse();
/** Instructions on x1 and [e1]. */
const STORE = [X.movdquStore, rr(1, 1)];
const LOAD = [X.movdquLoad, rr(1, 1)];

/** Runs a program with e1 = `at` and x1 = VALUE; exceptions end it. */
async function run(
  at: number,
  program: readonly number[],
  o: BootOptions = {},
  frontend: Frontend = x86ish,
): Promise<TestMachine> {
  const m = await start(frontend, [...program, X.hlt], o);
  m.put(0x1000, [X.hlt]);
  m.setReg('e1', at);
  m.setReg('x1', VALUE);
  m.run();
  return m;
}
const exception = (m: TestMachine): bigint[] => [m.reg('savedCode'), m.reg('savedValue')];

describe('an access of 16 bytes', () => {
  it.each([0x4000, 0x4001, 0x4ff1, 0x4ff8, 0x4ff9, 0x4fff])('works at %i, in both orders', async (at) => {
    const m = await run(at, [...STORE, X.movdquLoad, rr(2, 1), X.movbeLoad, rr(3, 1)]);
    expect(m.bytes(at - 1, 18)).toEqual([0, ...LITTLE, 0]);
    expect(m.reg('x2')).toBe(VALUE);
    const big = await run(at, [X.movbeStore, rr(1, 1), X.movbeLoad, rr(2, 1), X.movdquLoad, rr(3, 1)]);
    expect(big.bytes(at - 1, 18)).toEqual([0, ...BIG, 0]);
    expect(big.reg('x2')).toBe(VALUE);
    expect(big.reg('x3')).toBe(m.reg('x3'));
  });

  it.each([0x1ffff1, 0x1ffff8, 0x1fffff])('whose second page is not there does nothing, at %i', async (at) => {
    for (const code of [STORE, LOAD, [X.movbeStore, rr(1, 1)]]) {
      const m = await run(at, code);
      expect(exception(m)).toEqual([14n, 0x200000n]);
      expect(m.bytes(0x1ffff0, 16)).toEqual(new Array(16).fill(0));
      expect(m.reg('x1')).toBe(VALUE);
    }
  });

  it('that goes on where no memory is does nothing', async () => {
    const m = await run(RAM_BYTES - 8, STORE);
    expect(exception(m)).toEqual([21n, BigInt(RAM_BYTES)]);
    expect(m.bytes(RAM_BYTES - 8, 8)).toEqual(new Array(8).fill(0));
  });

  it.each([1, 8, 15])('of which multiples of 16 are asked faults %i bytes off', async (off) => {
    for (const op of [X.movdqaLoad, X.movdqaStore, X.cmpxchg16b, X.xchg16b]) {
      const m = await run(0x4000 + off, [op, rr(1, 1)]);
      expect(exception(m)).toEqual([17n, BigInt(0x4000 + off)]);
      expect([m.bytes(0x4000, 32).join(''), m.reg('x1')]).toEqual(['0'.repeat(32), VALUE]);
    }
    const fine = await run(0x4000, [X.movdqaStore, rr(1, 1), X.movdqaLoad, rr(2, 1)]);
    expect(fine.reg('x2')).toBe(VALUE);
  });

  it('is two of 8 bytes to a device', async () => {
    const m = await run(PORT + 0x10, [...STORE, X.movdquLoad, rr(2, 1)]);
    // The port takes 4 bytes at a time, and answers reads with its offset.
    expect(m.writes).toEqual(['16:4=13121110', '20:4=17161514', '24:4=1b1a1918', '28:4=1f1e1d1c']);
    const word = (offset: number): bigint => BigInt(0x11 * (offset + 1)) << BigInt((offset - 16) * 8);
    expect(m.reg('x2')).toBe(word(16) | word(20) | word(24) | word(28));
  });

  it('has done its first half when a device refuses the second', async () => {
    const m = await run(PORT + 0x78, STORE);
    expect([m.writes, exception(m)]).toEqual([
      ['120:4=13121110', '124:4=17161514'],
      [21n, BigInt(PORT + 0x80)],
    ]);
    expect(exception(await run(PORT + 0x78, LOAD))).toEqual([20n, BigInt(PORT + 0x80)]);
  });

  it('is atomic in memory only', async () => {
    const m = await run(PORT, [X.xchg16b, rr(1, 1)]);
    expect([m.writes, exception(m), m.reg('x1')]).toEqual([[], [21n, BigInt(PORT)], VALUE]);
  });
});

describe('a swap of 16 bytes', () => {
  const other = (1n << 127n) | 5n;
  it.each([0n, 1n, 1n << 63n, 1n << 64n, 1n << 127n])('that compares sees a difference of %i', async (flip) => {
    const [before, code] = [LITTLE, [X.cmpxchg16b, rr(1, 2), X.jz, ...i(6), ...movImm(5, 9)]];
    const m = await run(0x4000, []);
    m.put(0, [...code, X.hlt]);
    m.put(0x4000, before);
    m.setReg('x0', VALUE ^ flip);
    m.setReg('x2', other);
    m.cpu.pc = 0n;
    m.cpu.halted = false;
    m.run();
    expect([m.reg('x0'), m.reg('e5')]).toEqual([VALUE, flip === 0n ? 0n : 9n]);
    expect(m.bytes(0x4000, 16)).toEqual(flip === 0n ? [5, ...new Array(14).fill(0), 0x80] : before);
  });

  it('loses nothing among vCPUs in turn', async () => {
    // Each takes what is there (xchg with its own), 100 times: what was put in is there once at the end.
    const body = [X.xchg16b, rr(1, 1), X.sub, rr(3, 4), X.jz, ...i(5)];
    const m = await start(x86ish, [...body, X.jmp, ...i(-body.length - 5), X.hlt], { cpus: 3 });
    const slot = (name: string) =>
      x86ish.state.fields.find((f) => f.slot.name === name)?.slot ?? expect.fail(`no ${name}`);
    for (const [n, cpu] of m.cpus.entries()) {
      cpu.setRegister(slot('e1'), 0x5000n);
      cpu.setRegister(slot('e3'), 100n);
      cpu.setRegister(slot('e4'), 1n);
      cpu.setRegister(slot('x1'), (BigInt(n + 1) << 120n) | BigInt(n + 1));
      cpu.exactBudget = true;
    }
    for (let n = 0; m.cpus.some((c) => !c.halted) && n < 10_000; n++) m.cpus[n % 3]?.execute(1 + (n % 5));
    const held = m.cpus.map((c) => c.register(slot('x1')));
    const memory = m.bytes(0x5000, 16).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const all = [...held, memory].map((v) => [v >> 120n, v & 255n]).sort();
    expect(all).toEqual([0n, 1n, 2n, 3n].map((n) => [n, n]));
  });
});

describe('a store of 16 bytes', () => {
  it('into the running code counts from the next instruction on', async () => {
    // The store covers the first bytes of `mov e2, 1` behind it: its immediate becomes 77.
    const next = movImm(2, 77);
    const patch = [...next, ...movImm(3, 5), X.hlt, X.hlt, X.hlt, X.hlt].slice(0, 16);
    const value = patch.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    for (const at of [2, 0xff4]) {
      const m = await run(0, []);
      m.put(at, [...STORE, ...movImm(2, 1), ...movImm(3, 1)]);
      m.put(at + 2 + 12, [X.hlt, X.hlt, X.hlt, X.hlt, X.hlt]);
      m.setReg('e1', at + 2);
      m.setReg('x1', value);
      m.cpu.pc = BigInt(at);
      m.cpu.halted = false;
      m.run();
      expect([m.reg('e2'), m.reg('e3'), m.bytes(at + 2, 16)]).toEqual([77n, 5n, patch]);
    }
  });

  it('tells who waits for a change of a page, all of it', async () => {
    for (const [at, told] of [
      [0x6008, [[8, 16]]],
      [
        0x6ff8,
        [
          [0xff8, 8],
          [0x1000, 8],
        ],
      ],
    ] as const) {
      const m = await run(at, []);
      const { space, addressSpace } = m.machine;
      const host = addressSpace.hostOffset(0x6000, 8192, true);
      const seen: number[][] = [];
      space.onWriteFlagged((place, length, flags) => {
        if ((flags & PAGE_CLEAN_DISPLAY) !== 0) seen.push([place - host, length]);
      });
      space.raiseFlags(host, 8192, PAGE_CLEAN_DISPLAY);
      m.put(0, [...STORE, X.hlt]);
      m.cpu.pc = 0n;
      m.cpu.halted = false;
      m.run();
      expect(seen).toEqual(told);
      expect(m.bytes(at, 16)).toEqual(LITTLE);
    }
  });

  it.each([
    [0x4000, 0x400f],
    [0x4ff8, 0x5007],
    [PORT, PORT + 15],
  ])('at %i is seen by who watches its last byte', async (at, last) => {
    const m = await run(at, []);
    m.put(0, [...STORE, X.nop, X.hlt]);
    m.cpu.pc = 0n;
    m.cpu.halted = false;
    m.cpu.debug.setPoints({
      breakpoints: new Set(),
      watchpoints: [{ kind: 'write', address: BigInt(last), length: 1n }],
    });
    const stop = await new Promise<DebugStop>((resolve) => {
      m.machine.on('debug', (event) => resolve(event.stop));
      m.machine.start();
    });
    expect([stop.reason, m.cpu.debug.pc]).toEqual(['watchpoint', 2n]);
    if (at < PORT) expect(m.bytes(at, 16)).toEqual(LITTLE);
  });
});

describe('tier 1', () => {
  const state = (m: TestMachine): string =>
    x86ish.state.fields.map((f) => `${f.slot.name}=${m.cpu.register(f.slot).toString(16)}`).join();
  /** Runs `body` 2000 times in both tiers: they come to the same; gives the machine with tier 1. */
  async function loop(at: number, body: readonly number[], frontend = x86ish): Promise<TestMachine> {
    const tail = [X.add, rr(1, 6), X.sub, rr(3, 4), X.jz, ...i(5)];
    const code = [...body, ...tail, X.jmp, ...i(-(body.length + tail.length + 5))];
    const ends: string[] = [];
    let last: TestMachine | undefined;
    for (const tier1 of ['off', 1] as const) {
      const m = await run(at, [], { tier1 }, frontend);
      m.put(0, [...code, X.hlt]);
      m.put(0x1000, [X.hlt]);
      for (const [name, value] of [
        ['e3', 2000],
        ['e4', 1],
        ['e7', 0x3000],
      ] as const)
        m.setReg(name, value);
      m.setReg('x2', 0x1234n << 100n);
      m.cpu.pc = 0n;
      m.cpu.halted = false;
      m.run();
      ends.push(`${state(m)} ${m.bytes(at & ~4095, 0x2000).join()}`);
      last = m;
    }
    expect(ends[1]).toBe(ends[0]);
    return last ?? expect.fail('no machine');
  }

  it('makes aligned accesses and atomics of both outcomes itself', async () => {
    const body = [
      ...[X.movdqaStore, rr(1, 1), X.movbeLoad, rr(2, 1), X.xchg16b, rr(1, 2), X.movdqaLoad, rr(3, 1)],
      ...[X.cmpxchg16b, rr(1, 3), X.cmpxchg16b, rr(1, 2), X.movbeStore, rr(7, 2), X.movdquLoad, rr(1, 7)],
    ];
    const m = await loop(0x4010, body);
    const stats = m.cpu.engine.stats.tier1;
    expect(stats?.compiled).toBeGreaterThan(0);
    expect(stats?.exits.slow).toBeLessThan(20);
  });

  it('makes misaligned accesses itself after a while, within a page', async () => {
    const body = [X.movdquStore, rr(1, 1), X.movbeLoad, rr(1, 1)];
    const m = await loop(0x4013, body, x86ishPaged);
    const stats = m.cpu.engine.stats.tier1;
    expect(stats?.reformed).toBeGreaterThan(0);
    expect(stats?.exits.slow).toBeLessThan(1500);
    // In a span it does at once, across pages too.
    expect((await loop(0x4ff9, body)).cpu.engine.stats.tier1?.exits.slow).toBeLessThan(20);
  });

  it('leaves accesses across pages to tier 0', async () => {
    await loop(0x4ff9, [X.movdquStore, rr(1, 1), X.movbeLoad, rr(1, 1)]);
    const faulting = await loop(0x1ffff8, [X.movdquStore, rr(1, 1)]);
    expect(exception(faulting)).toEqual([14n, 0x200000n]);
  });
});
