/** Spans: what regions find by one comparison in place of a look into the TLB, and that it is what the TLB would have found. */
import { describe, expect, it } from 'vitest';
import { PORT, RAM_BYTES, start, type TestMachine } from './frontends/harness.ts';
import { S, sparcish } from './frontends/sparcish.ts';
import { i, movImm, rr, X, x86ish } from './frontends/x86ish.ts';

/** Runs `body` e3 times, and halts. */
function loop(body: readonly number[], rounds: number): number[] {
  const tail = [X.sub, rr(3, 4), X.jz, ...i(5)];
  const back = body.length + tail.length + 5;
  return [...movImm(3, rounds), ...movImm(4, 1), ...body, ...tail, X.jmp, ...i(-back), X.hlt];
}

const slowExits = (m: TestMachine): number => m.cpu.engine.stats.tier1?.exits.slow ?? -1;
const compiled = (m: TestMachine): number => m.cpu.engine.stats.tier1?.compiled ?? 0;

function again(m: TestMachine, pc = 0n): void {
  m.cpu.pc = pc;
  m.cpu.halted = false;
  m.run(500_000);
  expect(m.cpu.halted).toBe(true);
}

describe('a span', () => {
  it('has all pages, and what goes on from one to the next', async () => {
    // Every access crosses into a page that was not accessed before.
    const code = loop([X.store, rr(5, 3), X.load, rr(6, 5), X.add, rr(0, 6), X.add, rr(5, 7)], 150);
    const m = await start(x86ish, code, { tier1: 5 });
    m.setReg('e5', 0x10_ffe);
    m.setReg('e7', 0x1000);
    m.run();
    expect(m.reg('e0')).toBe(11325n);
    expect(compiled(m)).toBeGreaterThan(0);
    expect(slowExits(m)).toBe(0);
  });

  it('ends where the memory ends', async () => {
    const code = loop([X.load, rr(6, 5), X.add, rr(0, 6), X.add, rr(5, 4)], 200);
    const ends: string[] = [];
    for (const tier1 of ['off', 5] as const) {
      const m = await start(x86ish, code, { tier1 });
      m.put(RAM_BYTES - 1, [7]);
      m.setReg('vector', 0x1000);
      m.put(0x1000, [X.hlt]);
      m.setReg('e5', RAM_BYTES - 100);
      m.run();
      expect(m.reg('e5')).toBe(BigInt(RAM_BYTES - 3));
      ends.push(x86ish.state.fields.map((f) => m.cpu.register(f.slot)).join());
    }
    expect(ends[1]).toBe(ends[0]);
  });

  it('of what is accessed elsewhere is no longer asked', async () => {
    // One loop at the other end of RAM, a page of it that comes after what is not mapped.
    const m = await start(x86ish, loop([X.load, rr(6, 5), X.add, rr(0, 6)], 5000), { tier1: 5 });
    m.put(0x8000, loop([X.load, rr(6, 5), X.add, rr(1, 6)], 5000));
    m.put(0x30_0000, [1]);
    m.put(0x4000, [1]);
    m.setReg('e5', 0x4000);
    again(m);
    m.setReg('e5', 0x30_0000);
    again(m, 0x8000n);
    expect([m.reg('e0'), m.reg('e1')]).toEqual([5000n, 5000n]);
    expect(m.cpu.engine.stats.tier1?.reformed).toBeGreaterThan(0);
    expect(slowExits(m)).toBeLessThan(500);
  });

  it('is found again after a flush', async () => {
    const m = await start(x86ish, loop([X.load, rr(6, 5), X.add, rr(0, 6)], 5000), { tier1: 5 });
    m.put(0x4001, [1]);
    m.setReg('e5', 0x4001);
    again(m);
    m.cpu.engine.flushTranslations();
    again(m);
    expect(m.reg('e0')).toBe(10_000n);
    expect(slowExits(m)).toBeLessThan(3);
  });
});

describe('a span for stores', () => {
  it('loses the pages that code is translated from', async () => {
    const m = await start(x86ish, loop([X.store, rr(5, 6)], 300), { tier1: 5 });
    const other = 0x40_00;
    m.put(other, [X.add, rr(0, 1), X.hlt]);
    m.setReg('e1', 1);
    m.setReg('e5', 0x9000);
    again(m);
    expect(slowExits(m)).toBe(0);
    again(m, BigInt(other));
    expect(m.reg('e0')).toBe(1n);
    // The region that was made before stores over the code: add becomes subtract.
    m.setReg('e5', other);
    m.setReg('e6', X.sub | (rr(0, 1) << 8) | (X.hlt << 16));
    again(m);
    again(m, BigInt(other));
    expect(m.reg('e0')).toBe(0n);
  });

  it('has no devices in it', async () => {
    const m = await start(x86ish, loop([X.store, rr(5, 3), X.store, rr(7, 3)], 100), { tier1: 5 });
    m.setReg('e5', 0x9000);
    m.setReg('e7', PORT);
    again(m);
    expect(m.writes).toHaveLength(100);
  });
});

describe('an access that must be aligned', () => {
  const at = (imm: number): { imm: number } => ({ imm });

  it('traps where it is not, in a span too', async () => {
    const count = [S.add(2, 2, at(1)), S.ld(3, 1, at(0)), S.add(1, 1, 4)].flat();
    const code = [...count, ...S.jmpl(0, 0, at(0)), ...S.or(0, 0, 0)];
    const ends: bigint[][] = [];
    for (const tier1 of ['off', 5] as const) {
      const m = await start(sparcish(), code, { tier1 });
      m.cpu.exactBudget = true;
      m.setReg('r1', 0x4000);
      // In steps of 4, and in the end one of 2.
      m.setReg('r4', 4);
      m.cpu.execute(1000);
      m.setReg('r4', 2);
      m.cpu.execute(50);
      ends.push(sparcish().state.fields.map((f) => m.cpu.register(f.slot)));
      if (tier1 !== 'off') expect(compiled(m)).toBeGreaterThan(0);
    }
    expect(ends[1]).toEqual(ends[0]);
  });
});
