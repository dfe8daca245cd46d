import { describe, expect, it, vi } from 'vitest';
import { MemoryBlock } from '../block/index.ts';
import { PipeChar } from '../char/index.ts';
import { Bus } from '../device/bus.ts';
import { Device } from '../device/device.ts';
import { GuestLog } from '../log/index.ts';
import { createRamBackend } from '../memory/index.ts';
import { BwObject, createObjectTree, TypeRegistry, UserError } from '../object/index.ts';
import { noneBoard } from './board.ts';
import { machineOf, smallSpace, testBoard } from './fixtures.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';
import { KiB } from './units.ts';

const create = (options: MachineOptions = {}, board = testBoard()): Promise<Machine> =>
  Machine.create(board, { space: smallSpace(), ...options });

describe('main RAM', () => {
  it("comes from a backend with the board's id and size", async () => {
    const machine = await create();
    expect([machine.ramSize, machine.ram.size, machine.ram.name]).toEqual([KiB(64), KiB(64), 'toy.ram']);
    expect(machine.memoryBackend?.path).toBe('/objects/toy.ram');
    machine.addressSpace.store(0x100, 4, 0x12345678);
    expect(machine.addressSpace.load(0x102, 2)).toBe(0x1234);
    expect((await create({ ramSize: KiB(128) })).ram.size).toBe(KiB(128));
  });

  it('comes from the backend that the user names, and goes back to it', async () => {
    const space = smallSpace();
    const root = createObjectTree();
    const backend = createRamBackend(space, { id: 'mine', size: KiB(192), parent: root.children.get('objects') });
    const options = { space, root, memoryBackend: 'mine' };
    await expect(create({ ...options, ramSize: KiB(64) })).rejects.toThrow(
      "Size specified by -m option must match size of explicitly specified 'memory-backend' property",
    );
    const machine = await create(options);
    expect(machine.ram).toBe(backend.region);
    expect(machine.ramSize).toBe(KiB(192));
    expect(root.children.get('objects')?.children.has('toy.ram')).toBe(false);
    root.children.get('machine')?.remove();
    await expect(create(options)).rejects.toThrow("can't use already busy memdev: mine");
    expect(backend.mapped).toBe(true);
    await machine.dispose();
    expect(backend.mapped).toBe(false);
    expect(await create(options)).toBeInstanceOf(Machine);
  });

  it('is refused with one line', async () => {
    await expect(create({ memoryBackend: 'nobody' })).rejects.toThrow("Memory backend 'nobody' not found");
    await expect(create({ ramSize: KiB(2048) })).rejects.toThrow(UserError);
    await expect(create({ ramSize: 0 })).rejects.toThrow('Invalid RAM size, should be more than 0');
    const root = createObjectTree();
    root.children.get('objects')?.addChild('toy.ram', new BwObject());
    await expect(create({ root })).rejects.toThrow(/'toy.ram' is reserved for the default RAM backend/);
    await expect(create({ root, memoryBackend: 'toy.ram' })).rejects.toThrow(
      'memory-backend=toy.ram: object is no memory backend',
    );
    expect(root.children.has('machine')).toBe(false);
  });

  it('takes -mem-path and -mem-prealloc for the backend that it makes alone', async () => {
    const hostMemory = { unavailable: 'this is a test' };
    await expect(create({ hostMemory, memPath: '/f' })).rejects.toThrow(
      'memory-backend-file cannot be had: this is a test',
    );
    await expect(create({ hostMemory, memPrealloc: true })).rejects.toThrow(
      "property 'prealloc' of memory-backend-ram",
    );
    await expect(create({ memoryBackend: 'm', memPath: '/f' })).rejects.toThrow(
      "'-mem-path' can't be used together with '-machine memory-backend'",
    );
    await expect(create({ memoryBackend: 'm', memPrealloc: true })).rejects.toThrow(
      "'-mem-prealloc' can't be used together with '-machine memory-backend'",
    );
    const { defaultRamId: _, ...bare } = testBoard({ build: () => {} });
    await expect(create({ memPath: '/f' }, bare)).rejects.toThrow("machine 'toy' does not support -mem-path");
  });

  it('is not there on a board without an id, and on `none` only when asked for', async () => {
    const { defaultRamId: _, ...bare } = testBoard({ build: () => {} });
    const machine = await create({}, bare);
    expect(() => machine.ram).toThrow("machine 'toy' has no main RAM");
    const none = await create({}, noneBoard('test'));
    expect([none.ramSize, none.cpus.length]).toEqual([0, 0]);
    expect((await create({ ramSize: KiB(64) }, noneBoard('test'))).ram.name).toBe('ram');
    await expect(create({ kernel: new Uint8Array(4) }, noneBoard('test'))).rejects.toThrow(/-kernel/);
  });
});

