// PCI functions by the instructions that reach them. Responses and statuses are those that qemu-system-s390x 7.2 gives Linux.
import { MemoryBlock, plugDevice, restoreTree, saveTree, unplugDevice } from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { testMainframe } from '../boards/test-machine.ts';
import { PGM_OPERAND, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import type { S390PciHost } from './pci-host.ts';

const OPERAND = programInterruption(PGM_OPERAND);
const SPECIFICATION = programInterruption(PGM_SPECIFICATION);
const NO_FUNCTION = 3;
const status = (number: number): number => (number << 8) | 1;

const VECTOR = 0x4000;
const SUMMARY = 0x5000;
const RINGS = 0x10_0000;
const SUBCLASS = 2;

const disposals: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose();
});

/** A random number generator, and a disk whose numbers the user gave. */
async function guestWith() {
  const test = await testMainframe({
    devices: [
      { driver: 'virtio-rng-pci' },
      { driver: 'zpci', properties: { uid: 7, fid: 9, target: 'blk' } },
      { driver: 'virtio-blk-pci', id: 'blk', properties: { drive: new MemoryBlock(new Uint8Array(512)) } },
    ],
  });
  disposals.push(() => test.machine.dispose());
  test.machine.reset();
  const { pci } = test.mainframe;
  if (pci === undefined) throw new Error('no PCI');
  return { ...test, pci, program: new Program(pci), storage: new AbsoluteStorage(test.machine.addressSpace) };
}

/** What a program does. */
class Program {
  readonly #pci: S390PciHost;
  readonly #cpu = {} as Parameters<S390PciHost['pciLoad']>[0];

  constructor(pci: S390PciHost) {
    this.#pci = pci;
  }

  /** CLP with doublewords behind the header. @returns the response, in hexadecimal digits */
  clp(command: number, room: number, ...words: readonly bigint[]): { readonly cc: number; readonly response: string } {
    const page = new DataView(new ArrayBuffer(4096));
    page.setUint16(0, 32);
    page.setUint16(2, command);
    for (const [i, word] of words.entries()) page.setBigUint64(16 + 8 * i, word);
    page.setUint16(32, room);
    const cc = this.#pci.callLogicalProcessor(this.#cpu, page);
    return { cc, response: Buffer.from(page.buffer, 32, page.getUint16(32)).toString('hex') };
  }

  /** Enables a function. @returns its handle */
  enable(handle: number): number {
    const { response } = this.clp(5, 32, (BigInt(handle) << 32n) | 1n);
    expect(response.slice(4, 8)).toBe('0010');
    return Number.parseInt(response.slice(32, 40), 16);
  }

  load(handle: number, space: number, length: number, offset: number) {
    const value = new DataView(new ArrayBuffer(8));
    const cc = this.#pci.pciLoad(this.#cpu, request(handle, space, length), BigInt(offset), value);
    return { cc, value: value.getBigUint64(0) };
  }

  store(handle: number, space: number, length: number, offset: number, value: number | bigint): number {
    return this.#pci.pciStore(this.#cpu, request(handle, space, length), BigInt(offset), BigInt(value));
  }

  storeBlock(handle: number, space: number, length: number, offset: number, bytes: readonly number[]): number {
    const data = new DataView(new ArrayBuffer(128));
    for (const [i, byte] of bytes.entries()) data.setUint8(i, byte);
    return this.#pci.pciStoreBlock(this.#cpu, request(handle, space, length), BigInt(offset), data);
  }

  modify(handle: number, operation: number, fields: Readonly<Record<number, bigint>> = {}, space = 0): number {
    const fib = new DataView(new ArrayBuffer(80));
    for (const [at, value] of Object.entries(fields)) fib.setBigUint64(Number(at), value);
    return this.#pci.modifyPciControls(this.#cpu, request(handle, space, operation), fib);
  }

