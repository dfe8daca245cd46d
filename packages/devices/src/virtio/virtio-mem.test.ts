import {
  formatMemoryDevices,
  type MachineOptions,
  MiB,
  memoryDeviceInfo,
  pluggedMemory,
  setAt,
  unplugDevice,
} from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { place, probe } from '../../test/machine.ts';
import { DEVICE_MEMORY, memoryMachine } from '../../test/memory-machine.ts';
import { Driver, MMIO_BASE, VERSION_1 } from '../../test/virtio-driver.ts';
import type { VirtioMem } from './virtio-mem.ts';
import { VirtioMmio } from './virtio-mmio.ts';

const PLUG = 0;
const UNPLUG = 1;
const UNPLUG_ALL = 2;
const STATE = 3;
const ACK = 0;
const NACK = 1;
const ERROR = 3;
const INACCESSIBLE = 2n;
const BLOCK = MiB(2);

/** A machine with 64 MiB that a guest can take, and the guest's driver for it. */
async function memory(properties: Record<string, unknown> = {}, options: MachineOptions = {}) {
  const transport = new VirtioMmio();
  const made = await memoryMachine(
    { m0: '64M', huge: '1G' },
    {
      maxRamSize: MiB(128 + 64),
      devices: [{ driver: 'virtio-mem', id: 'v0', properties: { memdev: 'm0', ...properties } }],
      ...options,
    },
    (machine) => {
      machine.mapDeviceMemory(DEVICE_MEMORY);
      place(machine, MMIO_BASE, transport);
    },
  );
  const { machine } = made;
  const as = machine.addressSpace;
  const test = {
    machine,
    clock: machine.clock as never,
    errors: [],
    r32: (address: number) => as.load(address, 4),
    w32: (address: number, value: number) => void as.store(address, 4, value >>> 0),
    r8: (address: number) => as.load(address, 1),
    w8: (address: number, value: number) => void as.store(address, 1, value),
  };
  const driver = new Driver(test, transport, probe(transport, transport.irq), 8);
  const device = transport.device as VirtioMem;
  const begin = (features = VERSION_1 | INACCESSIBLE): boolean => {
    const agreed = driver.negotiate(features);
    driver.queue(0);
    driver.start();
    return agreed;
  };
  /** Sends a request; gives the response's type and the state in it. */
  const ask = (type: number, block = 0, count = 1, base = DEVICE_MEMORY): readonly [number, number] => {
    const request = new DataView(new ArrayBuffer(24));
    request.setUint16(0, type, true);
    request.setBigUint64(8, BigInt(base + block * BLOCK), true);
    request.setUint16(16, count, true);
    const queue = driver.queue(0);
    const [answer = 0] = queue.add([new Uint8Array(request.buffer), 10]);
    queue.notify();
    expect(queue.takeUsed().map(([, bytes]) => bytes)).toEqual([10]);
    const bytes = queue.bytes(answer, 10);
    return [bytes[0] ?? -1, bytes[8] ?? -1];
  };
  const config = () => {
    const word = (at: number): number => driver.read(0x100 + at) + driver.read(0x104 + at) * 2 ** 32;
    const [blockSize, , address, region, usable, plugged, requested] = [0, 8, 16, 24, 32, 40, 48].map(word);
    return { blockSize, address, region, usable, plugged, requested };
  };
  return { ...made, device, driver, begin, ask, config };
}

