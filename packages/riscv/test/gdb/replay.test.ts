/** A machine with two vCPUs goes back in time, and what came from outside comes again. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  InstructionClockSource,
  Machine,
  MemoryBlock,
  PipeChar,
  Replay,
  saveSnapshot,
  VirtualClock,
} from '@boardwalk/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';
import { missingTools, Workshop } from './server.ts';

/** A disk that answers when it is told to. */
class SlowBlock extends MemoryBlock {
  asked = 0;
  gate: Promise<void> = Promise.resolve();

  override async read(offset: number, dst: Uint8Array): Promise<void> {
    this.asked++;
    await this.gate;
    await super.read(offset, dst);
  }
}

const digest = (machine: Machine): string => {
  const hash = createHash('sha256');
  for (const piece of saveSnapshot(machine)) hash.update(piece);
  return hash.digest('hex');
};

describe.skipIf(missingTools.length > 0)('two vCPUs in the past', () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  it('execute what they executed, take the same input at the same instruction, and see the same time of day', async () => {
    const firmware = new Uint8Array(readFileSync(workshop.build('crt.S', 'outside.c')));
    const serial = new PipeChar();
    // The host's time of day, and virtual time that waits for the host: nothing of these repeats by itself.
    const clock = new VirtualClock(new InstructionClockSource());
    const options = { firmware, clock, serials: [serial], ramSize: 2 ** 22, smp: { cpus: 2 }, paused: true };
    const machine = await Machine.create(virt, options);
    machine.start();
    const replay = Replay.of(machine);
    if (replay === undefined) throw new Error('this machine cannot go back');
    const visited: { readonly place: Replay['place']; readonly digest: string }[] = [];
    const visit = (): void => void visited.push({ place: replay.place, digest: digest(machine) });
    replay.keep();
    visit();
    for (const text of ['a', 'bc']) {
      machine.resume();
      await delay(20);
      serial.send(text);
      await delay(20);
      machine.pause();
      while (machine.busy) await delay(1);
      // A debugger writes.
      const mark = visited.length;
      machine.history.act(() => machine.addressSpace.store(0x8020_0000 + mark, 1, mark));
      visit();
    }
    expect(new Set(visited.map((each) => each.digest)).size).toBe(3);
    const [first, second, third] = visited;
    for (const wanted of [second, third, first, third, second]) {
      if (wanted === undefined) throw new Error('there were three');
      replay.goTo(wanted.place);
      expect(digest(machine)).toBe(wanted.digest);
    }
    // One instruction back on one of them.
    const [one, other] = machine.cpus;
    const count = (): (bigint | undefined)[] => [one, other].map((cpu) => cpu?.debug?.instructions);
    const before = count();
    if (other !== undefined) expect(replay.step(other)).toEqual({ reason: 'step', cpu: other });
    expect(count()[1]).toBe((before[1] ?? 0n) - 1n);
    // Another future, which becomes a past.
    replay.keep();
    serial.send('d');
    machine.resume();
    await delay(20);
    machine.pause();
    while (machine.busy) await delay(1);
    visit();
    replay.goTo(first?.place ?? replay.place);
    expect(digest(machine)).toBe(first?.digest);
    const last = visited.at(-1);
    replay.goTo(last?.place ?? replay.place);
    expect(digest(machine)).toBe(last?.digest);
    await machine.dispose();
  });

  it('read from disks what they read, whatever is on them by now', async () => {
    const firmware = new Uint8Array(readFileSync(workshop.build('crt.S', 'disk.c')));
    const backend = new SlowBlock(4 * 512);
    const clock = new VirtualClock(new InstructionClockSource());
    const drives = [{ if: 'virtio', backend }] as const;
    const machine = await Machine.create(virt, { firmware, clock, drives, ramSize: 2 ** 22, paused: true });
    machine.start();
    const replay = Replay.of(machine);
    if (replay === undefined) throw new Error('this machine cannot go back');
    const visited: { readonly place: Replay['place']; readonly digest: string }[] = [];
    const visit = async (isThere: () => boolean): Promise<void> => {
      replay.keep();
      machine.resume();
      while (!isThere()) await delay(1);
      machine.pause();
      while (machine.busy) await delay(1);
      visited.push({ place: replay.place, digest: digest(machine) });
    };
    const until = (asked: number) => () => backend.asked >= asked;
    await visit(until(20));
    await visit(until(200));
    // In the middle of a request.
    let open = (): void => {};
    backend.gate = new Promise((resolve) => {
      open = resolve;
    });
    await visit(until(backend.asked + 1));
    const { asked } = backend;
    const back = (): void => {
      for (const which of [1, 0, 2, 1, 2]) {
        const wanted = visited[which];
        if (wanted === undefined) throw new Error('there were more');
        replay.goTo(wanted.place);
        expect(digest(machine), `place ${which}`).toBe(wanted.digest);
      }
    };
    back();
    expect(backend.asked).toBe(asked);
    // It goes on from there: what was wanted is still wanted.
    open();
    await visit(until(asked + 100));
    back();
    expect(backend.asked).toBeLessThan(asked + 300);
    await machine.dispose();
  });
});