  controls(handle: number): { readonly cc: number; readonly fib: DataView } {
    const fib = new DataView(new ArrayBuffer(80));
    return { cc: this.#pci.storePciControls(this.#cpu, request(handle, 0, 0), fib), fib };
  }

  refresh(handle: number, start: bigint, bytes: bigint): number {
    return this.#pci.refreshPciTranslations(this.#cpu, request(handle, 0, 0), start, bytes);
  }

  suppress(mode: number): number {
    return this.#pci.setInterruptionControls(this.#cpu, mode, SUBCLASS);
  }
}

function request(handle: number, space: number, length: number): bigint {
  return (BigInt(handle) << 32n) | (BigInt(space) << 16n) | BigInt(length);
}

describe('CALL LOGICAL PROCESSOR', () => {
  it('lists functions, as many as there is room for', async () => {
    const { program } = await guestWith();
    const rng = '10051af4800000000000000000020000';
    const blk = '10011af4800000000000000900020001';
    const list = (length: string, token: string, ...entries: readonly string[]) =>
      `${length}001000000000${'0'.repeat(16)}${token.padStart(16, '0')}00ff000010000110${entries.join('')}`;
    expect(program.clp(2, 4064)).toEqual({ cc: 0, response: list('0040', '0', rng, blk) });
    expect(program.clp(2, 48)).toEqual({ cc: 0, response: list('0030', '1', rng) });
    expect(program.clp(2, 48, 1n)).toEqual({ cc: 0, response: list('0030', '0', blk) });
    expect(program.clp(2, 48, 77n).response.slice(4, 8)).toBe('010a');
    expect(program.clp(2, 32).response.slice(4, 8)).toBe('0060');
    expect(program.clp(2, 56).cc).toBe(OPERAND);
    expect(program.clp(6, 32)).toMatchObject({ cc: 3 });
  });

  it('tells of a function and of its group', async () => {
    const { program } = await guestWith();
    const { response } = program.clp(3, 320, 0x0002_0001n << 32n);
    expect(response.slice(0, 160)).toBe(
      '01400010000000000000000000000000000000ff00000009070c00000e00000000000001000000000000000000000000' +
        '0000000c000000000000000000000000000000010000000001ffffffffffffff',
    );
    expect(response.slice(2 * 0x7c, 2 * 0x80)).toBe('00000007');
    expect(program.clp(3, 320, 5n << 32n).response.slice(4, 8)).toBe('0101');
    expect(program.clp(4, 64, 0xffn << 32n).response).toBe(
      '004000100000000000000000000000000080000100800fa04000000000000000' +
        '0000000000000000fe0000000000000000000000000000000000000000000000',
    );
    expect(program.clp(4, 64, 0x20n << 32n).response.slice(4, 8)).toBe('010b');
  });

  it('enables functions, which have other handles then, and disables them', async () => {
    const { program } = await guestWith();
    const set = (handle: number, operation: bigint, spaces: bigint) =>
      program.clp(5, 32, (BigInt(handle) << 32n) | (operation << 8n) | spaces).response.slice(4, 8);
    expect(set(0x2_0000, 0n, 0n)).toBe('0103');
    expect(set(0x2_0000, 1n, 0n)).toBe('0102');
    expect(set(0x2_0000, 0n, 1n)).toBe('0010');
    expect(set(0x2_0000, 0n, 1n)).toBe('0101');
    expect(set(0x8002_0000, 0n, 1n)).toBe('0102');
    expect(set(0x8002_0000, 9n, 1n)).toBe('0102');
    expect(program.load(0x2_0000, 15, 4, 0).cc).toBe(NO_FUNCTION);
    expect(program.store(0x8002_0000, 15, 2, 4, 0x0600)).toBe(0);
    expect(set(0x8002_0000, 1n, 0n)).toBe('0010');
    expect(program.load(0x8002_0000, 15, 4, 0).cc).toBe(NO_FUNCTION);
    expect(set(0x2_0000, 0n, 1n)).toBe('0010');
    expect(program.load(0x8002_0000, 15, 2, 4).value).toBe(0n);
  });
});

describe('loads and stores', () => {
  it('have bytes in the order in which they lie in the device', async () => {
    const { program } = await guestWith();
    const handle = program.enable(0x2_0000);
    expect(program.load(handle, 15, 4, 0)).toEqual({ cc: 0, value: 0xf41a_0510n });
    expect(program.load(handle, 15, 2, 2).value).toBe(0x0510n);
    // queue_size, then queue_desc as a doubleword.
    expect(program.load(handle, 4, 2, 0x18).value).toBe(0x0800n);
    expect(program.store(handle, 4, 8, 0x20, 0x0010_3412_0000_0000n)).toBe(0);
    expect(program.load(handle, 4, 8, 0x20).value).toBe(0x0010_3412_0000_0000n);
    expect(program.storeBlock(handle, 4, 16, 0x20, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0, 0, 0, 0])).toBe(0);
    expect([0x20, 0x28].map((at) => program.load(handle, 4, 4, at).value)).toEqual([0x100n, 0x0010_0100n]);
  });

  it('refuse what cannot be', async () => {
    const { program } = await guestWith();
    const handle = program.enable(0x2_0000);
    const loads: readonly (readonly [number, number, number])[] = [
      [15, 4, 2],
      [15, 0, 0],
      [15, 5, 0],
      [15, 3, 0x98],
      [4, 8, 4],
      [4, 0, 0],
      [4, 9, 0],
      [4, 4, 0x4000],
      [4, 4, 2],
      [1, 2, 0],
    ];
    for (const [space, length, at] of loads) expect(program.load(handle, space, length, at).cc).toBe(OPERAND);
    for (const space of [2, 6, 14]) expect(program.load(handle, space, 1, 0).cc).toBe(status(20));
    expect(program.store(handle, 4, 4, 0x4000, 0)).toBe(OPERAND);
    expect(program.storeBlock(handle, 15, 16, 0, [])).toBe(status(20));
    expect(program.storeBlock(handle, 4, 16, 0x4000, [])).toBe(OPERAND);
    for (const [length, at] of [
      [8, 0],
      [136, 0],
      [20, 0],
      [16, 4],
      [16, 0xff8],
    ] as const)
      expect(program.storeBlock(handle, 4, length, at, [])).toBe(SPECIFICATION);
    for (const wrong of [0x2_0000, 0x8002_0007]) expect(program.store(wrong, 4, 4, 0, 0)).toBe(NO_FUNCTION);
  });
});

