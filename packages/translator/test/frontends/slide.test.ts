/** Code that runs at several addresses, as shared libraries do. */
import { createHash } from 'node:crypto';
import type { DebugStop } from '@boardwalk/core';
import { defineHelper, type Frontend } from '@boardwalk/translator';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { boot, RAM_BYTES, type TestMachine } from './harness.ts';
import { i, jmp, movImm, rr, X, x86ish } from './x86ish.ts';
import { end, execute, load, program } from './x86ish-programs.ts';

const { pc, excCode, excValue, walkPa, walkBits } = x86ish.state.common;

/** Addresses that differ by this are the same memory, up to the port. Pages 0x200 to 0x2ff are not there. */
const ALIAS = RAM_BYTES;
const PORT_PAGES = 0x8000;

const walk = defineHelper('aliased_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
  const isPort = b.geU(va, b.i64(PORT_PAGES << 12));
  const pa = b.select(isPort, va, b.and(va, b.i64(ALIAS - 1)));
  b.if(b.eq(b.shr(pa, b.i64(20)), b.i64(2)), () => {
    b.set(excCode, b.i32(14));
    b.set(excValue, va);
    b.return_(b.i32(1));
  });
  b.set(walkPa, pa);
  b.set(walkBits, b.i32(12));
  return b.i32(0);
});

const { span: _, ...withoutSpan } = x86ish;
const aliased: Frontend = { ...withoutSpan, name: 'x86ishAliased', walk };

const machines: TestMachine[] = [];
afterEach(async () => {
  for (const m of machines.splice(0)) await m.dispose();
});

async function start(code: ArrayLike<number>, tier1: number | 'off'): Promise<TestMachine> {
  const m = await boot(aliased, code, { tier1 });
  machines.push(m);
  return m;
}

describe('random programs', () => {
  it('come to the same end at each address, whatever ran there before', async () => {
    const alone = await start([], 'off');
    const subjects = [await start([], 'off'), await start([], 1), await start([], 3)];
    const at = (m: TestMachine, code: readonly number[], address: number, first: number): string => {
      load(m, code, address);
      execute(m, 150 + first, [first, 150]);
      // Short, to be read.
      return createHash('sha256').update(end(m)).digest('hex');
    };
    const addresses = fc.array(fc.nat(7), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(program, addresses, fc.integer({ min: 1, max: 150 }), (code, places, first) => {
        for (const m of subjects) m.cpu.engine.cache.flush();
        for (const place of places) {
          alone.cpu.engine.cache.flush();
          const expected = at(alone, code, place * ALIAS, first);
          for (const m of subjects) expect(at(m, code, place * ALIAS, first)).toBe(expected);
        }
      }),
      { numRuns: Number(process.env.BOARDWALK_LONG_RUNS ?? 150) },
    );
    expect(subjects[1]?.cpu.engine.tier1?.stats.compiled).toBeGreaterThan(100);
  });
});

const LOOP = 30;
const OTHER = 0x1100;
const DONE = 24;
/**
 * Calls a function on the next page 5000 times, from a loop that begins at LOOP; e2 adds up the addresses that it returns to. The
 * function ends at 0x110a.
 */
const PROGRAM = [
  ...[...movImm(0, 5000), ...movImm(3, 1), ...movImm(4, 0x2800), ...jmp(18, LOOP), 0x90, X.hlt],
  ...[0x90, 0x90, 0x90, 0x90, 0x90],
  ...[X.call, ...i(OTHER - LOOP - 5), X.sub, rr(0, 3), X.jz, ...i(DONE - LOOP - 12), ...jmp(LOOP + 12, LOOP)],
];
const FUNCTION = [X.load, rr(1, 4), X.add, rr(2, 1), X.ret];

async function calls(tier1: number | 'off'): Promise<TestMachine> {
  const m = await start(PROGRAM, tier1);
  m.put(OTHER, FUNCTION);
  return m;
}

function runAt(m: TestMachine, address: number): void {
  m.cpu.resetHold();
  m.cpu.setRegister(pc, BigInt(address));
  m.run(100_000);
}

