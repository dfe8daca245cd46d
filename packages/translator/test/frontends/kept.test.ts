/** Code that one machine leaves for the next that starts alike. */
import type { CodeStore } from '@boardwalk/core';
import { CodeInMemory } from '@boardwalk/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BootOptions, boot, start } from './harness.ts';
import { i, jmp, movImm, rr, X, x86ish, x86ishPaged } from './x86ish.ts';
import { end, execute, load, program } from './x86ish-programs.ts';

/** Runs a program to its end on a machine of its own; what it did, and what the translator did. */
async function once(code: readonly number[], o: BootOptions) {
  const m = await boot(x86ish, [], o);
  load(m, code, 0);
  execute(m, 5000, [5000, 1]);
  const { stats } = m.cpu.engine;
  const result = { end: end(m), stats };
  await m.dispose();
  return result;
}

/** A loop that ends in a halt: e1 is the sum of 1 to 200. */
const SUM = [
  ...movImm(0, 200),
  ...movImm(2, 1),
  X.add,
  rr(1, 0),
  X.sub,
  rr(0, 2),
  X.jz,
  ...i(5),
  ...jmp(21, 12),
  X.hlt,
];

describe('a machine that starts as one before did', () => {
  it('translates and compiles nothing that is kept', async () => {
    const codeStore = new CodeInMemory();
    const first = await once(SUM, { codeStore, tier1: 10 });
    expect(first.stats.tier1?.compiled).toBeGreaterThan(0);
    expect(first.stats).toMatchObject({ kept: 0, tier1: { kept: 0 } });
    const second = await once(SUM, { codeStore, tier1: 10 });
    expect(second.end).toBe(first.end);
    expect(second.stats.translated).toBe(0);
    expect(second.stats.kept).toBeGreaterThan(0);
    expect(second.stats.tier1).toMatchObject({ compiled: 0, kept: first.stats.tier1?.regions });
    // Once code and modules of helpers, then there was no news.
    expect(codeStore.saves).toBe(2);
  });

  it('links no module of helpers that one before has linked, whatever program runs', async () => {
    const codeStore = new CodeInMemory();
    expect((await once(SUM, { codeStore })).stats.linked).toBeGreaterThan(0);
    expect((await once([X.hlt], { codeStore })).stats.linked).toBe(0);
    const other = await start({ ...x86ish, helpers: { variant: 'another', ts: [] } }, [], { codeStore });
    expect(other.cpu.engine.stats.linked).toBeGreaterThan(0);
  });

  it('keeps nothing of a frontend that does not say what its helpers are', async () => {
    const codeStore = new CodeInMemory();
    const { helpers: _, ...silent } = x86ish;
    const m = await boot(silent, [], { codeStore, tier1: 10 });
    load(m, SUM, 0);
    execute(m, 5000, [5000, 1]);
    await m.dispose();
    expect(codeStore.saves).toBe(0);
  });

  it('translates what is another program', async () => {
    const codeStore = new CodeInMemory();
    await once(SUM, { codeStore, tier1: 10 });
    const other = SUM.map((byte, n) => (n === 2 ? byte + 1 : byte));
    expect(other).not.toEqual(SUM);
    const alone = await once(other, { tier1: 10 });
    const after = await once(other, { codeStore, tier1: 10 });
    expect(after.end).toBe(alone.end);
    expect(after.stats.translated).toBeGreaterThan(0);
    for (const code of [SUM, other]) expect((await once(code, { codeStore, tier1: 10 })).stats.translated).toBe(0);
  });

  it('does not take what is no image', async () => {
    for (const code of [null, 'code', {}, { blocks: new Int32Array(3) }, { regions: [] }]) {
      const codeStore = { load: () => code, save: () => {} };
      expect((await once(SUM, { codeStore, tier1: 10 })).stats).toMatchObject({ kept: 0 });
    }
    for (const modules of [
      undefined,
      [],
      new Map([['engine', 1]]),
      new Map([['engine', { bytes: new Uint8Array(8) }]]),
    ]) {
      const codeStore = { load: (shape: string) => ({ shape, modules }), save: () => {} };
      expect((await once(SUM, { codeStore })).stats.linked).toBeGreaterThan(0);
    }
  });

  it('takes no blocks whose functions are not there any more', async () => {
    const codes = new Map<string, unknown>();
    const CALLS = [X.add, rr(0, 0), X.jc, ...i(0), X.hlt];
    const codeStore: CodeStore = {
      load: (shape, of) => (of === 'guest' ? codes.get(shape) : undefined),
      save: (shape, code) => codes.set(shape, structuredClone(code)),
    };
    const first = await once(CALLS, { codeStore });
    const second = await once(CALLS, { codeStore });
    expect(second.end).toBe(first.end);
    expect(second.stats.kept).toBe(0);
  });

  it('takes nothing of a machine with other memory', async () => {
    const codeStore = new CodeInMemory();
    await once(SUM, { codeStore, tier1: 10 });
    const m = await start(x86ish, [], { codeStore, ramBytes: 2 ** 23 });
    load(m, SUM, 0);
    execute(m, 5000, [5000, 1]);
    expect(m.cpu.engine.stats.kept).toBe(0);
  });

  it('stops at breakpoints that the one before did not have', async () => {
    const codeStore = new CodeInMemory();
    await once(SUM, { codeStore, tier1: 10 });
    const m = await start(x86ish, [], { codeStore, tier1: 10 });
    load(m, SUM, 0);
    m.cpu.debug?.setPoints({ breakpoints: new Set([14n]), watchpoints: [] });
    execute(m, 5000, [5000, 1]);
    expect(m.cpu.pc).toBe(14n);
  });
});

it('comes to the same end of random programs with what earlier machines left', { timeout: 120_000 }, async () => {
  const settings = [
    { frontend: x86ish, tier1: 'off' },
    { frontend: x86ish, tier1: 1 },
    { frontend: x86ish, tier1: 1, slides: true },
    { frontend: x86ishPaged, tier1: 2 },
  ] as const;
  const stores = settings.map(() => new CodeInMemory());
  let [kept, regions] = [0, 0];
  const property = fc.asyncProperty(fc.array(program, { minLength: 1, maxLength: 3 }), async (codes) => {
    const alone = await boot(x86ish, [], { tier1: 'off' });
    const ends = codes.map((code) => {
      alone.cpu.engine.cache.flush();
      load(alone, code, 0);
      execute(alone, 300, [300, 1]);
      return end(alone);
    });
    await alone.dispose();
    for (const [n, { frontend, tier1, ...how }] of settings.entries()) {
      for (let generation = 0; generation < 3; generation++) {
        const m = await boot(frontend, [], { tier1, codeStore: stores[n] });
        m.cpu.engine.slidesAlways = 'slides' in how;
        for (const [c, code] of codes.entries()) {
          load(m, code, 0);
          execute(m, 300, [300, 1]);
          expect(end(m)).toBe(ends[c]);
        }
        const { stats } = m.cpu.engine;
        kept += stats.kept;
        regions += stats.tier1?.kept ?? 0;
        await m.dispose();
      }
    }
  });
  await fc.assert(property, { numRuns: Number(process.env.BOARDWALK_LONG_RUNS ?? 25) });
  expect(kept).toBeGreaterThan(200);
  expect(regions).toBeGreaterThan(50);
});