/** Interrupts of subclass 2: bits from the ninth of a vector on, with the third of a summary. */
const INTERRUPTS = {
  40: ((0x2000_0000n | (2n << 16n) | (8n << 8n) | 0x80n | 3n) << 32n) as bigint,
  48: BigInt(VECTOR),
  56: BigInt(SUMMARY),
};

describe('function controls', () => {
  it('follow an order', async () => {
    const { program } = await guestWith();
    const handle = program.enable(0x2_0000);
    const dma = { 16: 0x1_0000_0000n, 24: 0x1_ffff_ffffn, 32: 0x1234_5804n };
    expect(program.modify(handle, 3)).toBe(status(24));
    expect(program.modify(handle, 5)).toBe(status(24));
    expect(program.modify(handle, 6, dma)).toBe(status(24));
    expect(program.modify(handle, 4, dma, 1)).toBe(status(28));
    expect(program.modify(handle, 4, { ...dma, 32: 0x1234_5800n })).toBe(OPERAND);
    expect(program.modify(handle, 4, { ...dma, 16: 0n })).toBe(OPERAND);
    expect(program.modify(handle, 4, dma)).toBe(0);
    expect(program.modify(handle, 4, dma)).toBe(status(24));
    expect(program.modify(handle, 2, INTERRUPTS)).toBe(0);
    expect(program.modify(handle, 2, INTERRUPTS)).toBe(status(24));
    expect(program.modify(handle, 99)).toBe(OPERAND);
    expect(program.modify(handle, 2, { 0: 1n << 56n })).toBe(OPERAND);
    const { cc, fib } = program.controls(handle);
    expect([cc, fib.getUint8(8), fib.getUint32(40), fib.getBigUint64(48)]).toEqual([0, 0x90, 0x2002_0883, 0x4000n]);
    expect([program.modify(handle, 3), program.modify(handle, 5)]).toEqual([0, 0]);
    expect(program.modify(0x2_0000, 4, dma)).toBe(NO_FUNCTION);
    expect(program.controls(0x2_0000).cc).toBe(0);
    expect(program.controls(0x8002_0001).cc).toBe(NO_FUNCTION);
    expect(program.controls(0x2_0077).cc).toBe(NO_FUNCTION);
  });

  it('have an error state, which is told, and ended by the program', async () => {
    const { program, pci, mainframe, storage } = await guestWith();
    const handle = program.enable(0x2_0000);
    const events = () => {
      const event = mainframe.css.takePciEvent();
      return event && [event.isError, event.handle, event.fid, event.code, event.address];
    };
    const at = 0x1_0000_0000n;
    const controls = () => program.controls(handle).fib.getUint8(8);
    expect(program.refresh(handle, at, 4096n)).toBe(status(8));
    expect(events()).toEqual([true, handle, 0, 1, at]);
    expect([controls(), program.refresh(handle, at, 4096n)]).toEqual([0xe0, status(40)]);
    expect([program.load(handle, 15, 4, 0).cc, program.store(handle, 15, 4, 0x3c, 0)]).toEqual([
      status(12),
      status(12),
    ]);
    expect(program.storeBlock(handle, 4, 16, 0x20, [])).toBe(status(12));
    expect([program.modify(handle, 9), program.modify(handle, 9), controls()]).toEqual([0, status(24), 0xc0]);
    expect(program.load(handle, 15, 4, 0).cc).toBe(0);
    expect([program.modify(handle, 7), program.modify(handle, 7), controls()]).toEqual([0, status(24), 0x80]);

    // One page, which is protected, behind a region, a segment and a page table.
    const entries = [
      [0x10_0010, 0x11_0007n],
      [0x11_0000, 0x12_0000n],
      [0x12_0000, 0x5200n],
      [0x12_0008, 0x400n],
    ] as const;
    for (const [place, entry] of entries) storage.setDoubleword(place, entry);
    expect(program.modify(handle, 4, { 16: at, 24: 0x1_ffff_ffffn, 32: 0x10_0804n })).toBe(0);
    expect(program.refresh(handle, at, 0x2000n)).toBe(0);
    const [device] = pci.bus.devices;
    const dma = (address: number, forWrite: boolean) => device && pci.pciTranslate(device, address, forWrite);
    expect(dma(0x1_0000_0123, false)).toBe(0x5123);
    for (const [address, forWrite, code] of [
      [0x1_0000_0123, true, 4],
      [0x1_0000_1000, false, 4],
      [0x2_0000_0000, false, 2],
    ] as const) {
      expect(dma(address, forWrite)).toBeUndefined();
      expect(events()).toEqual([true, handle, 0, code, BigInt(address)]);
      expect(dma(0x1_0000_0123, false)).toBeUndefined();
      expect(program.modify(handle, 7)).toBe(0);
      expect(dma(0x1_0000_0123, false)).toBe(0x5123);
    }
    for (const [bytes, code, wrong] of [
      [0x3000n, 7, at + 0x2000n],
      [0x20_0000n, 7, at + 0x2000n],
    ] as const) {
      expect(program.refresh(handle, at, bytes)).toBe(status(8));
      expect(events()).toEqual([true, handle, 0, code, wrong]);
      expect(program.modify(handle, 7)).toBe(0);
    }
    expect(program.refresh(handle, 0x3_0000_0000n, 4096n)).toBe(status(8));
    expect(events()).toEqual([true, handle, 0, 2, 0x3_0000_0000n]);
    program.clp(5, 32, (BigInt(handle) << 32n) | 0x100n);
    program.enable(0x2_0000);
    expect(controls()).toBe(0x80);
  });

  it('tell of interrupts and measurements that have no place', async () => {
    const guest = await guestWith();
    const { program, mainframe, clock, machine } = guest;
    const handle = ready(guest);
    program.modify(handle, 3);
    expect(program.modify(handle, 2, { ...INTERRUPTS, 48: 0x7000_0000n })).toBe(0);
    offer(guest);
    program.store(handle, 4, 2, 0x3000, 0);
    expect(mainframe.css.takePciEvent()).toMatchObject({ isError: true, code: 0x13, more: false });
    expect(program.modify(handle, 10, { 64: 0x6003n })).toBe(status(0));
    expect(mainframe.css.takePciEvent()).toMatchObject({ isError: true, code: 0x2c, address: 0x6003n });
    expect(program.modify(handle, 10, { 64: 0x7000_0000n })).toBe(0);
    for (let i = 0; i < 2; i++) {
      clock.advance(4e9);
      machine.clock.now();
    }
    expect(mainframe.css.takePciEvent()).toMatchObject({
      isError: true,
      code: 0x2a,
      address: 0x7000_0000n,
      more: false,
    });
    // The function itself goes on.
    expect(program.load(handle, 15, 4, 0).cc).toBe(0);
  });

  it('make messages bits in storage, and one interruption until the mode is set again', async () => {
    const guest = await guestWith();
    const { program, storage, pending } = guest;
    const handle = ready(guest);
    expect(program.suppress(1)).toBe(-1);
    const again = () => {
      offer(guest);
      program.store(handle, 4, 2, 0x3000, 0);
    };
    again();
    expect([storage.byte(VECTOR + 1), storage.byte(SUMMARY)]).toEqual([0x40, 0x10]);
    expect(pending.io).toEqual([{ subsystemId: 0, parameter: 0, word: 0x9000_0000 }]);
    // The summary is set: whoever sees it looks at the bits.
    again();
    expect(pending.io).toHaveLength(1);
    storage.setByte(SUMMARY, 0);
    again();
    expect(pending.io).toHaveLength(1);
    expect(program.suppress(1)).toBe(-1);
    storage.setByte(SUMMARY, 0);
    again();
    expect(pending.io).toHaveLength(2);
    expect(program.suppress(0)).toBe(-1);
    for (let i = 0; i < 2; i++) {
      storage.setByte(SUMMARY, 0);
      again();
    }
    expect(pending.io).toHaveLength(4);
    expect(program.suppress(2)).toBe(OPERAND);
  });

  it('measure: counts come every four seconds', async () => {
    const { program, storage, clock, machine } = await guestWith();
    const handle = program.enable(0x2_0000);
    expect(program.modify(handle, 10, { 64: 0x6001n })).toBe(status(0));
    expect(program.modify(handle, 10, { 64: 0x6000n })).toBe(0);
    program.load(handle, 15, 4, 0);
    program.load(handle, 15, 4, 0);
    program.store(handle, 15, 4, 0x10, 0);
    for (let i = 0; i < 2; i++) {
      clock.advance(4e9);
      machine.clock.now();
    }
    expect([storage.word(0x6004), ...[0x10, 0x18, 0x20].map((at) => storage.doubleword(0x6000 + at))]).toEqual([
      2,
      2n,
      1n,
      0n,
    ]);
  });

  it('are part of a snapshot', async () => {
    const guest = await guestWith();
    const handle = ready(guest);
    const saved = saveTree(guest.machine);
    guest.machine.reset();
    expect(guest.program.load(handle, 15, 4, 0).cc).toBe(NO_FUNCTION);
    restoreTree(guest.machine, saved);
    offer(guest);
    expect(guest.program.store(handle, 4, 2, 0x3000, 0)).toBe(0);
    expect(guest.storage.byte(VECTOR + 1)).toBe(0x40);
  });
});