describe('a function that is called at several addresses', () => {
  it.each(['off', 10] as const)('knows its own, and is translated once, tier 1 %s', async (tier1) => {
    const m = await calls(tier1);
    const { cache } = m.cpu.engine;
    let blocks = 0;
    for (let n = 0; n < 6; n++) {
      runAt(m, n * ALIAS);
      const returned = n * ALIAS + LOOP + 5;
      expect(m.reg('e2')).toBe(BigInt((returned * 5000) % 2 ** 32));
      expect(m.cpu.register(pc)).toBe(BigInt(n * ALIAS + DONE + 1));
      if (n === 1) blocks = cache.stats.translated;
    }
    expect(cache.stats.translated).toBe(blocks);
    if (tier1 === 'off') return;
    // Two for the first address, as many for all others.
    const { compiled, exits } = m.cpu.engine.tier1?.stats ?? { compiled: 0, exits: { slow: 1 } };
    expect(compiled).toBeLessThan(12);
    // Pages that were not in the TLB yet.
    expect(exits.slow).toBeLessThan(20);
  });

  it('stops at a breakpoint at one of them only', async () => {
    const m = await calls(10);
    for (let n = 0; n < 4; n++) runAt(m, n * ALIAS);
    const stops: DebugStop[] = [];
    m.machine.on('debug', ({ stop }) => void stops.push(stop));
    m.cpu.debug.setPoints({ breakpoints: new Set([BigInt(2 * ALIAS + OTHER)]), watchpoints: [] });
    for (const n of [0, 1, 3]) {
      runAt(m, n * ALIAS);
      expect(m.cpu.register(pc)).toBe(BigInt(n * ALIAS + DONE + 1));
    }
    expect(stops).toEqual([]);
    runAt(m, 2 * ALIAS);
    expect(m.cpu.register(pc)).toBe(BigInt(2 * ALIAS + OTHER));
    m.cpu.debug.setPoints({ breakpoints: new Set(), watchpoints: [] });
    runAt(m, 2 * ALIAS);
    expect(m.cpu.register(pc)).toBe(BigInt(2 * ALIAS + DONE + 1));
  });

  it.each(['off', 10] as const)('faults at the address where it runs, tier 1 %s', async (tier1) => {
    const m = await calls(tier1);
    // It divides by e0.
    m.put(OTHER, [X.load, rr(1, 4), X.add, rr(2, 1), X.divU, rr(5, 0), X.ret]);
    m.setReg('vector', 0x1200);
    m.put(0x1200, [X.hlt]);
    for (let n = 0; n < 5; n++) {
      m.cpu.resetHold();
      m.setReg('vector', 0x1200);
      m.cpu.setRegister(pc, BigInt(n * ALIAS));
      // Without the branch that ends the loop e0 comes to 0, by which the function divides.
      m.put(LOOP + 7, [X.nop, ...jmp(LOOP + 8, LOOP), X.nop]);
      m.run(200_000);
      expect(m.reg('savedPc')).toBe(BigInt(n * ALIAS + OTHER + 4));
      expect(m.reg('savedCode')).toBe(0n);
    }
  });
});

describe('a function that is called from two blocks of a loop', () => {
  // BEFORE is one instruction before CALL: a block begins at each, and both come back to CALL + 5, where the loop goes on.
  const [BEFORE, CALL, END, ENTERED] = [39, 40, 24, 0x1100];
  const flip = [X.mov, rr(6, 3), X.sub, rr(6, 5), X.mov, rr(5, 6)];
  const code = [X.nop, X.call, ...i(ENTERED - CALL - 5), X.sub, rr(0, 3), X.jz, ...i(END - CALL - 12), ...flip];
  const rest = [X.jz, ...i(-23), ...jmp(CALL + 23, BEFORE)];

  /**
   * With two rounds to begin with the block at BEFORE is for all addresses later; with more it is for the first, as is all of the loop. The
   * region that is formed last goes from BEFORE into the function that the call at CALL has in it.
   */
  it.each([
    [2, 200],
    [4, 128],
  ])('returns to where it was called from, after %i and %i rounds at the first address', async (rounds, more) => {
    const m = await start([], 10);
    const run = (address: number, n: number, slice: number): void => {
      m.cpu.resetHold();
      for (const [name, value] of Object.entries({ e0: n, e3: 1, e4: 0x2800, e5: 1 })) m.setReg(name, value);
      m.cpu.setRegister(pc, BigInt(address));
      for (let left = 10_000; left > 0 && !m.cpu.halted; left--) m.cpu.execute(slice);
    };
    m.put(END, [X.hlt]);
    m.put(BEFORE, [...code, ...rest]);
    // It adds up the addresses that it returns to.
    m.put(ENTERED, [X.load, rr(1, 4), X.add, rr(2, 1), X.ret]);
    // The function is for all addresses from the first, the loop only where it has not been before.
    m.put(0x2800, i(ALIAS + 0x3000));
    m.put(0x3000, [X.hlt]);
    run(ALIAS + ENTERED, 0, 100);
    run(CALL, rounds, 100);
    run(ALIAS + CALL, 1, 100);
    run(CALL, 7, 100);
    // In short slices tier 0 runs what regions have, which makes entries of it.
    run(CALL, more, 3);
    expect(m.cpu.engine.tier1?.stats.reformed).toBeGreaterThan(1);
    for (const address of [BEFORE, CALL, BEFORE]) {
      run(2 * ALIAS + address, 6, 1000);
      expect(m.reg('e2')).toBe(BigInt(6 * (2 * ALIAS + CALL + 5)));
      expect(m.cpu.register(pc)).toBe(BigInt(2 * ALIAS + END + 1));
    }
  });
});
