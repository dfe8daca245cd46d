/** Breakpoints, watchpoints and single steps, on a frontend that says nothing of debugging itself. */
import type { DebugPoints, DebugStop, Watchpoint } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { boot, type TestMachine } from './frontends/harness.ts';
import { i, movImm, rr, X, x86ish } from './frontends/x86ish.ts';

const DATA = 0x4000;
const [STORE, LOAD, ADD, JUMP] = [12n, 14n, 16n, 18n];

/** A loop for ever: stores e0 at DATA, loads it into e2, adds 1 to e0. */
const PROGRAM = [
  ...movImm(3, 1),
  ...movImm(1, DATA),
  ...[X.store, rr(1, 0), X.load, rr(2, 1), X.add, rr(0, 3)],
  ...[X.jmp, ...i(Number(STORE) - Number(JUMP) - 5)],
];

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

const points = (breakpoints: readonly bigint[], ...watchpoints: Watchpoint[]): DebugPoints => ({
  breakpoints: new Set(breakpoints),
  watchpoints,
});

async function start() {
  m = await boot(x86ish, PROGRAM);
  const { machine, cpu } = m;
  const { debug } = cpu;
  /** Lets the machine run until it stops for the debugger. */
  const run = (): Promise<DebugStop> => {
    const stopped = new Promise<DebugStop>((resolve) => {
      const off = machine.on('debug', ({ stop }) => {
        off();
        resolve(stop);
      });
    });
    if (machine.state === 'prelaunch') machine.start();
    else machine.resume();
    return stopped;
  };
  const step = async (): Promise<DebugStop> => {
    debug.step = {};
    const stop = await run();
    debug.step = undefined;
    return stop;
  };
  return { test: m, machine, cpu, debug, run, step };
}

describe('a breakpoint', () => {
  it('stops before its instruction, each time, in code that is linked', async () => {
    const { test, debug, run, step } = await start();
    debug.setPoints(points([ADD]));
    for (let round = 0; round < 3; round++) {
      expect(await run()).toEqual({ reason: 'breakpoint' });
      expect([debug.pc, test.reg('e0'), test.reg('e2')]).toEqual([ADD, BigInt(round), BigInt(round)]);
      expect(await step()).toEqual({ reason: 'step' });
      expect(debug.pc).toBe(JUMP);
    }
  });

  it('that is set while hot code runs stops it, and is gone when it is taken away', async () => {
    const { test, machine, debug, run } = await start();
    machine.start();
    while (test.reg('e0') < 10_000n) await new Promise((resolve) => setTimeout(resolve, 1));
    debug.setPoints(points([LOAD]));
    const stopped = new Promise((resolve) => machine.on('stop', resolve));
    await stopped;
    expect(debug.pc).toBe(LOAD);
    const before = test.reg('e0');
    debug.setPoints(points([JUMP]));
    await run();
    expect([debug.pc, test.reg('e0')]).toEqual([JUMP, before + 1n]);
  });

  it('survives that its code is written over', async () => {
    const { test, debug, run } = await start();
    debug.setPoints(points([ADD]));
    await run();
    expect(debug.writeMemory(LOAD, Uint8Array.from([X.load, rr(0, 1)]))).toBe(true);
    debug.pc = STORE;
    test.setReg('e0', 5n);
    await run();
    expect([debug.pc, test.reg('e0'), test.reg('e2')]).toEqual([ADD, 5n, 0n]);
  });
});

describe('a watchpoint', () => {
  it('stops after the instruction that writes, reads or does either', async () => {
    const { test, debug, run } = await start();
    test.setReg('e1', DATA);
    const watch = (kind: Watchpoint['kind'], address: number, length: number): Watchpoint => ({
      kind,
      address: BigInt(address),
      length: BigInt(length),
    });
    const cases = [
      [watch('write', DATA, 4), [LOAD, LOAD]],
      [watch('read', DATA + 3, 1), [ADD, ADD]],
      [watch('access', DATA - 8, 9), [LOAD, ADD]],
    ] as const;
    for (const [watchpoint, pcs] of cases) {
      debug.pc = STORE;
      debug.setPoints(points([], watchpoint));
      for (const pc of pcs) {
        expect(await run()).toEqual({ reason: 'watchpoint', watchpoint });
        expect(debug.pc).toBe(pc);
      }
    }
  });

  it('lets other accesses of its page pass, and changes no result', async () => {
    const { test, debug, run } = await start();
    debug.setPoints(points([JUMP], { kind: 'access', address: BigInt(DATA + 4), length: 4n }));
    test.setReg('e0', 41n);
    expect(await run()).toEqual({ reason: 'breakpoint' });
    expect([debug.pc, test.reg('e0'), test.reg('e2')]).toEqual([JUMP, 42n, 41n]);
    expect(test.bytes(DATA, 4)).toEqual([41, 0, 0, 0]);
  });

  it('is worth more than the step that hits it', async () => {
    const { test, debug, step } = await start();
    test.setReg('e1', DATA);
    debug.pc = STORE;
    const watchpoint: Watchpoint = { kind: 'write', address: BigInt(DATA), length: 1n };
    debug.setPoints(points([], watchpoint));
    expect(await step()).toEqual({ reason: 'watchpoint', watchpoint });
    expect(debug.pc).toBe(LOAD);
  });
});

describe('a single step', () => {
  it('executes one instruction at a time', async () => {
    const { cpu, debug, step } = await start();
    const seen: bigint[] = [];
    for (let n = 0; n < 8; n++) {
      await step();
      seen.push(debug.pc);
    }
    expect(seen).toEqual([6n, STORE, LOAD, ADD, JUMP, STORE, LOAD, ADD]);
    expect(cpu.instructionCount).toBe(8n);
  });
});

describe('registers and memory', () => {
  it('are there by name and number, for a frontend that describes none', async () => {
    const { debug } = await start();
    const registers = debug.description.features[0]?.registers ?? [];
    const e2 = registers.findIndex(({ name }) => name === 'e2');
    expect(registers[0]?.name).toBe('pc');
    expect(debug.writeRegister(e2, 0x1_2345_6789n)).toBe(true);
    expect(debug.readRegister(e2)).toBe(0x2345_6789n);
    expect([debug.readRegister(9999), debug.writeRegister(9999, 0n)]).toEqual([undefined, false]);
    const into = new Uint8Array(2);
    expect([debug.readMemory(STORE, into), ...into]).toEqual([true, X.store, rr(1, 0)]);
    expect(debug.readMemory(0x700_0000n, into)).toBe(false);
  });
});
