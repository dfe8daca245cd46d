/** Instructions that go on in the next page: jumped to like others, and what they mean when that page is another one by now. */

import { defineHelper, type Frontend } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import { start, type TestMachine } from './frontends/harness.ts';
import { i, jmp, movImm, rr, X, x86ishPaged } from './frontends/x86ish.ts';

const PAGE = 0x5000;
const FIRST = PAGE - 9;
const ROUNDS = 500;

const slotOf = (name: string) => {
  const slot = x86ishPaged.state.fields.find((field) => field.slot.name === name)?.slot;
  if (slot === undefined) throw new Error(`no register ${name}`);
  return slot;
};

/** The page at PAGE lies where s7 says, nowhere where that is 0, and is a mapping of 2^s6 bytes. */
function moving(): Frontend {
  const { walkPa, walkBits, excCode, excValue } = x86ishPaged.state.common;
  const walk = defineHelper('moving_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
    b.set(walkBits, b.i32(12));
    b.set(walkPa, va);
    b.if(b.eq(b.shr(va, b.i64(12)), b.i64(PAGE >> 12)), () => {
      const page = b.get(slotOf('s7'));
      b.if(b.eqz(page), () => {
        b.set(excCode, b.i32(14));
        b.set(excValue, va);
        b.return_(b.i32(1));
      });
      b.set(walkBits, b.wrap(b.get(slotOf('s6'))));
      b.set(walkPa, b.or(page, b.and(va, b.i64(0xfff))));
    });
    return b.i32(0);
  });
  return { ...x86ishPaged, walk };
}

/**
 * A loop over `mov e2, N; add e0, e2` whose N, 4 bytes of which the last two lie in the next page, where the rest of the loop is;
 * e3 counts down by e4.
 */
async function machine(tier1: number | 'off'): Promise<TestMachine> {
  const m = await start(moving(), [...movImm(4, 1), ...jmp(6, FIRST)], { tier1 });
  m.put(FIRST, [X.nop, X.nop, X.nop, X.nop, X.nop, ...movImm(2, 7).slice(0, 4)]);
  const [at, rest] = [FIRST + 5, [X.add, rr(0, 2), X.sub, rr(3, 4), X.jz, ...i(5)]];
  const loop = [...rest, ...jmp(PAGE + 2 + rest.length, at - 2), X.hlt];
  m.put(0x8000, [0, 0, ...loop]);
  // Another page for the same code adds 0x10007 each time.
  m.put(0x9000, [1, 0, ...loop]);
  m.setReg('s6', 12);
  return m;
}

function run(m: TestMachine, page: number): bigint {
  m.setReg('s7', page);
  m.setReg('e0', 0);
  m.setReg('e3', ROUNDS);
  m.cpu.engine.flushTranslations();
  m.cpu.pc = 0n;
  m.cpu.halted = false;
  m.run();
  return m.reg('e0');
}

describe.each(['off', 10] as const)('an instruction on two pages, with tier 1 %s', (tier1) => {
  it('is another one where its second page is', async () => {
    const m = await machine(tier1);
    for (const [page, n] of [
      [0x8000, 7],
      [0x9000, 0x10007],
      [0x8000, 7],
    ] as const) {
      expect(run(m, page)).toBe(BigInt(n * ROUNDS));
    }
    // Two to begin with, three that are run once, and a halt in place of the last jump.
    expect(m.cpu.instructionCount).toBe(BigInt(3 * (2 + 3 + ROUNDS * 7)));
  });

  it('faults where the page is missing, and has done nothing', async () => {
    const m = await machine(tier1);
    run(m, 0x8000);
    m.put(0x1000, [X.hlt]);
    expect(run(m, 0)).toBe(0n);
    expect([m.reg('savedCode'), m.reg('savedValue'), m.reg('savedPc')]).toEqual([14n, BigInt(PAGE), BigInt(FIRST + 5)]);
  });

  it('runs where its second page is no whole mapping, of which the TLB knows nothing', async () => {
    const m = await machine(tier1);
    m.setReg('s6', 11);
    expect(run(m, 0x8000)).toBe(BigInt(7 * ROUNDS));
  });

  it('hears of writes to either page', async () => {
    const m = await machine(tier1);
    expect(run(m, 0x8000)).toBe(BigInt(7 * ROUNDS));
    m.put(0x8000, [2]);
    expect(run(m, 0x8000)).toBe(BigInt(0x20007 * ROUNDS));
    m.put(PAGE - 2, [8]);
    expect(run(m, 0x8000)).toBe(BigInt(0x20008 * ROUNDS));
  });
});

