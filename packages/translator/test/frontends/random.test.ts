/**
 * Random x86ish programs, which patch themselves and fault, come to the same end in blocks, one instruction at a time, and
 * in regions of tier 1 that are formed at once.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boot } from './harness.ts';
import { x86ish, x86ishPaged } from './x86ish.ts';
import { end, execute, load, program } from './x86ish-programs.ts';

it('runs random programs alike in blocks, in single steps and in regions', async () => {
  const tier0 = { tier1: 'off' } as const;
  const machines = [
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], { tier1: 1 }),
    await boot(x86ishPaged, [], { tier1: 2 }),
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], { tier1: 1 }),
  ] as const;
  for (const m of machines.slice(5)) m.cpu.engine.slidesAlways = true;
  const property = fc.property(program, fc.integer({ min: 1, max: 150 }), (code, first) => {
    const ends = machines.map((m, n) => {
      // What changed before does not hold tier 1 back.
      m.cpu.engine.cache.flush();
      load(m, code, 0);
      // In two slices, one by one, in slices of five; in regions whole and in two slices; in blocks that slide.
      const fixed = [first, 1, 5, 300, first, 6, first][n] ?? 300;
      const slices =
        n === 0 || (n > 2 && n !== 5)
          ? [fixed, 300 - fixed].filter((s) => s > 0)
          : new Array<number>(300 / fixed).fill(fixed);
      execute(m, 300, slices);
      return end(m);
    });
    for (const other of ends.slice(1)) expect(other).toBe(ends[0]);
  });
  fc.assert(property, {
    numRuns: Number(process.env.BOARDWALK_LONG_RUNS ?? 300),
    // A move over its own code, from its third byte on.
    examples: [
      [[10, 0, 15, 0, 0, 0, 10, 64, 2, 0, 0, 0, 20, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 2, 0, 6, 0, 0, 0, 0], 1],
    ],
  });
  expect(machines[3].cpu.engine.tier1?.stats.compiled).toBeGreaterThan(100);
  for (const m of machines) await m.dispose();
});
