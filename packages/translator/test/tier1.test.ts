/** Tier 1 does what tier 0 does: counts, faults, code that changes, pages that move; and it does run. */
import type { Machine } from '@boardwalk/core';
import type { Frontend } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import { be32, PORT, RAM_BYTES, start, type TestMachine } from './frontends/harness.ts';
import { H, VECTOR as HPPA_VECTOR, hppaish, NO_PAGE } from './frontends/hppaish.ts';
import { PAGE_TABLE, S, VECTOR as SPARC_VECTOR, sparcish } from './frontends/sparcish.ts';
import { PAGES, T, VECTOR as THUMB_VECTOR, thumbish } from './frontends/thumbish.ts';
import { i, movImm, rr, X, x86ish, x86ishPaged } from './frontends/x86ish.ts';

/** Runs `body` e3 times: e3 counts down by a register that is 1, e4 unless said otherwise. */
function loop(body: readonly number[], rounds: number, one = 4): number[] {
  const head = [...movImm(3, rounds), ...movImm(one, 1)];
  const tail = [X.sub, rr(3, one), X.jz, ...i(5)];
  return [...head, ...body, ...tail, X.jmp, ...i(-(body.length + tail.length + 5)), X.hlt];
}

function registers(m: TestMachine): string {
  const fields = x86ish.state.fields.map((f) => `${f.slot.name}=${m.cpu.register(f.slot)}`);
  return `${m.cpu.pc} ${m.cpu.instructionCount} ${fields.join()}`;
}

const compiled = (m: TestMachine): number => m.cpu.engine.stats.tier1?.compiled ?? 0;
const leftSlowly = (m: TestMachine): number => m.cpu.engine.stats.tier1?.exits.slow ?? 0;

