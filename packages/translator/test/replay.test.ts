/** Going back in time to breakpoints, on a frontend of our own: where the states that are kept lie, every stop is found. */
import { type DebugPoints, InstructionClockSource, Replay, VirtualClock } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { boot, PORT, type TestMachine } from './frontends/harness.ts';
import { i, movImm, rr, X, x86ish } from './frontends/x86ish.ts';

const [ONCE, STORE, JUMP] = [6n, 12n, 18n];

/** A loop for ever, after two instructions: stores e0, loads it into e2, adds 1 to e0. */
const PROGRAM = [
  ...movImm(3, 1),
  ...movImm(1, 0x4000),
  ...[X.store, rr(1, 0), X.load, rr(2, 1), X.add, rr(0, 3)],
  ...[X.jmp, ...i(Number(STORE) - Number(JUMP) - 5)],
];

/** More than this many instructions lie between two states that are kept: rounds of four. */
const ROUNDS = 260_000n;

let m: TestMachine | undefined;
afterEach(() => m?.dispose());

const at = (...breakpoints: bigint[]): DebugPoints => ({ breakpoints: new Set(breakpoints), watchpoints: [] });

async function start() {
  m = await boot(x86ish, PROGRAM, { clock: new VirtualClock(new InstructionClockSource({ sleep: false })) });
  const { machine, reg } = m;
  const { debug } = m.cpu;
  const replay = Replay.of(machine);
  if (replay === undefined) throw new Error('this machine cannot go back');
  /** As a debugger goes on: until a stop, or until `isThere`. */
  const go = async (isThere?: () => boolean): Promise<void> => {
    replay.keep();
    const stopped = new Promise((resolve) => {
      const off = machine.on('stop', () => {
        off();
        resolve(undefined);
      });
    });
    if (machine.state === 'prelaunch') machine.start();
    else machine.resume();
    if (isThere !== undefined) {
      while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 1));
      machine.pause();
    }
    await stopped;
  };
  /** As a debugger leaves a breakpoint: by a step without interrupts, with no breakpoint there. */
  const step = async (): Promise<void> => {
    debug.setPoints(at());
    debug.step = { noIrq: true };
    await go();
    debug.step = undefined;
  };
  const goTo = async (pc: bigint): Promise<void> => {
    debug.setPoints(at(pc));
    await go();
    expect(debug.pc).toBe(pc);
  };
  const jump = (pc: bigint): void =>
    machine.history.act(() => {
      debug.pc = pc;
    });
  const back = (pc: bigint): string => replay.continue(at(pc)).reason;
  return { debug, back, reg, go, jump, step, goTo };
}

describe('a run back to a breakpoint', () => {
  it('finds one where the first state was kept, which a step went on from', async () => {
    const { debug, back, step, goTo } = await start();
    debug.pc = ONCE;
    await step();
    await goTo(JUMP);
    expect(back(ONCE)).toBe('breakpoint');
    expect(debug.pc).toBe(ONCE);
  });

  it('finds one where a later state was kept, and goes on to what is before it', async () => {
    const { debug, back, reg, go, jump, step, goTo } = await start();
    await go(() => reg('e0') > ROUNDS);
    jump(ONCE);
    await step();
    const round = reg('e0');
    await goTo(JUMP);
    expect(back(ONCE)).toBe('breakpoint');
    expect([debug.pc, reg('e0')]).toEqual([ONCE, round]);
    expect(back(ONCE)).toBe('breakpoint');
    expect([debug.pc, reg('e0')]).toEqual([ONCE, 0n]);
    expect(back(ONCE)).toBe('begin');
  });

  it('finds one that was stepped over in the middle', async () => {
    const { debug, back, reg, goTo, step } = await start();
    for (let n = 0; n < 3; n++) {
      await goTo(STORE);
      await step();
    }
    const round = reg('e0');
    for (let n = 0; n < 3; n++) await step();
    expect(debug.pc).toBe(STORE);
    expect(back(STORE)).toBe('breakpoint');
    expect([debug.pc, reg('e0')]).toEqual([STORE, round]);
  });
});

describe('an access of a device', () => {
  it('is the last instruction before interrupts are looked at, wherever its block begins', async () => {
    const [first, others] = [movImm(1, PORT), [X.add, rr(0, 3), X.add, rr(0, 3), X.hlt]];
    const program = [...first, X.jmp, ...i(0), X.store, rr(1, 0), ...others];
    m = await boot(x86ish, program, {
      clock: new VirtualClock(new InstructionClockSource()),
      // A device that raises an interrupt ends the slice here.
      onPortWrite: (machine) => machine.cpus[0]?.requestExit(),
    });
    // Behind the jump it is the first of its block; from the start of memory it is not.
    for (const from of [0n, 6n, 11n]) {
      m.cpu.pc = from;
      m.setReg('e1', PORT);
      m.cpu.execute(100);
      expect(m.cpu.pc).toBe(13n);
    }
  });
});
