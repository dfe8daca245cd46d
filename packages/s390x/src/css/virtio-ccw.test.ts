// Virtio over channel I/O. Statuses marked "observed" are what qemu-system-s390x 7.2 gives for the same commands.
import { MemoryBlock, plugDevice, removeDevice, restoreTree, saveTree } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { DATA, FIRST, type Guest, guestWith } from './test-program.ts';
import type { VirtioCcw } from './virtio-ccw.ts';
import { PMCW } from './words.ts';

const OK = [0x0c, 0, 0];
const REJECTED = [0x02, 0, 0];
const PROGRAM_CHECK = [0, 0x20, 0];

const SET_REVISION = 0x83;
const RESET = 0x33;
const NOTIFY = 3n;

const RINGS = 0x10_0000;
const BUFFER = 0x20_0000;
const INDICATORS = 0x30_0000;

function setRevision(guest: Guest, revision: number): readonly [number, number, number] {
  guest.storage.setWord(DATA, revision << 16);
  return guest.run(SET_REVISION, 4);
}

function readFeatures(guest: Guest, word: number): number {
  guest.storage.setDoubleword(DATA, BigInt(word) << 24n);
  expect(guest.run(0x12, 5)).toEqual(OK);
  const [a = 0, b = 0, c = 0, d = 0] = guest.bytes(DATA, 4);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

function writeFeatures(guest: Guest, word: number, features: number): void {
  const bytes = new DataView(new ArrayBuffer(5));
  bytes.setUint32(0, features, true);
  bytes.setUint8(4, word);
  guest.storage.write(DATA, new Uint8Array(bytes.buffer));
  expect(guest.run(0x11, 5)).toEqual(OK);
}

function setStatus(guest: Guest, status: number): void {
  guest.storage.setByte(DATA, status);
  expect(guest.run(0x31, 1)).toEqual(OK);
}

/** Queue 0 of 8, by revision 1's block. */
function setQueue(guest: Guest): void {
  guest.storage.setDoubleword(DATA, BigInt(RINGS));
  guest.storage.setDoubleword(DATA + 8, 8n);
  guest.storage.setDoubleword(DATA + 16, BigInt(RINGS + 0x1000));
  guest.storage.setDoubleword(DATA + 24, BigInt(RINGS + 0x2000));
  expect(guest.run(0x13, 32)).toEqual(OK);
}

function diagnose500(guest: Guest, id: number, queue: number): bigint {
  const { cpu, mainframe } = guest.test;
  cpu.setGpr(1, NOTIFY);
  cpu.setGpr(2, BigInt(id));
  cpu.setGpr(3, BigInt(queue));
  mainframe.diagnose(cpu, 0x500, 2, 4);
  return BigInt.asIntN(64, cpu.gpr(2));
}

/** Puts one writable buffer of 16 bytes into the ring, little-endian. */
function offerBuffer(guest: Guest, index: number): void {
  const bytes = new DataView(new ArrayBuffer(16));
  bytes.setUint32(0, BUFFER, true);
  bytes.setUint32(8, 16, true);
  bytes.setUint16(12, 2, true);
  guest.storage.write(RINGS, new Uint8Array(bytes.buffer));
  guest.storage.write(RINGS + 0x1002, Uint8Array.of(index, 0));
}

/** A driver of revision 1 is ready, with a queue. */
async function readyGuest(): Promise<Guest> {
  const guest = await guestWith();
  setRevision(guest, 1);
  setStatus(guest, 3);
  writeFeatures(guest, 0, 0);
  writeFeatures(guest, 1, 1);
  setStatus(guest, 0x0b);
  setQueue(guest);
  return guest;
}

describe('the revision', () => {
  it('is chosen once, and forgotten when the subchannel is disabled (observed)', async () => {
    const guest = await guestWith();
    expect(setRevision(guest, 5)).toEqual(REJECTED);
    expect(setRevision(guest, 1)).toEqual(OK);
    expect(setRevision(guest, 1)).toEqual(REJECTED);
    expect(guest.run(RESET, 0)).toEqual(OK);
    expect(setRevision(guest, 2)).toEqual(REJECTED);
    guest.enable(FIRST, { enabled: false });
    guest.enable();
    expect(setRevision(guest, 2)).toEqual(OK);
  });

  it('is 0 for a driver that does not speak of it, which is offered no version 1 (observed)', async () => {
    const guest = await guestWith();
    expect(readFeatures(guest, 1)).toBe(0);
    expect(setRevision(guest, 1)).toEqual(REJECTED);
    guest.enable(FIRST, { enabled: false });
    guest.enable();
    setRevision(guest, 1);
    expect(readFeatures(guest, 1)).toBe(1);
    expect(readFeatures(guest, 2)).toBe(0);
  });

  it('goes as far as the user lets it', async () => {
    const guest = await guestWith({ devices: [{ driver: 'virtio-rng-ccw', properties: { max_revision: 0 } }] });
    expect(setRevision(guest, 1)).toEqual(REJECTED);
  });
});

describe('commands', () => {
  it('need all of their argument (observed)', async () => {
    const guest = await guestWith();
    for (const [command, count] of [
      [0x12, 4],
      [0x43, 4],
      [0x53, 7],
      [0x73, 17],
      [0x32, 3],
    ] as const) {
      expect(guest.run(command, count)).toEqual(PROGRAM_CHECK);
    }
  });

  it('tell queue sizes, and of no queue that is not there (observed)', async () => {
    const guest = await guestWith();
    guest.storage.setWord(DATA, 0);
    expect(guest.run(0x32, 4)).toEqual(OK);
    expect(guest.bytes(DATA, 4)).toEqual([0, 0, 0, 8]);
    guest.storage.setWord(DATA, 0x0001_0000);
    guest.run(0x32, 4);
    expect(guest.bytes(DATA, 4)).toEqual([0, 1, 0, 0]);
  });

  it('read and write the status (observed)', async () => {
    const guest = await guestWith();
    setStatus(guest, 3);
    expect(guest.run(0x72, 8, DATA, 0x20)).toEqual([0x0c, 0, 7]);
    expect(guest.bytes(DATA, 1)).toEqual([3]);
    guest.run(RESET, 0);
    guest.run(0x72, 1);
    expect(guest.bytes(DATA, 1)).toEqual([0]);
  });

  it('read and write configuration space: what changed counts', async () => {
    const backend = new MemoryBlock(new Uint8Array(4096));
    const guest = await guestWith({
      drives: [{ if: 'none', id: 'd', backend }],
      devices: [{ driver: 'virtio-blk-ccw', properties: { drive: 'd' } }],
    });
    setRevision(guest, 1);
    writeFeatures(guest, 0, readFeatures(guest, 0));
    expect(guest.run(0x22, 33)).toEqual(OK);
    expect(guest.bytes(DATA, 8)).toEqual([8, 0, 0, 0, 0, 0, 0, 0]);
    guest.storage.setByte(DATA + 32, 0);
    expect(guest.run(0x21, 33)).toEqual(OK);
    guest.run(0x22, 33);
    expect(guest.bytes(DATA + 32, 1)).toEqual([0]);
    guest.run(0x22, 128, DATA, 0x20);
    expect(guest.bytes(DATA + 60, 4)).toEqual([0, 0, 0, 0]);
  });

  it('take classic indicators or adapter indicators, not both (observed)', async () => {
    const guest = await guestWith();
    guest.storage.setDoubleword(DATA, BigInt(INDICATORS));
    expect(guest.run(0x43, 8)).toEqual(OK);
    expect(guest.run(0x73, 25)).toEqual(REJECTED);
    guest.run(RESET, 0);
    guest.storage.setDoubleword(DATA + 8, BigInt(INDICATORS + 8));
    expect(guest.run(0x73, 25)).toEqual(OK);
    expect(guest.run(0x43, 8)).toEqual(REJECTED);
  });
});

describe('a queue', () => {
  it('is served when the driver notifies, which the indicator and the subchannel tell', async () => {
    const guest = await readyGuest();
    guest.storage.setDoubleword(DATA, BigInt(INDICATORS));
    guest.run(0x43, 8);
    setStatus(guest, 0x0f);
    offerBuffer(guest, 1);
    expect(diagnose500(guest, FIRST, 0)).toBe(0n);
    expect(guest.bytes(BUFFER, 16).some((byte) => byte !== 0)).toBe(true);
    expect(guest.bytes(RINGS + 0x2002, 2)).toEqual([1, 0]);
    expect(guest.storage.doubleword(INDICATORS)).toBe(1n);
    expect(guest.test.pending.io).toHaveLength(1);
    expect(guest.status().scsw[0]).toBe(0x0080_0011);
  });

  it('sets adapter indicators: one interruption until the driver clears the summary', async () => {
    const guest = await readyGuest();
    const summary = INDICATORS + 64;
    guest.storage.setDoubleword(DATA, BigInt(summary));
    guest.storage.setDoubleword(DATA + 8, BigInt(INDICATORS));
    guest.storage.setDoubleword(DATA + 16, 13n);
    guest.storage.setByte(DATA + 24, 5);
    expect(guest.run(0x73, 25)).toEqual(OK);
    setStatus(guest, 0x0f);
    for (const index of [1, 2]) {
      offerBuffer(guest, index);
      diagnose500(guest, FIRST, 0);
    }
    expect(guest.bytes(INDICATORS, 2)).toEqual([0, 0x04]);
    expect(guest.bytes(summary, 1)).toEqual([1]);
    expect(guest.test.pending.io).toEqual([{ subsystemId: 0, parameter: 0, word: 0xa800_0000 }]);
    guest.storage.setByte(summary, 0);
    offerBuffer(guest, 3);
    diagnose500(guest, FIRST, 0);
    expect(guest.test.pending.io).toHaveLength(2);
  });

  it('that is not there, or on no such subchannel, is an error to the driver (observed)', async () => {
    const guest = await readyGuest();
    expect(diagnose500(guest, FIRST, 7)).toBe(-22n);
    expect(diagnose500(guest, FIRST + 9, 0)).toBe(-22n);
    guest.enable(FIRST, { enabled: false });
    expect(diagnose500(guest, FIRST, 0)).toBe(-22n);
  });

  it('of an old driver is big-endian, its areas one behind the other', async () => {
    const guest = await guestWith();
    guest.run(RESET, 0);
    guest.storage.setDoubleword(DATA, BigInt(RINGS));
    guest.storage.setDoubleword(DATA + 8, 0x0000_1000_0000_0008n);
    expect(guest.run(0x13, 16)).toEqual(OK);
    guest.storage.setDoubleword(RINGS, BigInt(BUFFER));
    guest.storage.setDoubleword(RINGS + 8, 0x0000_0010_0002_0000n);
    guest.storage.setHalfword(RINGS + 128 + 2, 1);
    setStatus(guest, 7);
    diagnose500(guest, FIRST, 0);
    expect(guest.bytes(RINGS + 0x1000, 12)).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16]);
    expect(guest.bytes(BUFFER, 16).some((byte) => byte !== 0)).toBe(true);
  });
});

