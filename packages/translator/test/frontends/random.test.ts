/**
 * Random x86ish programs, which patch themselves and fault, come to the same end in blocks, one instruction at a time, and
 * in regions of tier 1 that are formed at once.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boot, PORT, type TestMachine } from './harness.ts';
import { i, X, x86ish, x86ishPaged } from './x86ish.ts';

const register = fc.nat(7);
const small = fc.oneof(
  fc.integer({ min: -24, max: 24 }),
  fc.constantFrom(0x1ffffe, PORT, PORT + 0x80, 0xffe, 0x10, 0x40),
);
const two = (op: number) => fc.tuple(register, register).map(([d, s]) => [op, (d << 4) | s]);
const wide = (op: number, n: fc.Arbitrary<number>) => fc.tuple(register, n).map(([d, k]) => [op, d << 4, ...i(k)]);
const instruction = fc.oneof(
  { weight: 4, arbitrary: wide(X.movImm, small) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(X.mov, X.add, X.sub, X.load, X.store, X.cmpxchg, X.mulHigh, X.divU, X.push, X.pop)
      .chain(two),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        X.movdquLoad,
        X.movdquStore,
        X.movdqaLoad,
        X.movdqaStore,
        X.movbeLoad,
        X.movbeStore,
        X.cmpxchg16b,
        X.xchg16b,
      )
      .chain(two),
  },
  { weight: 2, arbitrary: wide(X.storeImm8, fc.nat(255)) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(X.jmp, X.jz, X.jc, X.call, X.fpush)
      .chain((op) => fc.integer({ min: -40, max: 40 }).map((n) => [op, ...i(n)])),
  },
  { weight: 1, arbitrary: fc.constantFrom(X.repMovsb, X.movsd, X.int, X.iret, X.ret, X.sti, X.nop).map((op) => [op]) },
  { weight: 1, arbitrary: register.map((d) => [X.fpop, d << 4]) },
);
const program = fc.array(instruction, { minLength: 4, maxLength: 60, size: 'max' }).map((list) => list.flat());

function end(m: TestMachine): string {
  const registers = x86ish.state.fields.map((f) => `${f.slot.name}=${m.cpu.register(f.slot).toString(16)}`);
  const { pc, mode, insnCount } = x86ish.state.common;
  const common = [pc, mode, insnCount].map((s) => `${s.name}=${m.cpu.register(s).toString(16)}`);
  return [...common, `halted=${m.cpu.halted}`, ...registers, m.writes.join(), m.bytes(0, 0x2000).join('')].join(' ');
}

it('runs random programs alike in blocks, in single steps and in regions', async () => {
  const tier0 = { tier1: 'off' } as const;
  const machines = [
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], tier0),
    await boot(x86ish, [], { tier1: 1 }),
    await boot(x86ishPaged, [], { tier1: 2 }),
  ] as const;
  const property = fc.property(program, fc.integer({ min: 1, max: 150 }), (code, first) => {
    const ends = machines.map((m, n) => {
      m.machine.addressSpace.writeBytes(0, new Uint8Array(0x2000));
      // What changed before does not hold tier 1 back.
      m.cpu.engine.cache.flush();
      m.cpu.resetHold();
      m.cpu.setRegister(x86ish.state.common.pc, 0n);
      m.cpu.setRegister(x86ish.state.common.mode, 0n);
      m.writes.length = 0;
      m.put(0, code);
      m.put(0x1000, [X.iret]);
      m.setReg('e4', 0x1800);
      m.cpu.exactBudget = true;
      // In two slices, one by one, in slices of five; in regions whole and in two slices.
      const fixed = [first, 1, 5, 300, first][n] ?? 300;
      const slices =
        n === 0 || n > 2 ? [fixed, 300 - fixed].filter((s) => s > 0) : new Array<number>(300 / fixed).fill(fixed);
      let left = 300;
      for (const slice of slices) left -= m.cpu.halted ? 0 : m.cpu.execute(Math.min(slice, left));
      for (let tries = 0; left > 0 && !m.cpu.halted && tries < 2000; tries++)
        left -= m.cpu.execute(Math.min(slices[1] ?? 1, left));
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