describe('a loop through an instruction on two pages', () => {
  it('leaves translated code a few times only', async () => {
    const m = await machine('off');
    run(m, 0x8000);
    const { exports } = m.cpu.engine;
    let entered = 0;
    const enter = exports.run;
    Object.defineProperty(m.cpu.engine, 'exports', {
      value: {
        ...exports,
        run: (...args: Parameters<typeof enter>) => {
          entered++;
          return enter(...args);
        },
      },
    });
    run(m, 0x8000);
    expect(entered).toBeGreaterThan(0);
    expect(entered).toBeLessThan(20);
  });

  it('is a region', async () => {
    const m = await machine(10);
    run(m, 0x8000);
    const before = m.cpu.engine.stats.tier1?.exits;
    run(m, 0x8000);
    const exits = m.cpu.engine.stats.tier1?.exits;
    const left = (why: 'link' | 'jump' | 'tier0' | 'slow') => (exits?.[why] ?? 0) - (before?.[why] ?? 0);
    expect(m.cpu.engine.stats.tier1?.compiled).toBeGreaterThan(0);
    expect(left('link') + left('jump') + left('tier0') + left('slow')).toBeLessThan(20);
  });
});

describe('loops with many entries, one of them an instruction on two pages', () => {
  const CODE = 0x4000;
  const BLOCKS = 12;
  const AT = FIRST + 5;
  const HALT = 0x1100;
  const blockAt = (n: number): number => (n === BLOCKS ? AT : CODE + n * 0x100);

  /** At an address: e3 counts down by e4, and the carry of e5 + e6 says where it goes on. */
  function step(at: number, carry: number, none: number): number[] {
    const code = [X.sub, rr(3, 4), X.jz];
    code.push(...i(HALT - (at + code.length + 4)));
    code.push(X.add, rr(5, 6), X.jc);
    code.push(...i(carry - (at + code.length + 4)));
    return [...code, ...jmp(at + code.length, none)];
  }

  it.each([1, 2, 3, 4])('are not entered there by tier 0, graph %d', async (seed) => {
    let state = seed;
    const any = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return blockAt((state >>> 16) % (BLOCKS + 1));
    };
    const m = await start(moving(), [...movImm(4, 1), ...jmp(6, CODE)], { tier1: 10 });
    m.put(HALT, [X.hlt]);
    for (let n = 0; n < BLOCKS; n++) m.put(blockAt(n), [X.add, rr(0, 4), ...step(blockAt(n) + 2, any(), any())]);
    m.put(AT, movImm(2, 7).slice(0, 4));
    const behind = step(PAGE + 4, any(), any());
    for (const [page, n] of [
      [0x8000, 0],
      [0x9000, 1],
    ] as const)
      m.put(page, [n, 0, X.add, rr(0, 2), ...behind]);
    m.setReg('s6', 12);
    m.setReg('e6', 0x9e37_79b9);
    const results = [0x8000, 0x9000, 0x8000].map((page) => {
      m.setReg('e5', 0);
      const result = run(m, page);
      const at = { host: m.machine.addressSpace.hostOffset(AT, 1, true), pcLo: AT, pcHi: 0, extraLo: 0, extraHi: 0 };
      const block = m.cpu.engine.cache.find({ ...at, mode: Number(m.cpu.register(x86ishPaged.state.common.mode)) });
      expect(block?.hasEntry ?? false).toBe(false);
      return result;
    });
    expect(m.cpu.engine.stats.tier1?.compiled).toBeGreaterThan(0);
    expect(results[2]).toBe(results[0]);
  });
});
