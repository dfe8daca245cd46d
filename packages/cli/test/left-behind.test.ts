// What machines on plain memory leave in a process, measured in one of its own: that they have been, that they are idle, that compiled
// code ran in them.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Runs code in a process of its own, that can collect garbage; gives the numbers that it prints. */
function measure(code: string): Record<string, number> {
  const program = `
    import { Machine } from '@boardwalk/core';
    import { virt } from '@boardwalk/riscv';
    const MiB = 2 ** 20;
    const heap = () => { for (let i = 0; i < 3; i++) globalThis.gc(); return process.memoryUsage().heapUsed / MiB; };
    const rss = () => { for (let i = 0; i < 3; i++) globalThis.gc(); return process.memoryUsage.rss() / MiB; };
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${code}`;
  const args = ['--expose-gc', '--input-type=module', '-e', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, number>;
}

/** The built packages, which another process can import. */
const built = existsSync(new URL('../../riscv/dist/index.js', import.meta.url));

describe.skipIf(!built || process.platform !== 'linux')('a machine on plain memory', () => {
  it('has 3 GiB of RAM for nothing as long as it touches none', () => {
    const { idle = 0, made = 0 } = measure(`
      const idle = rss();
      const machine = await Machine.create(virt, { ramSize: 3072 * MiB });
      console.log(JSON.stringify({ idle, made: rss() }));
      await machine.dispose();`);
    console.log(`3 GiB of RAM on virt: ${(made - idle).toFixed(1)} MiB`);
    expect(made - idle).toBeLessThan(60);
  });

  const long = process.env.BOARDWALK_LONG_RUNS !== undefined;
  /** What a process grows by once, as V8 optimises something, it does not grow by each time. */
  const ROUNDS = long ? 10 : 3;
  /** The processes that are measured do much; a busy host takes its time. */
  const MINUTES = long ? 20 * 60_000 : 5 * 60_000;
  /** Machines that run code, each way. */
  const COMPILED = long ? 100 : 10;
  it('leaves nothing behind, fifty times one after another and ten at a time', { timeout: MINUTES }, () => {
    const {
      single = 0,
      tens = 0,
      timers = -1,
    } = measure(`
      const make = () => Machine.create(virt, { ramSize: 32 * MiB });
      const end = async (machine) => { machine.start(); await sleep(2); await machine.dispose(); return machine; };
      const tenAtOnce = async () => {
        const machines = await Promise.all(Array.from({ length: 10 }, make));
        await Promise.all(machines.map(end));
      };
      let timers = 0;
      const oneByOne = async () => {
        for (let i = 0; i < 50; i++) timers += (await end(await make())).clock.armedTimers;
      };
      const growth = async (work) => {
        let [before, least] = [rss(), Infinity];
        for (let i = 0; i < ${ROUNDS}; i++) {
          await work();
          await sleep(50);
          const now = rss();
          least = Math.min(least, now - before);
          before = now;
        }
        return least;
      };
      for (let i = 0; i < 10; i++) await end(await make());
      await tenAtOnce();
      await sleep(50);
      console.log(JSON.stringify({ single: await growth(oneByOne), tens: await growth(tenAtOnce), timers }));`);
    console.log(`50 machines one after another: ${single.toFixed(1)} MiB, ten at a time: ${tens.toFixed(1)} MiB`);
    expect(timers).toBe(0);
    expect(single).toBeLessThan(10);
    expect(tens).toBeLessThan(10);
  });

  it('leaves no compiled code behind, one after another and ten at a time', { timeout: MINUTES }, () => {
    const {
      least = 0,
      warm = 0,
      single = 0,
      tens = 0,
      heapWarm = 0,
      heapEnd = 0,
    } = measure(`
      import { readFileSync } from 'node:fs';
      import { PipeChar } from '@boardwalk/core';
      const firmware = new Uint8Array(readFileSync('../../../tools/guest/prebuilt/monitor.bin'));
      let least = Infinity;
      const one = async () => {
        const serial = new PipeChar();
        const options = { ramSize: 32 * MiB, firmware, serials: [serial], tier1: { threshold: 1000 } };
        const machine = await Machine.create(virt, options);
        const run = machine.run();
        await serial.waitFor('> ');
        serial.send('sha256 abc\\r');
        await serial.waitFor(/[0-9a-f]{64}/);
        serial.send('poweroff 3\\r');
        await run;
        least = Math.min(least, machine.cpus[0].engine.stats.tier1.compiled);
        await machine.dispose();
      };
      const singly = async () => { for (let i = 0; i < ${COMPILED}; i++) await one(); };
      const tenAtOnce = async () => {
        for (let i = 0; i < ${COMPILED}; i += 10) await Promise.all(Array.from({ length: 10 }, one));
      };
      await tenAtOnce();
      await sleep(50);
      const [warm, heapWarm] = [rss(), heap()];
      await singly();
      await sleep(50);
      const single = rss();
      await tenAtOnce();
      await sleep(50);
      console.log(JSON.stringify({ least, warm, single, tens: rss(), heapWarm, heapEnd: heap() }));`);
    console.log(
      `${COMPILED} machines with compiled code one after another: ${(single - warm).toFixed(1)} MiB, ten at a time: ${(tens - warm).toFixed(1)} MiB, heap ${(heapEnd - heapWarm).toFixed(1)} MiB`,
    );
    expect(least).toBeGreaterThan(5);
    // Below 0.5 MiB of what each machine had.
    expect(single - warm).toBeLessThan(Math.max(10, COMPILED / 2));
    expect(tens - warm).toBeLessThan(Math.max(10, COMPILED / 2));
    expect(heapEnd - heapWarm).toBeLessThan(5);
  });

  it('is forgotten by what compiled code calls', () => {
    // addi t1,x0,0; lui t2,8; loop: csrw stimecmp,t1; addi t1,t1,1; bne t1,t2,loop; then 0x5555 to the finisher
    const program = [0x313, 0x83b7, 0x14d31073, 0x130313, 0xfe731ce3, 0x1002b7, 0x5337, 0x55530313, 0x62a023, 0x6f];
    const { compiled = 0, left = -1 } = measure(`
      const firmware = new Uint8Array(Uint32Array.from(${JSON.stringify(program)}).buffer);
      const machines = [];
      let compiled = Infinity;
      const one = async () => {
        const machine = await Machine.create(virt, { ramSize: 32 * MiB, firmware, tier1: { threshold: 100 } });
        await machine.run();
        compiled = Math.min(compiled, machine.cpus[0].engine.stats.tier1.compiled);
        machines.push(new WeakRef(machine));
        await machine.dispose();
      };
      for (let i = 0; i < 4; i++) await one();
      for (let i = 0; i < 5; i++) { await sleep(10); rss(); }
      console.log(JSON.stringify({ compiled, left: machines.filter((machine) => machine.deref()).length }));`);
    expect(compiled).toBeGreaterThan(0);
    expect(left).toBe(0);
  });
});
