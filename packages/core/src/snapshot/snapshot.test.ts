import { afterEach, describe, expect, it } from 'vitest';
import { Device, type StateField } from '../device/index.ts';
import { FakeCpu, smallSpace, testBoard } from '../machine/fixtures.ts';
import { Machine, type MachineOptions } from '../machine/index.ts';
import { UserError } from '../object/index.ts';
import { InstructionClockSource, VirtualClock } from '../time/index.ts';
import { loadSnapshot, saveSnapshot } from './index.ts';

class Register extends Device {
  static override readonly typeName: string = 'test-register';
  static override readonly state: readonly StateField[] = [
    { name: 'value', type: 'u64', reset: 0n },
    { name: 'due', type: 'number', reset: Infinity },
    { name: 'bytes', type: 'bytes', reset: 0 },
  ];
  value = 0n;
  due = Infinity;
  bytes = new Uint8Array(3);
}

const machines: Machine[] = [];

afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.dispose()));
});

async function make(options: MachineOptions = {}, name = 'reg'): Promise<{ machine: Machine; register: Register }> {
  const register = new Register();
  const board = testBoard({
    build(machine) {
      machine.map(0, machine.ram);
      machine.add(new FakeCpu(0, () => {}), 'cpu0');
      machine.add(register, name);
    },
  });
  const clock = new VirtualClock(new InstructionClockSource());
  const machine = await Machine.create(board, { space: smallSpace(), clock, ...options });
  machines.push(machine);
  return { machine, register };
}

/** The bytes of a file. */
function fileOf(machine: Machine): Uint8Array {
  return Uint8Array.from([...saveSnapshot(machine)].flatMap((chunk) => [...chunk]));
}

/** A file in chunks that end anywhere. */
function chunked(file: Uint8Array, bytes = 1000): () => Uint8Array[] {
  return () =>
    Array.from({ length: Math.ceil(file.length / bytes) }, (_, i) => file.subarray(i * bytes, (i + 1) * bytes));
}

describe('a snapshot', () => {
  it('makes another machine what the first was: devices, RAM, time', async () => {
    const first = await make();
    first.register.value = 2n ** 63n + 5n;
    first.register.due = 12.5;
    first.register.bytes.set([9, 8, 7]);
    first.machine.addressSpace.writeBytes(0x1ffe, Uint8Array.of(1, 2, 3, 4));
    first.machine.addressSpace.writeBytes(0x4000, new Uint8Array(0x2000).fill(0xff));
    first.machine.clock.source.set(12345);
    const file = fileOf(first.machine);

    const second = await make();
    second.machine.addressSpace.writeBytes(0x8000, new Uint8Array(0x1000).fill(3));
    second.machine.addressSpace.writeBytes(0xfff0, Uint8Array.of(3));
    await loadSnapshot(second.machine, chunked(file));
    expect(second.register).toMatchObject({ value: 2n ** 63n + 5n, due: 12.5 });
    expect([...second.register.bytes]).toEqual([9, 8, 7]);
    expect(second.machine.ram.block?.bytes).toEqual(first.machine.ram.block?.bytes);
    expect(second.machine.clock.now()).toBe(12345);
    expect(fileOf(second.machine)).toEqual(file);
  });

  it('leaves out what is zero, and says pages of one byte in a few', async () => {
    const { machine } = await make();
    const empty = fileOf(machine).length;
    machine.addressSpace.writeBytes(0, new Uint8Array(0xf000).fill(0xa5));
    expect(fileOf(machine).length).toBeLessThan(empty + 100);
    machine.addressSpace.writeBytes(0x5000, Uint8Array.of(1));
    expect(fileOf(machine).length).toBeGreaterThan(empty + 4096);
  });

  it('goes on with the sequence of random numbers', async () => {
    const [first, second] = [await make({ seed: 7 }), await make({ seed: 7 })];
    const draw = (machine: Machine): number[] => {
      const bytes = new Uint8Array(20);
      machine.randomBytes(bytes);
      return [...bytes];
    };
    expect(draw(first.machine)).toEqual(draw(second.machine));
    const file = fileOf(first.machine);
    const next = draw(first.machine);
    draw(second.machine);
    await loadSnapshot(second.machine, chunked(file));
    expect(draw(second.machine)).toEqual(next);
  });

  it('of another machine is refused, in one line, with nothing changed', async () => {
    const first = await make();
    const file = fileOf(first.machine);
    const refused = async (machine: Machine, text: string): Promise<void> => {
      const before = fileOf(machine);
      const error: unknown = await loadSnapshot(machine, chunked(file)).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).toContain(text);
      expect(String(error)).not.toContain('\n');
      expect(fileOf(machine)).toEqual(before);
    };
    await refused((await make({ ramSize: 2 ** 17 })).machine, 'another RAM size: 65536, this machine 131072');
    await refused((await make({}, 'other')).machine, 'no state of /machine/other');
    await refused((await make({ cpu: 'fake,x=on' })).machine, 'another CPU: fake, this machine fake,x=on');
  });

  it('that is damaged or cut short anywhere is refused, with nothing changed', async () => {
    const first = await make();
    first.register.value = 77n;
    first.machine.addressSpace.writeBytes(0x100, Uint8Array.of(1, 2, 3));
    const file = fileOf(first.machine);
    const second = await make();
    const before = fileOf(second.machine);
    for (let at = 0; at < file.length; at += at < 1200 ? 7 : 211) {
      const broken = file.slice();
      broken[at] = (broken[at] ?? 0) ^ 0x10;
      for (const bad of [broken, file.subarray(0, at)]) {
        await expect(loadSnapshot(second.machine, chunked(bad)), `at ${at}`).rejects.toThrow(UserError);
      }
    }
    expect(fileOf(second.machine)).toEqual(before);
  });

  it('is taken only of a machine that stands still', async () => {
    const { machine } = await make();
    machine.start();
    expect(() => [...saveSnapshot(machine)]).toThrow('stands still');
    await expect(loadSnapshot(machine, () => [])).rejects.toThrow('stands still');
  });
});

describe('work of the host', () => {
  it('holds a machine whose time is counted in instructions, and no other', async () => {
    const counted = (await make()).machine;
    const free = (await make({ clock: new VirtualClock() })).machine;
    const releases: (() => void)[] = [];
    for (const machine of [counted, free]) {
      machine.holdFor(new Promise((resolve) => releases.push(resolve)));
      machine.start();
    }
    const executed = (machine: Machine): number => (machine.cpus[0] as FakeCpu).executed;
    while (executed(free) < 1000) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(executed(counted)).toBe(0);
    for (const release of releases) release();
    while (executed(counted) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });
});