describe('a disk', () => {
  it('reads its header and its capacity in the byte order of an old driver', async () => {
    const bytes = new Uint8Array(1024).fill(0x11, 512);
    const guest = await guestWith({
      drives: [{ if: 'none', id: 'd', backend: new MemoryBlock(bytes) }],
      devices: [{ driver: 'virtio-blk-ccw', properties: { drive: 'd' } }],
    });
    guest.run(RESET, 0);
    guest.run(0x22, 8, DATA, 0x20);
    expect(guest.bytes(DATA, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 2]);
    guest.storage.setDoubleword(DATA, BigInt(RINGS));
    guest.storage.setDoubleword(DATA + 8, 0x0000_1000_0000_0008n);
    guest.run(0x13, 16);
    // Header (sector 1), data, status: three descriptors.
    guest.storage.setDoubleword(BUFFER + 8, 1n);
    for (const [i, [address, length, flags]] of [
      [BUFFER, 16, 1],
      [BUFFER + 512, 512, 3],
      [BUFFER + 1024, 1, 2],
    ].entries()) {
      guest.storage.setDoubleword(RINGS + 16 * i, BigInt(address ?? 0));
      guest.storage.setWord(RINGS + 16 * i + 8, length ?? 0);
      guest.storage.setWord(RINGS + 16 * i + 12, ((flags ?? 0) << 16) | (i + 1));
    }
    guest.storage.setHalfword(RINGS + 128 + 2, 1);
    guest.storage.setByte(BUFFER + 1024, 0xff);
    setStatus(guest, 7);
    diagnose500(guest, FIRST, 0);
    await expect.poll(() => guest.bytes(BUFFER + 1024, 1)).toEqual([0]);
    expect(guest.bytes(BUFFER + 512, 2)).toEqual([0x11, 0x11]);
  });
});

