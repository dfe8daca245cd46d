/** Instruments see what is executed, once, and the guest does not see them. */
import { addInstrument, Coverage, type MemoryAccess, makeCounter } from '@boardwalk/translator/instrument';
import { describe, expect, it } from 'vitest';
import { PORT, start, type TestMachine } from './frontends/harness.ts';
import { i, movImm, rr, X, x86ish } from './frontends/x86ish.ts';

const DATA = 0x4000;

/** e3 counts down from `rounds`; each round stores e0 at [e1], loads e2 from there, adds 1 to e0. */
function loop(rounds: number): number[] {
  const head = [...movImm(3, rounds), ...movImm(4, 1), ...movImm(1, DATA)];
  const body = [X.store, rr(1, 0), X.load, rr(2, 1), X.add, rr(0, 4), X.sub, rr(3, 4), X.jz, ...i(5)];
  return [...head, ...body, X.jmp, ...i(-(body.length + 5)), X.hlt];
}
const STORE = 18n;

function state(m: TestMachine): string {
  return x86ish.state.fields.map((f) => m.cpu.register(f.slot)).join();
}

describe('an instrument', () => {
  it.each([1, 7, 100_000])('counts every instruction once, in slices of %i', async (slice) => {
    const [m, bare] = [await start(x86ish, loop(300)), await start(x86ish, loop(300))];
    const total = makeCounter(m.machine);
    addInstrument(m.machine, { insn: () => ({ count: total }) });
    for (const one of [m, bare]) {
      one.cpu.exactBudget = true;
      while (!one.cpu.halted) one.cpu.execute(slice);
    }
    expect(total.value).toBe(m.cpu.instructionCount);
    expect(state(m)).toBe(state(bare));
    expect(m.cpu.instructionCount).toBe(bare.cpu.instructionCount);
  });

  it('is told of every access, after it was made', async () => {
    const m = await start(x86ish, loop(3));
    const seen: string[] = [];
    const tell = ({ pc, address, size, kind, cpu }: MemoryAccess): void => {
      const bytes = new Uint8Array(4);
      cpu.debug.readMemory(address, bytes);
      seen.push(`${pc}: ${kind} ${size} at ${address} [${bytes[0]}]`);
    };
    addInstrument(m.machine, { memory: tell });
    m.run();
    const round = (n: number) => [`18: store 4 at ${DATA} [${n}]`, `20: load 4 at ${DATA} [${n}]`];
    expect(seen).toEqual([...round(0), ...round(1), ...round(2)]);
  });

  it('is asked for blocks and instructions as they are translated, with their text', async () => {
    const m = await start(x86ish, loop(3));
    const asked: string[] = [];
    const entered: bigint[] = [];
    addInstrument(m.machine, {
      block: ({ pc }) => ({ call: () => entered.push(pc) }),
      insn: ({ pc, bytes, disassemble }) => {
        asked.push(`${pc} ${bytes.length} ${disassemble()}`);
        return undefined;
      },
    });
    m.run();
    expect(asked).toContain(`${STORE} 2 op 5`);
    expect(new Set(asked).size).toBe(10);
    // The loop's own block twice: the first round began in the block before it.
    expect(entered.filter((pc) => pc === STORE)).toHaveLength(2);
  });

  it('goes, and compiled code comes back', async () => {
    const m = await start(x86ish, loop(5000), { tier1: 5 });
    const coverage = new Coverage(m.machine);
    const end = addInstrument(m.machine, coverage);
    m.run(3000);
    expect(m.cpu.engine.stats.tier1?.compiled).toBe(0);
    const before = coverage.list();
    expect(before.find((place) => place.pc === STORE)?.count).toBeGreaterThan(400n);
    end();
    m.run(1_000_000);
    expect(m.cpu.halted).toBe(true);
    expect(m.cpu.engine.stats.tier1?.compiled).toBeGreaterThan(0);
    expect(coverage.list()).toEqual(before);
    expect(m.reg('e0')).toBe(5000n);
  });

  it('sees an instruction once that is executed again for the code that it writes', async () => {
    // Stores a hlt over the instruction behind itself, in its own block.
    const program = [...movImm(1, 14), ...movImm(0, X.hlt), X.store, rr(1, 0), X.int, 0];
    const m = await start(x86ish, program);
    const coverage = new Coverage(m.machine);
    const stores: bigint[] = [];
    addInstrument(m.machine, coverage);
    addInstrument(m.machine, { memory: ({ pc }) => stores.push(pc) });
    m.run();
    expect(m.cpu.halted).toBe(true);
    expect(coverage.list().map(({ pc, count }) => [pc, count])).toEqual([
      [0n, 1n],
      [6n, 1n],
      [12n, 1n],
      [14n, 1n],
    ]);
    expect(stores).toEqual([12n]);
  });

  it('sees accesses of devices, with the vCPU that makes them', async () => {
    const m = await start(x86ish, [...movImm(1, PORT), X.store, rr(1, 0), X.hlt], { cpus: 2 });
    const seen: number[] = [];
    addInstrument(m.machine, { memory: ({ cpu, address }) => seen.push(cpu.index, Number(address)) });
    const [, second] = m.cpus;
    second?.execute(100);
    expect(seen).toEqual([1, PORT]);
    expect(m.writes).toHaveLength(1);
  });

  it('that throws ends what asked for it, and may be taken away', async () => {
    const m = await start(x86ish, loop(3));
    const end = addInstrument(m.machine, {
      insn: ({ pc }) => (pc === STORE ? { call: () => expect.fail('thrown by the instrument') } : undefined),
    });
    expect(() => m.run()).toThrow('thrown by the instrument');
    end();
    m.run();
    expect(m.reg('e0')).toBe(3n);
  });
});