describe('a loop that runs often', () => {
  const code = loop([X.add, rr(0, 3), X.store, rr(5, 0), X.load, rr(6, 5), X.add, rr(7, 6)], 500);

  it.each([1, 7, 64, 1000])('comes to the same in slices of %i', async (slice) => {
    const [a, b] = [await start(x86ish, code, { tier1: 'off' }), await start(x86ish, code, { tier1: 10 })];
    for (const m of [a, b]) {
      m.setReg('e5', 0x3000);
      m.cpu.exactBudget = true;
    }
    for (let n = 0; n < 4000 && !a.cpu.halted; n++) {
      expect(b.cpu.execute(slice)).toBe(a.cpu.execute(slice));
      expect(registers(b)).toBe(registers(a));
    }
    expect(a.cpu.halted && b.cpu.halted).toBe(true);
    expect(compiled(b)).toBeGreaterThan(0);
  });

  it('never goes over an exact budget', async () => {
    const m = await start(x86ish, code, { tier1: 1 });
    m.setReg('e5', 0x3000);
    m.cpu.exactBudget = true;
    for (let n = 0; n < 30; n++) expect(m.cpu.execute(97)).toBe(97);
    expect(m.cpu.instructionCount).toBe(2910n);
    expect(compiled(m)).toBeGreaterThan(0);
  });

  it('shows devices the same number of instructions in a slice', async () => {
    const stores = loop([X.store, rr(5, 3), ...[...Array(3)].flatMap(() => [X.add, rr(0, 3)])], 200);
    const seen = await Promise.all(
      (['off', 5] as const).map(async (tier1) => {
        const counts: number[] = [];
        const onPortWrite = (machine: Machine): void => {
          counts.push(machine.cpus[0]?.instructionsInSlice() ?? -1);
        };
        const m = await start(x86ish, stores, { tier1, onPortWrite });
        m.setReg('e5', PORT);
        m.cpu.exactBudget = true;
        m.run();
        return counts;
      }),
    );
    expect(seen[0]).toHaveLength(200);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('is interpreted only where tier 1 is off', async () => {
    const m = await start(x86ish, code, { tier1: 'off' });
    m.setReg('e5', 0x3000);
    m.run();
    expect(m.cpu.engine.stats.tier1).toBeUndefined();
  });

  it('is shown in the logs', async () => {
    const log: string[] = [];
    const m = await start(x86ish, code, { tier1: 10 });
    m.machine.log.setCategories(['op_opt', 'out_asm']);
    m.machine.log.setSink((category, text) => log.push(`${category}: ${text}`));
    m.setReg('e5', 0x3000);
    m.run();
    expect(log.find((l) => l.startsWith('op_opt'))).toMatch(/region \d+\n.0: entries ->1\n\*1: 0x[0-9a-f]+ \(\d\)/);
    expect(log.find((l) => l.startsWith('out_asm'))).toMatch(/region \d+: \d+ bytes\n0061736d01000000/);
  });
});

describe('a region', () => {
  const code = loop([X.add, rr(0, 3), X.store, rr(5, 0), X.load, rr(6, 5), X.add, rr(7, 6)], 500);

  it.each([1, 2])('works on the registers and the TLB of each of %i vCPUs', async (cpus) => {
    const m = await start(x86ish, code, { tier1: 10, cpus });
    const slot = (name: string) =>
      x86ish.state.fields.find((f) => f.slot.name === name)?.slot ?? x86ish.state.common.pc;
    const ends = m.cpus.map((cpu, n) => {
      cpu.setRegister(slot('e5'), BigInt(0x3000 + 0x1000 * n));
      cpu.setRegister(slot('e7'), BigInt(n));
      for (let slices = 0; slices < 100 && !cpu.halted; slices++) cpu.execute(1000);
      return [cpu.halted, cpu.register(slot('e0')), cpu.register(slot('e7')) - BigInt(n)];
    });
    expect(ends[0]?.[0]).toBe(true);
    expect(ends[0]?.[1]).toBe(125250n);
    for (const end of ends) expect(end).toEqual(ends[0]);
    expect(compiled(m)).toBeGreaterThan(0);
  });
});

describe('a loop that the code before it runs into', () => {
  // e2 counts down from 4 each time; every second time what e0 comes to is stored.
  const flip = [X.mov, rr(6, 4), X.sub, rr(6, 5), X.mov, rr(5, 6)];
  const store = [X.store, rr(7, 0)];
  const inner = [X.add, rr(0, 2), ...flip, X.jz, ...i(store.length), ...store, X.sub, rr(2, 4), X.jz, ...i(5)];
  const code = loop([...movImm(2, 4), ...inner, X.jmp, ...i(-(inner.length + 5))], 300);

  it('has one way in', async () => {
    const log: string[] = [];
    const m = await start(x86ish, code, { tier1: 60 });
    m.machine.log.setCategories(['op_opt']);
    m.machine.log.setSink((_, text) => log.push(text));
    m.setReg('e7', 0x3000);
    m.run();
    // The block that sets e2 has that one instruction; it had the first of the loop too, and went on in its middle.
    expect(log[0]).toMatch(/: 0xc \(1\) ->/);
    expect(log[0]).not.toContain('->entry');
  });

  it.each([1, 7, 64, 1000])('comes to the same in slices of %i', async (slice) => {
    const [a, b] = [await start(x86ish, code, { tier1: 'off' }), await start(x86ish, code, { tier1: 60 })];
    for (const m of [a, b]) {
      m.setReg('e7', 0x3000);
      m.cpu.exactBudget = true;
    }
    for (let n = 0; n < 20000 && !a.cpu.halted; n++) {
      expect(b.cpu.execute(slice)).toBe(a.cpu.execute(slice));
      expect(registers(b)).toBe(registers(a));
    }
    expect(a.cpu.halted).toBe(true);
    expect(compiled(b)).toBeGreaterThan(0);
  });
});

describe('a branch over what only computes', () => {
  // e5 is 0 and 1 in turn; where it gets 0, e0 and e1 keep what they hold.
  const skipped = [X.mov, rr(0, 3), ...movImm(1, 7), X.mov, rr(1, 0)];
  const flip = [X.mov, rr(6, 4), X.sub, rr(6, 5), X.mov, rr(5, 6)];
  const code = loop([...flip, X.jz, ...i(skipped.length), ...skipped, X.add, rr(2, 1), X.add, rr(7, 0)], 500);

  it.each([1, 7, 64, 1000])('is no branch in a region, and counts as one, in slices of %i', async (slice) => {
    const log: string[] = [];
    const [a, b] = [await start(x86ish, code, { tier1: 'off' }), await start(x86ish, code, { tier1: 10 })];
    b.machine.log.setCategories(['op_opt']);
    b.machine.log.setSink((_, text) => log.push(text));
    for (const m of [a, b]) {
      m.cpu.exactBudget = true;
      m.cpu.execute(1000);
    }
    for (let n = 0; n < 8000 && !a.cpu.halted; n++) {
      expect(b.cpu.execute(slice)).toBe(a.cpu.execute(slice));
      expect(registers(b)).toBe(registers(a));
    }
    expect(a.cpu.halted && b.cpu.halted).toBe(true);
    expect(log.some((text) => text.includes('(4 or 7) '))).toBe(true);
  });

  it('is one where it nearly always goes one way', async () => {
    const log: string[] = [];
    // e5 is never 0.
    const biased = loop([X.mov, rr(6, 5), X.add, rr(6, 5), X.jz, ...i(skipped.length), ...skipped], 500);
    const m = await start(x86ish, biased, { tier1: 20 });
    m.machine.log.setCategories(['op_opt']);
    m.machine.log.setSink((_, text) => log.push(text));
    m.setReg('e5', 1);
    m.run();
    expect(compiled(m)).toBeGreaterThan(0);
    expect(log.some((text) => text.includes(' or '))).toBe(false);
  });

  it('is one where it is over what cannot be undone', async () => {
    const log: string[] = [];
    const storing = [X.store, rr(7, 3)];
    const stores = loop([...flip, X.jz, ...i(storing.length), ...storing, X.add, rr(2, 5)], 500);
    const m = await start(x86ish, stores, { tier1: 10 });
    m.machine.log.setCategories(['op_opt']);
    m.machine.log.setSink((_, text) => log.push(text));
    m.setReg('e7', 0x3000);
    m.run();
    expect([compiled(m) > 0, m.reg('e2')]).toEqual([true, 250n]);
    expect(log.some((text) => text.includes(' or '))).toBe(false);
  });
});

describe('a fault in the middle of a region', () => {
  it('finds registers as they are before its instruction, and what was done before it done', async () => {
    // e5 goes up in steps of 4 to the end of RAM, behind which loads fault.
    const code = loop([X.add, rr(0, 3), X.load, rr(6, 5), X.add, rr(5, 7)], 500);
    const ends: string[] = [];
    for (const tier1 of ['off', 5] as const) {
      const m = await start(x86ish, code, { tier1 });
      m.put(0x1000, [X.hlt]);
      m.setReg('e5', RAM_BYTES - 0x100);
      m.setReg('e7', 4);
      m.run(20_000);
      ends.push(registers(m));
      if (tier1 !== 'off') expect(compiled(m)).toBeGreaterThan(0);
    }
    expect(ends[1]).toBe(ends[0]);
    expect(ends[0]).toContain('savedCode=');
  });
});

/** Loops that load from a pointer that moves on, in steps of 4, until there is nothing there. */
const WALKS: readonly {
  readonly frontend: Frontend;
  readonly code: readonly (readonly number[])[];
  readonly handler: readonly number[];
  readonly vector: number;
  /** The register that points, and where it faults; one that has 4, one that has the trap's code then. */
  readonly pointer: string;
  readonly end: number;
  readonly step: string;
  readonly trap: string;
}[] = [
  {
    frontend: hppaish(),
    // g4 = [g5 + 4], g5 += 4; g6 += g7; and back.
    code: [H.or(1, 6, 0), H.ldwm(4, 5, 4), H.addZ(6, 7), H.branch(0, 0, -4), H.branch(0, 0, -5)],
    handler: H.halt(),
    vector: HPPA_VECTOR,
    pointer: 'g5',
    end: NO_PAGE,
    step: 'g7',
    trap: 'icode',
  },
  {
    frontend: sparcish(),
    // r2 = [r1]; r4 += r2; back, and in the delay slot r1 += r3.
    code: [S.ld(2, 1, { imm: 0 }), S.add(4, 4, 2), S.b('always', -2), S.add(1, 1, 3)],
    handler: S.halt(),
    vector: SPARC_VECTOR,
    pointer: 'r1',
    end: RAM_BYTES,
    step: 'r3',
    trap: 'tcode',
  },
  {
    frontend: sparcish(),
    // The same, where the delay slot loads.
    code: [S.add(1, 1, 3), S.add(4, 4, 2), S.b('always', -2), S.ld(2, 1, { imm: 0 })],
    handler: S.halt(),
    vector: SPARC_VECTOR,
    pointer: 'r1',
    end: RAM_BYTES,
    step: 'r3',
    trap: 'tcode',
  },
  {
    frontend: thumbish(),
    // r2 = [r1]; r5 or r7 = r2 in an IT block; r1 += r3; and back.
    code: [T.cmp(6, 6), T.it('te'), T.mov(5, 2), T.mov(7, 2), T.ldr(2, 1), T.add(1, 3), T.b(-7)],
    handler: T.halt(),
    vector: THUMB_VECTOR,
    pointer: 'r1',
    end: PAGES.missing,
    step: 'r3',
    trap: 'savedCode',
  },
];

describe('a fault in the middle of a region of another frontend', () => {
  it.each(WALKS.map((walk) => [walk.frontend.name, walk] as const))('%s', async (_, walk) => {
    const { frontend, code, handler, vector, pointer, end, step, trap } = walk;
    const ends: string[] = [];
    for (const tier1 of ['off', 5] as const) {
      const m = await start(frontend, code.flat(), { tier1 });
      m.put(vector, handler);
      m.put(end - 0x400, [1, 2, 3, 4, 5, 6, 7, 8]);
      m.setReg(pointer, end - 0x400);
      m.setReg(step, 4);
      m.run(20_000);
      const { pc, insnCount } = frontend.state.common;
      const slots = [pc, insnCount, ...frontend.state.fields.map((f) => f.slot)];
      ends.push(slots.map((slot) => `${slot.name}=${m.cpu.register(slot)}`).join());
      expect([m.cpu.halted, m.reg(trap) > 0n]).toEqual([true, true]);
      expect(m.reg(pointer)).toBeGreaterThan(BigInt(end - 8));
      if (tier1 !== 'off') expect([compiled(m) > 0, leftSlowly(m) > 0]).toEqual([true, true]);
    }
    expect(ends[1]).toBe(ends[0]);
  });
});

describe('the room for regions', () => {
  const loops = 40;
  /** Loops one after the other, twice. */
  const code = Array.from({ length: loops }, () => loop([X.add, rr(0, 3)], 60).slice(0, -1)).flat();

  it('is kept by dropping the oldest', async () => {
    const m = await start(x86ish, [...code, X.hlt], { tier1: { threshold: 5, codeBytes: 8000 } });
    let most = 0;
    for (let n = 0; n < 400 && !m.cpu.halted; n++) {
      m.cpu.execute(50);
      most = Math.max(most, m.cpu.engine.stats.tier1?.bytes ?? 0);
    }
    const { regions, dropped } = m.cpu.engine.stats.tier1 ?? { regions: 0, dropped: 0 };
    expect(m.reg('e0')).toBe(BigInt((loops * 60 * 61) / 2));
    expect([m.cpu.halted, compiled(m) >= loops, dropped > 0, regions > 1]).toEqual([true, true, true, true]);
    // One region more than the room, while it is compiled.
    expect(most).toBeGreaterThan(4000);
    expect(most).toBeLessThan(10_000);
    // Those dropped are compiled again.
    const before = compiled(m);
    m.cpu.pc = 0n;
    m.cpu.halted = false;
    m.run();
    expect(m.reg('e0')).toBe(BigInt(loops * 60 * 61));
    expect(compiled(m)).toBeGreaterThan(before);
  });

  it('changes nothing that the guest sees: neither when code is compiled nor what is dropped', async () => {
    const ways = ['off', 1, 7, 30, { threshold: 3, codeBytes: 3000 }] as const;
    const ends: string[][] = [];
    for (const tier1 of ways) {
      const m = await start(x86ish, [...code, X.hlt], { tier1 });
      m.cpu.exactBudget = true;
      const seen: string[] = [];
      for (let n = 0; n < 2000 && !m.cpu.halted; n++) {
        m.cpu.execute(37);
        seen.push(registers(m));
      }
      ends.push(seen);
    }
    expect(ends[0]?.length).toBeGreaterThan(100);
    for (const seen of ends) expect(seen).toEqual(ends[0]);
  });
});

describe('code that changes', () => {
  it('is not run any more in a region that was made of it', async () => {
    const code = loop([X.add, rr(0, 7)], 300);
    const m = await start(x86ish, code, { tier1: 5 });
    m.setReg('e7', 1);
    m.run();
    expect([m.reg('e0'), compiled(m) > 0]).toEqual([300n, true]);
    // The same loop, but it subtracts.
    m.put(12, [X.sub]);
    expect(m.cpu.engine.stats.tier1?.regions).toBe(0);
    m.cpu.pc = 0n;
    m.cpu.halted = false;
    m.run();
    expect(m.reg('e0')).toBe(0n);
  });

  it('every round is compiled less and less often', async () => {
    // Writes over the immediate of the instruction that follows: e0 is what was written, added up.
    const patched = 12 + 6;
    const body = [X.store, rr(5, 3), X.nop, X.nop, X.nop, X.nop, ...movImm(6, 0), X.add, rr(0, 6)];
    const code = loop(body, 3000);
    const ends: bigint[] = [];
    for (const tier1 of ['off', 2] as const) {
      const m = await start(x86ish, code, { tier1 });
      m.setReg('e5', patched + 2);
      m.run();
      ends.push(m.reg('e0'));
      if (tier1 !== 'off') expect(compiled(m)).toBeLessThan(20);
    }
    expect(ends).toEqual([4_501_500n, 4_501_500n]);
  });
});

describe('pages', () => {
  const at = (imm: number): { imm: number } => ({ imm });
  const call = (rd: number): number[] => [S.jmpl(15, rd, at(0)), S.or(0, 0, 0)].flat();

  it('that a region goes on in are looked for again after a flush', async () => {
    const calls = Array.from({ length: 12 }, () => call(1)).flat();
    const m = await start(
      sparcish(),
      [
        S.sethi(1, 0x1000_0000),
        S.add(1, 1, at(0xff8)),
        S.add(1, 1, at(0xff8)),
        S.add(1, 1, at(8)),
        calls,
        S.sethi(4, PAGE_TABLE),
        S.sethi(16, 0xc000),
        S.or(16, 16, at(3)),
        S.st(16, 4, at(4)),
        S.add(5, 1, at(16)),
        S.flush(5),
        call(1),
        S.halt(),
      ].flat(),
      { tier1: 2 },
    );
    const tail = (n: number): number[] => [S.add(3, 3, at(n)), S.jmpl(0, 15, at(8)), S.or(0, 0, 0)].flat();
    m.put(PAGE_TABLE, [...be32(0x6003), ...be32(0xa003)]);
    m.put(0x7ff8, [S.add(3, 3, at(1)), S.add(3, 3, at(1))].flat());
    m.put(0xa000, tail(16));
    m.put(0xc000, tail(256));
    m.run();
    expect(m.reg('r3')).toBe(BigInt(12 * 18 + 2 + 256));
    expect(compiled(m)).toBeGreaterThan(0);
  });
});

describe('an indirect jump', () => {
  it('whose targets are met one after the other is compiled with all of them in the end', async () => {
    const at = (imm: number): { imm: number } => ({ imm });
    const back = [...S.jmpl(0, 0, at(0x40)), ...S.or(0, 0, 0)];
    const ends: string[] = [];
    let left = 0;
    for (const tier1 of ['off', 100] as const) {
      const m = await start(sparcish(), [], { tier1 });
      m.put(0x40, [S.ld(2, 1, at(0)), S.add(1, 1, at(4)), S.jmpl(0, 2, at(0)), S.or(0, 0, 0)].flat());
      m.cpu.pc = 0x40n;
      const targets = [0, 1, 2, 3, 4, 5, 6].map((n) => 0x100 + n * 0x20);
      for (const [n, to] of targets.entries()) m.put(to, [...S.add(3, 3, at(n * n)), ...back]);
      m.put(0x200, [...S.add(1, 6, at(0)), ...back]);
      // The first two, until they are compiled.
      m.put(0x4000, [...targets.slice(0, 2), 0x200].flatMap(be32));
      m.setReg('r1', 0x4000);
      m.setReg('r6', 0x4000);
      m.cpu.exactBudget = true;
      for (let n = 0; n < 12; n++) {
        if (n === 2) m.put(0x4000, [...targets, 0x200].flatMap(be32));
        expect(m.cpu.execute(100_000)).toBe(100_000);
      }
      ends.push(
        sparcish()
          .state.fields.map((f) => m.cpu.register(f.slot))
          .join(),
      );
      left = m.cpu.engine.stats.tier1?.exits.jump ?? 0;
    }
    expect(ends[1]).toBe(ends[0]);
    expect(left).toBeLessThan(10_000);
  });

  it('to address 0 stays in its region', async () => {
    // 0: r3 += 1; jump to [r1], which is 0x100; 0x100: r4 += 1; jump to 0.
    const at = (imm: number): { imm: number } => ({ imm });
    const m = await start(sparcish(), [], { tier1: 100 });
    m.put(0, [S.ld(2, 1, at(0)), S.add(3, 3, at(1)), S.jmpl(0, 2, at(0)), S.or(0, 0, 0)].flat());
    m.put(0x100, [S.add(4, 4, at(1)), S.jmpl(0, 0, at(0)), S.or(0, 0, 0)].flat());
    m.put(0x4000, be32(0x100));
    m.setReg('r1', 0x4000);
    m.cpu.execute(100_000);
    expect(m.reg('r4')).toBeGreaterThan(10_000n);
    expect(compiled(m)).toBeGreaterThan(0);
    expect(m.cpu.engine.stats.tier1?.exits.jump).toBeLessThan(200);
  });

  it('back from a function that calls itself stays in its region', async () => {
    // f(n): f(n - 1) twice; e3 levels. The stack is e7's.
    const log: string[] = [];
    const m = await start(x86ish, [], { tier1: 20 });
    m.machine.log.setCategories(['op_opt']);
    m.machine.log.setSink((_, text) => log.push(text));
    // 0x100: sub e3, 1; jz out; call f; call f; out: add e3, 1; add e0, 1; ret
    const f = 0x100;
    const calls = [X.call, ...i(f - (f + 7 + 5)), X.call, ...i(f - (f + 12 + 5))];
    m.put(f, [X.sub, rr(3, 2), X.jz, ...i(calls.length), ...calls, X.add, rr(3, 2), X.add, rr(0, 2), X.ret]);
    m.put(0, [X.call, ...i(f - 5), X.hlt]);
    m.setReg('e2', 1);
    m.setReg('e3', 12);
    m.setReg('e4', 0x9000);
    m.run(200_000);
    expect([m.cpu.halted, m.reg('e0')]).toEqual([true, 4095n]);
    expect(compiled(m)).toBeGreaterThan(0);
    expect(m.cpu.engine.stats.tier1?.exits.link).toBeLessThan(200);
  });
});

describe('a pointer that moves through pages', () => {
  // Pushes e3 down through pages, the last of them the code's own, whose stores are looked at; then into what is not there.
  it.each([
    ['to the page of the code', 0x3100, 2900],
    ['to what is not there', 0x100, 200],
  ])('%s', async (_name, top, rounds) => {
    const code = loop([X.push, rr(3), X.push, rr(0), X.pop, rr(6), X.add, rr(0, 3)], rounds, 7);
    const ends: string[] = [];
    for (const tier1 of ['off', 5] as const) {
      const m = await start(x86ish, [], { tier1 });
      m.put(0x8000, code);
      m.put(0x1000, [X.hlt]);
      m.cpu.pc = 0x8000n;
      m.setReg('e4', 0x8000 + top);
      m.run(60_000);
      ends.push(`${registers(m)} ${m.bytes(0x8100, 0x3000).join()}`);
      if (tier1 !== 'off') expect(compiled(m)).toBeGreaterThan(0);
    }
    expect(ends[1]).toBe(ends[0]);
  });
});

describe('misaligned accesses', () => {
  it('lead to a region that makes them itself, within a page', async () => {
    const code = loop([X.load, rr(6, 5), X.add, rr(0, 6)], 5000);
    const m = await start(x86ishPaged, code, { tier1: 10 });
    m.put(0x3001, [1, 0, 0, 0]);
    m.setReg('e5', 0x3001);
    m.run();
    expect(m.reg('e0')).toBe(5000n);
    const stats = m.cpu.engine.stats.tier1;
    expect(stats?.reformed).toBeGreaterThan(0);
    expect(stats?.exits.slow).toBeLessThan(1000);
  });
});