describe('functions that come and go', () => {
  it('are told to the program, which is asked first, and puts them aside itself', async () => {
    const { machine, mainframe, program, pending, pci } = await guestWith();
    const events = () => {
      const told: number[][] = [];
      for (let event = mainframe.css.takePciEvent(); event !== undefined; event = mainframe.css.takePciEvent()) {
        told.push([event.handle, event.fid, event.code]);
      }
      return told;
    };
    plugDevice(machine, { driver: 'virtio-rng-pci', id: 'late' });
    expect(pending.reports).toBe(1);
    expect(events()).toEqual([[0x2_0002, 1, 0x301]]);
    const handle = program.enable(0x2_0002);
    // The program puts it aside, and takes it again.
    expect([pci.configure(1, true), pci.configure(1, false), pci.configure(77, false)]).toEqual([
      'unchanged',
      'done',
      'unknown',
    ]);
    expect(program.load(handle, 15, 4, 0).cc).toBe(NO_FUNCTION);
    expect(program.clp(2, 4064).response.slice(-32)).toBe('10051af4000000000000000100020002');
    expect(pci.configure(1, true)).toBe('done');
    unplugDevice(machine, 'late');
    expect(events()).toEqual([[0x2_0002, 1, 0x303]]);
    expect(pci.functions).toHaveLength(3);
    // As Linux does: disabled first, then put aside.
    const again = program.enable(0x2_0002);
    program.clp(5, 32, (BigInt(again) << 32n) | 0x100n);
    expect(pci.configure(1, false)).toBe('done');
    expect(events()).toEqual([[0x2_0002, 1, 0x308]]);
    expect([pci.functions.length, pci.bus.devices.length]).toEqual([2, 2]);
    // One that is aside goes at once.
    expect(pci.configure(9, false)).toBe('done');
    unplugDevice(machine, 'blk');
    expect(events()).toEqual([[0x2_0001, 9, 0x308]]);
    plugDevice(machine, { driver: 'virtio-rng-pci', id: 'late' });
    expect(events()).toEqual([[0x2_0001, 1, 0x301]]);
  });

  it('fail without a trace', async () => {
    const { machine, pci } = await guestWith();
    expect(() => plugDevice(machine, { driver: 'virtio-blk-pci' })).toThrow('drive property not set');
    expect(() => plugDevice(machine, { driver: 'virtio-rng-pci', properties: { vectors: 0 } })).toThrow('MSI-X');
    expect([pci.functions.length, pci.bus.devices.length]).toEqual([2, 2]);
    expect(machine.children.get('peripheral-anon')?.children.size).toBe(2);
  });
});