describe('devices of the user', () => {
  const rng = (devno?: string) => ({ driver: 'virtio-rng-ccw', ...(devno && { properties: { devno } }) });

  it('have the device numbers that were asked for, or the first that are free', async () => {
    const guest = await guestWith({ devices: [rng('fe.0.0000'), rng(), rng('fe.2.abcd')] });
    const found = guest.test.machine.children.get('peripheral-anon')?.children;
    const ids = [...(found?.values() ?? [])].map((device) => [
      device.getProperty('dev_id'),
      device.getProperty('subch_id'),
    ]);
    expect(ids).toEqual([
      ['fe.0.0000', 'fe.0.0000'],
      ['fe.0.0001', 'fe.0.0001'],
      ['fe.2.abcd', 'fe.2.0000'],
    ]);
    expect(guest.schib(FIRST + 1).schib.getUint16(PMCW.deviceNumber)).toBe(1);
  });

  it.each([
    [['fe.0.0001', 'fe.0.0001'], 'Device fe.0.0001 already exists'],
    [['fe.4.0001'], 'Invalid cssid or ssid: cssid fe, ssid 4'],
    [['ff.0.0001'], 'Invalid cssid or ssid: cssid ff, ssid 0'],
    [['foo'], "Property 'virtio-rng-ccw.devno' doesn't take value 'foo'"],
    [['fe.0.00010'], "Property 'virtio-rng-ccw.devno' doesn't take value 'fe.0.00010'"],
  ])('are refused: %j', async (devnos, text) => {
    await expect(guestWith({ devices: devnos.map(rng) })).rejects.toThrow(text);
  });

  it('are all seen, also on other subchannel sets, when the program has enabled those', async () => {
    const guest = await guestWith({ devices: [rng('fe.1.0000')] });
    const second = 0x0003_0000;
    expect(guest.schib(second).cc).toBe(3);
    const page = new DataView(new ArrayBuffer(4096));
    page.setUint32(0, 0x0400_0031);
    page.setUint16(6, 2);
    guest.css.channelSubsystemCall(guest.test.cpu, page);
    expect(page.getUint16(0x402)).toBe(1);
    expect(guest.schib(second)).toMatchObject({ cc: 0 });
    expect(guest.schib(second).schib.getUint16(PMCW.flags)).toBe(1);
  });

  it('come and go with channel reports', async () => {
    const guest = await guestWith();
    const { machine, cpu, pending } = guest.test;
    const crw = new DataView(new ArrayBuffer(4));
    expect(guest.css.storeChannelReportWord(cpu, crw)).toBe(1);
    const device = plugDevice(machine, { driver: 'virtio-rng-ccw', id: 'late' });
    expect(pending.reports).toBe(1);
    expect(guest.css.storeChannelReportWord(cpu, crw)).toBe(0);
    expect(crw.getUint32(0)).toBe(0x0304_0001);
    expect(guest.enable(FIRST + 1)).toBe(0);
    removeDevice(device);
    expect(guest.css.storeChannelReportWord(cpu, crw)).toBe(0);
    expect(guest.start(undefined, FIRST + 1)).toBe(3);
    expect(guest.schib(FIRST + 1).schib.getUint16(PMCW.flags) & 1).toBe(0);
    expect((plugDevice(machine, { driver: 'virtio-rng-ccw' }) as VirtioCcw).subchannelText).toBe('fe.0.0001');
  });
});

it('a snapshot has subchannel, revision, queue and indicators', async () => {
  const guest = await readyGuest();
  guest.storage.setDoubleword(DATA, BigInt(INDICATORS));
  guest.run(0x43, 8);
  setStatus(guest, 0x0f);
  guest.ccws([[0xe4, 0, 7, DATA]]);
  guest.start();
  const saved = structuredClone(saveTree(guest.test.machine));
  const other = await guestWith();
  restoreTree(other.test.machine, saved);
  expect(other.status().scsw[0]).toBe(0x0080_4007);
  expect(setRevision(other, 1)).toEqual(REJECTED);
  offerBuffer(other, 1);
  expect(diagnose500(other, FIRST, 0)).toBe(0n);
  expect(other.storage.doubleword(INDICATORS)).toBe(1n);
  expect(saveTree(other.test.machine)['/machine/virtual-css-bridge']).toEqual(saved['/machine/virtual-css-bridge']);
});