describe('options', () => {
  it('of the board are typed properties of the machine', async () => {
    const board = testBoard({ properties: [{ name: 'aclint', type: 'bool', description: 'x', default: false }] });
    expect((await create({ boardProps: { aclint: 'on' } }, board)).getProperty('aclint')).toBe(true);
    expect((await create({}, board)).getProperty('aclint')).toBe(false);
    await expect(create({ boardProps: { nonsense: '1' } }, board)).rejects.toThrow(
      "Property 'toy-machine.nonsense' not found",
    );
    await expect(create({ boardProps: { aclint: 'maybe' } }, board)).rejects.toThrow(UserError);
  });

  it('of drives must find a use', async () => {
    const drive = { if: 'pflash', backend: new MemoryBlock(4) } as const;
    await expect(create({ drives: [drive] })).rejects.toThrow('machine type does not support if=pflash,bus=0,unit=0');
    const board = testBoard({ build: (machine) => void machine.drives.claim('pflash', 1) });
    await create(
      {
        drives: [
          { ...drive, index: 1 },
          { if: 'none', id: 'd0', backend: new MemoryBlock(1) },
        ],
      },
      board,
    );
    await expect(create({ drives: [drive, { ...drive }] })).rejects.toThrow('two drives have one backend');
    const two = [
      { ...drive, index: 1 },
      { ...drive, index: 1, backend: new MemoryBlock(4) },
    ];
    await expect(create({ drives: two })).rejects.toThrow('drive with bus=0, unit=1 (index=1) exists');
  });

  it('give each serial port its backend, or nobody', async () => {
    const pipe = new PipeChar();
    const machine = await create({ serials: [pipe] });
    expect(machine.serial(0)).toBe(pipe);
    machine.serial(1).write(Uint8Array.of(1));
  });

  it('set the real-time clock', async () => {
    const machine = await create({ rtcBaseMs: 1e12, accel: 'qtest' });
    expect(machine.wallClockMs()).toBe(1e12);
    expect(Math.abs((await create()).wallClockMs() - Date.now())).toBeLessThan(1000);
  });

  it("let the real-time clock go on with the host's time, whatever virtual time does", async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const machine = await create({ rtcBaseMs: 1e12, rtcClock: 'host', accel: 'qtest' });
      vi.setSystemTime(Date.now() + 5000);
      expect(machine.wallClockMs()).toBe(1e12 + 5000);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("lets the real-time clock go on with the time since the start, however somebody sets the host's", async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  try {
    const machine = await create({ rtcBaseMs: 1e12, rtcClock: 'steady', accel: 'qtest' });
    vi.advanceTimersByTime(3000);
    vi.setSystemTime(0);
    expect(machine.wallClockMs()).toBe(1e12 + 3000);
  } finally {
    vi.useRealTimers();
  }
});

describe("the user's devices", () => {
  class Slot extends Bus {
    static override readonly typeName: string = 'slot';
    readonly busType = 'slot-bus';
    device: Device | undefined;
    get full(): boolean {
      return this.device !== undefined;
    }
    plug(device: Device): void {
      this.device = device;
    }
  }
  class Card extends Device {
    static override readonly typeName: string = 'card';
    readonly busType = 'slot-bus';
  }
  const types = new TypeRegistry();
  types.register({ name: 'card', create: () => new Card() });
  types.register({ name: 'thing', create: () => new BwObject() });
  const board = testBoard({ build: (machine) => void machine.add(new Slot(), 'slot0') });

  it('are plugged into the bus that fits', async () => {
    const machine = await create({ types, devices: [{ driver: 'card', id: 'c' }] }, board);
    const slot = machine.children.get('slot0') as Slot;
    expect(slot.device?.path).toBe('/machine/peripheral/c');
    expect(slot.device?.realized).toBe(true);
  });

  it.each([
    [[{ driver: 'nothing' }], "'nothing' is not a valid device model name"],
    [[{ driver: 'thing' }], "'thing' is not a valid device model name"],
    [[{ driver: 'card' }, { driver: 'card' }], "No 'slot-bus' bus has room for device 'card'"],
    [[{ driver: 'card', bus: 'x' }], "Bus 'x' not found"],
    [[{ driver: 'card', properties: { a: '1' } }], "Property 'card.a' not found"],
  ])('are refused: %j', async (devices, message) => {
    await expect(create({ types, devices }, board)).rejects.toThrow(message);
  });

  it('find no bus on a board without', async () => {
    await expect(create({ types, devices: [{ driver: 'card' }] })).rejects.toThrow(
      "No 'slot-bus' bus found for device 'card'",
    );
  });
});

describe('the end of a machine', () => {
  it('disposes devices and closes backends, once', async () => {
    const disposed: string[] = [];
    class Chip extends Device {
      override dispose(): void {
        disposed.push(this.id);
      }
    }
    const pipe = new PipeChar();
    const block = new MemoryBlock(4);
    const board = testBoard({
      build(machine) {
        machine.add(new Chip(), 'a').add(new Chip(), 'part');
      },
    });
    const machine = await create({ serials: [pipe], drives: [{ if: 'none', backend: block }] }, board);
    const ended = machine.run();
    await Promise.all([machine.dispose(), machine.dispose()]);
    expect(await ended).toEqual({ cause: 'host', reason: 'shutdown', status: 0 });
    expect(disposed).toEqual(['a', 'part']);
    expect(() => pipe.send('x')).toThrow(/closed/);
    await expect(block.flush()).rejects.toThrow(/closed/);
    expect(machine.parent).toBeUndefined();
  });

  it('leaves nothing behind when the board cannot be built', async () => {
    const space = smallSpace();
    const root = createObjectTree();
    const broken = testBoard({
      build(machine) {
        machine.map(0, machine.ram);
        throw new UserError('no such thing');
      },
    });
    for (let i = 0; i < 50; i++)
      await expect(create({ space, root, ramSize: KiB(512) }, broken)).rejects.toThrow('no such thing');
    expect([...root.children.keys()]).toEqual(['objects', 'chardevs']);
    expect(root.children.get('objects')?.children.size).toBe(0);
    expect((await create({ space, root, ramSize: KiB(512) })).ramSize).toBe(KiB(512));
  });
});

it('logs accesses that nothing answers', async () => {
  const lines: string[] = [];
  const log = new GuestLog(['guest_errors'], (_, text) => lines.push(text));
  const { machine } = await machineOf([], { log });
  machine.addressSpace.load(0x10_0000, 4);
  expect(lines).toEqual(['invalid read of 4 bytes at 0x100000: nothing is there']);
});
