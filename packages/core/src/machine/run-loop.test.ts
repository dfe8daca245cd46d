import { afterEach, describe, expect, it } from 'vitest';
import { InstructionClockSource, ManualClock, VirtualClock } from '../time/index.ts';
import { type FakeCpu, machineOf } from './fixtures.ts';
import { EventLoopScheduler } from './host-scheduler.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';

const machines: Machine[] = [];
const make: typeof machineOf = async (...args) => {
  const made = await machineOf(...args);
  machines.push(made.machine);
  return made;
};
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.dispose()));
});

const spin = (): void => {};
const halt = (cpu: FakeCpu): void => {
  cpu.halted = true;
};
const ms = (n: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, n));

describe('a run', () => {
  it('ends with the status that the guest says', async () => {
    const { machine, cpus } = await make([
      (cpu) => {
        if (cpu.executed === 1000) machine.shutdown('guest', 3);
      },
    ]);
    const events: unknown[] = [];
    machine.on('shutdown', (event) => events.push(event));
    expect(machine.state).toBe('prelaunch');
    expect(await machine.run()).toEqual({ cause: 'guest', reason: 'shutdown', status: 3 });
    expect(machine.state).toBe('shutdown');
    expect(events).toHaveLength(1);
    expect(cpus[0]?.executed).toBe(1000);
    expect(() => machine.resume()).toThrow('Resetting the Virtual Machine is required');
  });

  it('rejects with what a device throws, and stops', async () => {
    const bug = new Error('a bug in a device');
    const { machine } = await make([
      (cpu) => {
        if (cpu.executed === 10) throw bug;
      },
    ]);
    const seen: unknown[] = [];
    machine.on('error', ({ error }) => seen.push(error));
    await expect(machine.run()).rejects.toBe(bug);
    expect(machine.state).toBe('internal-error');
    expect(seen).toEqual([bug]);
  });

  it('rejects with what a timer throws', async () => {
    const { machine } = await make([halt]);
    machine.clock
      .timer(() => {
        throw new Error('a bug in a timer');
      })
      .arm(1_000_000);
    await expect(machine.run()).rejects.toThrow('a bug in a timer');
  });

  it('takes turns between CPUs, in slices of about a millisecond', async () => {
    const { machine, cpus } = await make([spin, spin, halt]);
    void machine.run();
    while ((cpus[0]?.slices.length ?? 0) < 10) await ms(5);
    machine.pause();
    const [a, b, c] = cpus;
    expect(Math.abs((a?.slices.length ?? 0) - (b?.slices.length ?? 0))).toBeLessThanOrEqual(1);
    expect(c?.slices).toHaveLength(1);
    expect(machine.instructionsPerSecond).toBeGreaterThan(0);
  });

  it("lets the host's timers and I/O through", async () => {
    const { machine, cpus } = await make([spin, spin]);
    void machine.run();
    const turns = 20;
    for (let i = 0; i < turns; i++) await ms(1);
    machine.pause();
    // About four slices of a millisecond come between two looks at the event loop.
    expect(cpus[0]?.slices.length).toBeLessThan(turns * 10);
  });

  it('begins after its caller has had its turn', async () => {
    const { machine, cpus } = await make([halt]);
    void machine.run();
    expect([machine.state, cpus[0]?.executed]).toEqual(['running', 0]);
    await ms(1);
    expect(cpus[0]?.executed).toBe(1);
  });
});