type TestGuest = Awaited<ReturnType<typeof guestWith>>;

/** The generator with a driver: message 1 of it is queue 0's. */
function ready({ program, storage }: TestGuest): number {
  const handle = program.enable(0x2_0000);
  expect(program.modify(handle, 2, INTERRUPTS)).toBe(0);
  program.store(handle, 15, 2, 0x9a, 0x0080);
  // Entry 1 of the table: address 0xfe000000_00000000, data 1, not masked.
  for (const [at, value] of [0, 0xfe, 0x0100_0000, 0].entries()) program.store(handle, 1, 4, 16 + 4 * at, value);
  program.store(handle, 4, 4, 0x08, 0x0100_0000);
  program.store(handle, 4, 4, 0x0c, 0x0100_0000);
  program.store(handle, 4, 1, 0x14, 0x0b);
  program.store(handle, 4, 2, 0x1a, 0x0100);
  for (const [i, address] of [0x0000_1000n, 0x0010_1000n, 0x0020_1000n].entries()) {
    program.store(handle, 4, 8, 0x20 + 8 * i, address << 32n);
  }
  program.store(handle, 4, 2, 0x1c, 0x0100);
  program.store(handle, 4, 1, 0x14, 0x0f);
  const buffer = new DataView(new ArrayBuffer(16));
  buffer.setUint32(0, RINGS + 0x3000, true);
  buffer.setUint32(8, 16, true);
  buffer.setUint16(12, 2, true);
  storage.write(RINGS, new Uint8Array(buffer.buffer));
  return handle;
}

/** One more buffer in the ring. */
function offer({ storage }: TestGuest): void {
  storage.setByte(RINGS + 0x1002, (storage.byte(RINGS + 0x1002) ?? 0) + 1);
}