describe('virtio-mem', () => {
  it('says in its configuration what there is and what is wished', async () => {
    const { machine, config, begin, driver } = await memory({ 'requested-size': '8M' });
    expect(driver.read(0x008)).toBe(24);
    expect(driver.offered & 0xffn).toBe(INACCESSIBLE);
    expect(begin()).toBe(true);
    expect(config()).toEqual({
      blockSize: BLOCK,
      address: DEVICE_MEMORY,
      region: MiB(64),
      usable: MiB(64),
      plugged: 0,
      requested: MiB(8),
    });
    // As QEMU 7.2 prints `info memory-devices`.
    expect(formatMemoryDevices(memoryDeviceInfo(machine))).toEqual([
      'Memory device [virtio-mem]: "v0"',
      '  memaddr: 0x100000000',
      '  node: 0',
      '  requested-size: 8388608',
      '  size: 0',
      '  max-size: 67108864',
      '  block-size: 2097152',
      '  memdev: /objects/m0',
    ]);
    await machine.dispose();
  });

  it('lets the guest take blocks, as many as are wished, and give them back', async () => {
    const { machine, ask, begin, config, device } = await memory({ 'requested-size': '8M' });
    const sizes: unknown[] = [];
    machine.on('memorySize', ({ id, size }) => sizes.push([id, size / BLOCK]));
    begin();
    expect(ask(PLUG, 1, 2)).toEqual([ACK, 0]);
    expect(config().plugged).toBe(2 * BLOCK);
    expect([pluggedMemory(machine), device.getProperty('size')]).toEqual([2 * BLOCK, 2 * BLOCK]);
    machine.addressSpace.store(DEVICE_MEMORY + BLOCK, 4, 0x1234_5678);
    expect(machine.addressSpace.load(DEVICE_MEMORY + BLOCK, 4)).toBe(0x1234_5678);
    expect([ask(STATE, 1, 2), ask(STATE, 3), ask(STATE, 0, 3)]).toEqual([
      [ACK, 0],
      [ACK, 1],
      [ACK, 2],
    ]);
    expect(ask(PLUG, 4, 3)).toEqual([NACK, 0]);
    expect(ask(PLUG, 4, 2)).toEqual([ACK, 0]);
    expect(ask(UNPLUG, 1)).toEqual([ACK, 0]);
    expect(config().plugged).toBe(3 * BLOCK);
    // What is given up is gone.
    expect(machine.addressSpace.load(DEVICE_MEMORY + BLOCK, 4)).toBe(0);
    expect(ask(UNPLUG_ALL)).toEqual([ACK, 0]);
    expect([config().plugged, ask(STATE, 0, 32)]).toEqual([0, [ACK, 1]]);
    expect(sizes).toEqual([2, 4, 3, 0].map((blocks) => ['v0', blocks]));
    await machine.dispose();
  });

  it('refuses requests that break the rules, and goes on', async () => {
    const { machine, ask, begin, driver } = await memory({ 'requested-size': '8M' });
    begin();
    expect(ask(PLUG, 0, 1)).toEqual([ACK, 0]);
    const wrong: readonly (readonly [number, number, number])[] = [
      [PLUG, 0, 2],
      [PLUG, 1, 0],
      [PLUG, 32, 1],
      [PLUG, 31, 2],
      [PLUG, -1, 1],
      [PLUG, 0.5, 1],
      [UNPLUG, 0, 2],
      [UNPLUG, 5, 1],
      [STATE, 32, 1],
      [STATE, 0, 0],
      [7, 0, 1],
    ];
    for (const request of wrong) {
      expect([request, ask(...request)[0]]).toEqual([request, ERROR]);
    }
    const queue = driver.queue(0);
    const [answer = 0] = queue.add([new Uint8Array(3), 10]);
    queue.notify();
    expect([queue.takeUsed().length, queue.bytes(answer, 1)[0]]).toEqual([1, ERROR]);
    expect(ask(PLUG, 1)).toEqual([ACK, 0]);
    await machine.dispose();
  });

  it('tells the guest of a new wish while the machine runs', async () => {
    const { machine, root, begin, config, driver, ask } = await memory();
    begin();
    expect([config().requested, config().usable, ask(PLUG, 0)[0]]).toEqual([0, 0, ERROR]);
    driver.takeInterrupts();
    const generation = driver.read(0x0fc);
    setAt(root, '/machine/peripheral/v0', 'requested-size', MiB(4));
    expect(driver.takeInterrupts()).toBe(2);
    expect(driver.read(0x0fc)).not.toBe(generation);
    expect([config().requested, config().usable, ask(PLUG, 0, 2)[0]]).toEqual([MiB(4), MiB(64), ACK]);
    setAt(root, '/machine/peripheral/v0', 'requested-size', 0);
    expect([config().requested, config().plugged]).toEqual([0, MiB(4)]);
    for (const [name, value, message] of [
      ['requested-size', 3, "'requested-size' has to be multiples of 'block-size' (0x200000)"],
      ['requested-size', MiB(128), "'requested-size' cannot exceed the memory backend size(0x4000000)"],
      ['block-size', BLOCK, "'block-size' cannot be changed"],
      ['size', BLOCK, "Property 'virtio-mem.size' is not writable"],
      ['memaddr', BLOCK, "Attempt to set property 'memaddr' on device 'v0' (type 'virtio-mem') after it was realized"],
    ] as const) {
      expect(() => setAt(root, '/machine/peripheral/v0', name, value)).toThrow(message);
    }
    await machine.dispose();
  });

  it('keeps the blocks at a reset of the device, and takes them all at the machine’s', async () => {
    const { machine, begin, ask, config, device } = await memory({ 'requested-size': '8M' });
    begin();
    ask(PLUG, 0, 2);
    machine.addressSpace.store(DEVICE_MEMORY, 4, 99);
    begin();
    expect([config().plugged, machine.addressSpace.load(DEVICE_MEMORY, 4)]).toEqual([2 * BLOCK, 99]);
    const saved = structuredClone(device.save());
    machine.reset('host');
    expect([device.memoryPlugged, machine.addressSpace.load(DEVICE_MEMORY, 4)]).toEqual([0, 0]);
    device.restore(saved);
    expect([device.memoryPlugged, device.requestedSize]).toEqual([2 * BLOCK, BigInt(MiB(8))]);
    await machine.dispose();
  });

  it('lets go of its backend when the machine ends, and is on a bus that keeps it until then', async () => {
    const { machine, device } = await memory();
    const memdev = device.memoryBackend;
    expect(memdev?.canBeDeleted()).toBe(false);
    expect(() => unplugDevice(machine, 'v0')).toThrow(/^Bus 'virtio-mmio.*' does not support hotplugging$/);
    await machine.dispose();
    expect(memdev?.canBeDeleted()).toBe(true);
  });

  // The texts are those of QEMU 7.2 (virtio-mem-pci on q35); where it takes more than there is, ours refuses as it does at run time.
  it.each<[Record<string, unknown>, string, MachineOptions?]>([
    [{ memdev: '' }, "'memdev' property must be set"],
    [{ memdev: 'ram' }, "'memdev' property specifies a busy memdev: ram"],
    [{ 'requested-size': '3' }, "'requested-size' property has to be multiples of 'block-size' (0x200000)"],
    [{ 'requested-size': '512M' }, "'requested-size' cannot exceed the memory backend size(0x4000000)"],
    [{ 'block-size': '3' }, "'block-size' property has to be at least 0x100000"],
    [{ 'block-size': '3M' }, "'block-size' property has to be a power of two"],
    [{ 'block-size': '1G' }, 'backend memory size must be multiple of 0x40000000'],
    [{ node: 1 }, "'node' property has value '1', which exceeds the number of numa nodes: 1"],
    [{ memaddr: 0x1_0000_1000 }, 'address must be aligned to 0x200000 bytes'],
    [
      { memaddr: 0x2_0000_0000 },
      "can't add memory device [0x200000000:0x4000000], usable range for memory devices [0x100000000:0x4000000]",
    ],
    [{ memdev: 'huge' }, 'not enough space, currently 0x0 in use of total space for memory devices 0x4000000'],
    [
      {},
      'memory devices (e.g. for memory hotplug) are not enabled, please specify the maxmem option',
      { maxRamSize: MiB(128) },
    ],
  ])('with %o is refused: %s', async (properties, message, options = {}) => {
    await expect(memory(properties, options)).rejects.toThrow(`-device virtio-mem: ${message}`);
  });
});