describe('timers', () => {
  it('end the slice that they fall into', async () => {
    const fired: number[] = [];
    const { machine } = await make([
      (cpu) => {
        if (cpu.executed === 1) timer.arm(machine.clock.now() + 50);
        if (cpu.executed === 100_000_000) throw new Error('the timer did not interrupt the slice');
      },
    ]);
    const timer = machine.clock.timer(() => {
      fired.push(machine.cpus[0] === undefined ? 0 : (machine.cpus[0] as FakeCpu).executed);
      machine.shutdown('host');
    });
    await machine.run();
    expect(fired[0]).toBe(1);
  });

  it('fall at the same instruction in every run of an instruction clock', async () => {
    const runs = await Promise.all([run(), run()]);
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).toEqual([700, 3_700_000, 3_700_700]);

    async function run(): Promise<number[]> {
      const clock = new VirtualClock(new InstructionClockSource());
      const seen: number[] = [];
      const { machine, cpus } = await make([spin], { clock });
      const deadlines = [700, 3_700_000, 3_700_700];
      const timer = clock.timer(() => {
        seen.push(cpus[0]?.executed ?? 0);
        const next = deadlines[seen.length];
        if (next === undefined) machine.shutdown();
        else timer.arm(next);
      });
      timer.arm(deadlines[0] ?? 0);
      await machine.run();
      return seen;
    }
  });

  it('are read exactly within a slice of an instruction clock', async () => {
    const clock = new VirtualClock(new InstructionClockSource({ nsPerInstruction: 10 }));
    let read = 0;
    const { machine } = await make(
      [
        (cpu) => {
          if (cpu.executed !== 123) return;
          read = clock.now();
          machine.shutdown('guest');
        },
      ],
      { clock },
    );
    await machine.run();
    expect(read).toBe(1230);
    expect(clock.now()).toBe(1230);
  });

  it('jump over idle time when an instruction clock does not wait', async () => {
    const clock = new VirtualClock(new InstructionClockSource({ sleep: false }));
    const { machine } = await make([halt], { clock });
    clock.timer(() => machine.shutdown('host')).arm(3600e9);
    const started = performance.now();
    await machine.run();
    expect(clock.now()).toBe(3600e9);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('an idle machine', () => {
  /** Counts what the loop does while nothing happens. */
  class CountingScheduler extends EventLoopScheduler {
    sleeps = 0;
    yields = 0;
    override sleep(sleepMs: number): Promise<void> {
      this.sleeps++;
      return super.sleep(sleepMs);
    }
    override yield(): Promise<void> {
      this.yields++;
      return super.yield();
    }
  }

  it('sleeps until a timer wakes it', async () => {
    const { machine, cpus } = await make([halt, halt]);
    const at: number[] = [];
    machine.clock
      .timer(() => {
        at.push(machine.clock.now());
        machine.shutdown('host');
      })
      .arm(30_000_000);
    await machine.run();
    expect(at[0]).toBeGreaterThanOrEqual(30_000_000);
    expect(at[0]).toBeLessThan(200_000_000);
    expect(cpus.map(({ slices }) => slices.length)).toEqual([1, 1]);
  });

  it('does nothing at all meanwhile', async () => {
    const scheduler = new CountingScheduler();
    const { machine: template } = await make([]);
    const machine = await Machine.create(template.board, { space: template.space, ramSize: 4096 }, scheduler);
    machines.push(machine);
    void machine.run();
    await ms(50);
    expect([scheduler.sleeps, scheduler.yields]).toEqual([1, 1]); // one turn before it starts
  });

  it('wakes for an interrupt from outside, at once', async () => {
    const { machine, cpus } = await make([
      (cpu) => {
        if (cpu.executed === 2) machine.shutdown('guest', 1);
        else cpu.halted = true;
      },
    ]);
    const end = machine.run();
    await ms(10);
    expect(cpus[0]?.executed).toBe(1);
    cpus[0]?.irq.set(true);
    expect((await end).status).toBe(1);
  });

  it('wakes for a timer that is armed from outside', async () => {
    const { machine } = await make([halt]);
    const end = machine.run();
    await ms(10);
    machine.clock.timer(() => machine.shutdown('host', 4)).arm(machine.clock.now());
    expect((await end).status).toBe(4);
  });

  it('is not woken by an interrupt that its CPUs do not take', async () => {
    const { machine, cpus } = await make([halt]);
    const cpu = cpus[0];
    if (cpu !== undefined) cpu.hasWork = () => true; // polled, and stays halted
    void machine.run();
    await ms(10);
    const before = cpu?.slices.length ?? 0;
    machine.wake();
    await ms(30);
    expect((cpu?.slices.length ?? 0) - before).toBe(1);
  });

  it("goes on with another CPU's interrupt within one round", async () => {
    const { machine, cpus } = await make([
      (cpu) => {
        if (cpu.executed === 5) cpus[1]?.irq.set(true);
      },
      (cpu) => {
        if (cpu.executed === 1) cpu.halted = true;
        else machine.shutdown('guest');
      },
    ]);
    await machine.run();
    expect(cpus[1]?.executed).toBe(2);
  });
});

describe('a reset', () => {
  it('by the guest happens between slices, and then its event', async () => {
    const order: string[] = [];
    const { machine, cpus } = await make([
      (cpu) => {
        if (cpu.executed === 100) {
          machine.reset('guest');
          order.push(`still in the slice, resets: ${resets}`);
        }
        if (cpu.executed > 100) machine.shutdown('guest');
      },
    ]);
    let resets = 0;
    machine.onReset(() => {
      resets++;
      order.push(`reset after ${cpus[0]?.executed}`);
    });
    machine.on('reset', ({ cause }) => order.push(`event ${cause}`));
    await machine.run();
    expect(order).toEqual(['still in the slice, resets: 0', 'reset after 100', 'event guest']);
  });

  it('by the host is done at once, running or paused', async () => {
    const { machine, cpus } = await make([halt]);
    void machine.run();
    await ms(5);
    machine.reset();
    await ms(5);
    expect(cpus[0]?.executed).toBe(2);
    machine.pause();
    let resets = 0;
    machine.onReset(() => resets++);
    machine.reset('host');
    expect(resets).toBe(1);
    expect(machine.state).toBe('prelaunch');
  });

  it("by the guest ends the run with noReboot; the host's does not", async () => {
    const { machine } = await make([(cpu) => void (cpu.executed === 5 && machine.reset('guest'))], { noReboot: true });
    machine.reset('host');
    expect(await machine.run()).toEqual({ cause: 'guest', reason: 'reset', status: 0 });
  });

  it('from a timer that a manual clock runs is done after it', async () => {
    const { machine } = await make([spin], { accel: 'qtest' });
    const clock = machine.clock;
    let resets = 0;
    machine.onReset(() => resets++);
    const watchdog = clock.timer(() => {
      machine.reset('guest');
      expect(resets).toBe(0);
    });
    watchdog.arm(500);
    expect(clock).toBeInstanceOf(ManualClock);
    if (clock instanceof ManualClock) clock.advance(1000);
    expect(resets).toBe(1);
  });
});

describe('pause and resume', () => {
  it('stop guest and time, and go on', async () => {
    const { machine, cpus } = await make([spin]);
    const events: string[] = [];
    machine.on('stop', () => events.push('stop'));
    machine.on('resume', () => events.push('resume'));
    void machine.run();
    await ms(20);
    machine.pause();
    const [time, executed] = [machine.clock.now(), cpus[0]?.executed ?? 0];
    await ms(20);
    expect([machine.clock.now(), cpus[0]?.executed]).toEqual([time, executed]);
    expect(executed).toBeGreaterThan(0);
    machine.resume();
    await ms(20);
    expect(machine.clock.now()).toBeGreaterThan(time);
    expect(cpus[0]?.executed).toBeGreaterThan(executed);
    expect(events).toEqual(['resume', 'stop', 'resume']);
  });

  it('follow each other without a turn of the event loop', async () => {
    const { machine } = await make([spin]);
    void machine.run();
    await ms(5);
    for (let i = 0; i < 10; i++) {
      machine.pause();
      machine.resume();
    }
    machine.pause();
    await ms(5);
    machine.resume();
    machine.clock.timer(() => machine.shutdown('host', 9)).arm(machine.clock.now() + 1e6);
    expect((await machine.run()).status).toBe(9);
  });

  it('asked for by the guest waits for the end of the slice', async () => {
    const { machine, cpus } = await make([(cpu) => void (cpu.executed === 7 && machine.pause())]);
    void machine.run();
    await ms(10);
    expect(machine.state).toBe('paused');
    expect(cpus[0]?.executed).toBe(7);
  });

  it('can be the beginning', async () => {
    const { machine, cpus } = await make([spin], { paused: true });
    void machine.run();
    await ms(10);
    expect([machine.state, cpus[0]?.executed]).toEqual(['prelaunch', 0]);
    machine.resume();
    await ms(10);
    expect(cpus[0]?.executed).toBeGreaterThan(0);
  });
});

describe('modes', () => {
  const shutDownAt5 = (options: MachineOptions) =>
    make([(cpu) => void (cpu.executed === 5 && cpu.machine.shutdown('guest', 1))], options);

  const crash = { type: 's390', core: 0, pswMask: 0n, pswAddress: 0n, reason: 'disabled-wait' } as const;

  it.each([
    [{}, { cause: 'guest', reason: 'panic', status: 0 }, 'poweroff'],
    [{ panicAction: 'exit-failure' }, { cause: 'guest', reason: 'panic', status: 1 }, 'poweroff'],
    [{ panicAction: 'pause' }, 'guest-panicked', 'pause'],
    [{ noShutdown: true }, 'guest-panicked', 'pause'],
    [{ panicAction: 'none' }, 'running', 'run'],
  ] as const)('a guest that cannot go on, with %j: %j', async (options, end, outcome) => {
    const { machine } = await make([(cpu) => void (cpu.executed === 5 && cpu.machine.panic(crash))], options);
    const outcomes: string[] = [];
    machine.on('panic', (event) => outcomes.push(event.outcome));
    const run = machine.run();
    if (typeof end === 'object') expect(await run).toEqual(end);
    else await ms(10);
    expect(outcomes).toEqual([outcome]);
    if (typeof end === 'string') expect(machine.state).toBe(end);
    machine.shutdown('host');
  });

  it.each([
    [{}, ['reset'], 'running'],
    [{ watchdogAction: 'shutdown' }, ['powerdown'], 'running'],
    [{ watchdogAction: 'poweroff' }, ['shutdown'], 'shutdown'],
    [{ watchdogAction: 'pause' }, ['stop'], 'watchdog'],
    [{ watchdogAction: 'inject-nmi' }, ['nmi'], 'running'],
    [{ watchdogAction: 'debug' }, [], 'running'],
    [{ watchdogAction: 'none' }, [], 'running'],
  ] as const)('a forgotten watchdog, with %j: %j, %s', async (options, happened, state) => {
    const { machine } = await make([(cpu) => void (cpu.executed === 5 && cpu.machine.watchdogExpired())], options);
    const told: string[] = [];
    machine.onNmi(() => told.push('nmi'));
    for (const event of ['reset', 'powerdown', 'shutdown', 'stop'] as const) machine.on(event, () => told.push(event));
    machine.on('watchdog', ({ action }) => expect(action).toBe(machine.actions.watchdog));
    void machine.run();
    await ms(10);
    expect({ told, state: machine.state }).toEqual({ told: happened, state });
    machine.shutdown('host');
  });

  it('noShutdown keeps the machine, which a reset makes usable again', async () => {
    const { machine, cpus } = await shutDownAt5({ noShutdown: true });
    void machine.run();
    await ms(10);
    expect(machine.state).toBe('shutdown');
    machine.reset();
    expect(machine.state).toBe('prelaunch');
    machine.resume();
    await ms(10);
    expect(cpus[0]?.executed).toBeGreaterThan(5);
    machine.shutdown('host');
    expect((await machine.run()).cause).toBe('host');
  });

  it('counted in instructions, a wait too short to sleep for passes at once', async () => {
    const clock = new VirtualClock(new InstructionClockSource({ nsPerInstruction: 2 }));
    const halt = (cpu: FakeCpu): void => {
      cpu.halted = true;
    };
    const { machine } = await make([halt], { clock });
    const fired = new Promise<number>((resolve) => {
      clock.timer(() => resolve(clock.now())).arm(50_001);
    });
    void machine.run();
    expect(await fired).toBe(50_001);
    machine.shutdown('host');
  });

  it('qtest executes no CPU; time moves by steps alone', async () => {
    const { machine, cpus } = await make([spin], { accel: 'qtest' });
    void machine.run();
    await ms(10);
    expect([machine.clock.now(), cpus[0]?.executed]).toEqual([0, 0]);
    machine.shutdown('host', 0);
    expect((await machine.run()).cause).toBe('host');
  });

  it('the power button asks who listens', async () => {
    const { machine } = await make([spin]);
    const heard: string[] = [];
    machine.onPowerdown(() => heard.push('device'));
    machine.on('powerdown', () => heard.push('event'));
    machine.powerdown();
    expect(heard).toEqual(['device', 'event']);
  });
});
