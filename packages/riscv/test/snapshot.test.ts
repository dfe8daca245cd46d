/**
 * Runs whose time is counted in instructions repeat byte for byte, and go on from a snapshot to the same end: our own monitor,
 * and Debian's Linux with a disk.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  InstructionClockSource,
  loadSnapshot,
  type Machine,
  type MachineOptions,
  MemoryBlock,
  saveSnapshot,
  VirtualClock,
} from '@boardwalk/core';
import { readMonitor } from '@boardwalk/guest';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { machineBooter, type TestMachine } from '@boardwalk/testing';
import { afterEach, expect, it } from 'vitest';
import { virt } from '../src/boards/virt.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;
const bootMachine = machineBooter(afterEach);

const boot = (options: MachineOptions): Promise<TestMachine> =>
  bootMachine({
    board: virt,
    start: false,
    clock: new VirtualClock(new InstructionClockSource({ nsPerInstruction: 2, sleep: false })),
    seed: 42,
    rtcBaseMs: Date.UTC(2020, 0, 1),
    ...options,
  });

function digest(machine: Machine): string {
  const hash = createHash('sha256');
  for (const chunk of saveSnapshot(machine)) hash.update(chunk);
  return hash.digest('hex');
}

it('the monitor says and leaves the same in every run', async () => {
  const firmware = await readMonitor();
  const ends: string[] = [];
  for (let run = 0; run < 2; run++) {
    const guest = await boot({ firmware, smp: { cpus: 2 } });
    guest.send('cpu\nmemtest\nsha256 boardwalk\npoweroff\n');
    await guest.exit();
    ends.push(`${digest(guest.machine)} ${guest.output}`);
  }
  expect(ends[0]).toContain('harts present: 0 1');
  expect(ends[1]).toBe(ends[0]);
});

it(
  'Linux goes on from a snapshot, in another machine, to the same end',
  async (context) => {
    const files = (await ifReachable(prepareLinux())) ?? context.skip("Debian's packages cannot be had here");
    const options = {
      firmware: await readFile(files.firmware),
      kernel: await readFile(files.kernel),
      initrd: await readFile(files.initrd),
      append: 'console=ttyS0 boardwalk.test=ci',
      ramSize: 192 * MiB,
      smp: { cpus: 2 },
    };
    const disk = new Uint8Array(MiB).fill(0x5a);
    const first = await boot({ ...options, drives: [{ if: 'virtio', backend: new MemoryBlock(disk) }] });
    first.machine.start();
    await first.expectSerial('Run /init as init process', { timeoutMs: 6 * MINUTES });
    first.machine.pause();
    while (first.machine.busy || first.machine.state === 'running') await new Promise((r) => setTimeout(r, 1));
    const file = [...saveSnapshot(first.machine)];
    const diskThen = disk.slice();
    const before = first.output.length;
    first.machine.resume();
    await first.exit();

    const second = await boot({ ...options, drives: [{ if: 'virtio', backend: new MemoryBlock(diskThen) }] });
    await loadSnapshot(second.machine, () => file);
    await second.exit();
    expect(first.output).toMatch(/boardwalk-test: end ci passed=\d+ failed=0/);
    expect(second.output).toBe(first.output.slice(before));
    expect(diskThen).toEqual(disk);
    expect(digest(second.machine)).toBe(digest(first.machine));
  },
  8 * MINUTES,
);
