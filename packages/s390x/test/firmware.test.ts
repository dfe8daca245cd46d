/**
 * IPL from disks through the firmware of QEMU's packages. It speaks to them as drivers did before VIRTIO 1.0, and starts what it has
 * loaded by DIAGNOSE 0x308. Skipped with a printed reason where the firmware is not installed.
 */
import { readFile } from 'node:fs/promises';
import { type MachineOptions, MemoryBlock, MiB } from '@boardwalk/core';
import { machineBooter, type TestMachine } from '@boardwalk/testing';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { s390CcwVirtio } from '../src/index.ts';

const FIRMWARE = '/usr/share/qemu/s390-ccw.img';
const SECTOR = 2048;
const MINUTE = 60_000;

const bootMachine = machineBooter(afterEach);

async function boot(
  context: TestContext,
  disks: readonly Uint8Array[],
  options: MachineOptions = {},
): Promise<TestMachine> {
  const firmware = await readFile(FIRMWARE).catch(() => context.skip(`${FIRMWARE} is not installed`));
  const drives = disks.map((disk) => ({ if: 'virtio' as const, backend: new MemoryBlock(disk) }));
  return bootMachine({ board: s390CcwVirtio, ramSize: MiB(64), firmware, drives, ...options });
}

/** Says a text by a service call, and ends in the wait that means that all is done. Lies at 0. */
function program(text: string): Uint8Array {
  const image = new Uint8Array(0x3000 + 256);
  const view = new DataView(image.buffer);
  view.setBigUint64(0, 0x0008_0000_8000_0200n);
  // By these bytes the firmware knows a kernel of Linux in an image.
  const known = '020000186000005002000068600000504040404040404040';
  // basr %r13,0; l %r1,cmd; l %r2,block; servc %r1,%r2; lpsw wait; then wait, cmd, block.
  const code = '0dd05810d01e5820d022b22000128200d016070707070707000a000080000fff0076000500003000';
  for (const [at, hex] of [
    [8, known],
    [0x200, code],
  ] as const) {
    for (let i = 0; i < hex.length; i += 2) image[at + i / 2] = Number.parseInt(hex.slice(i, i + 2), 16);
  }
  const bytes = new TextEncoder().encode(text);
  view.setUint16(0x3000, 14 + bytes.length);
  view.setUint16(0x3008, 6 + bytes.length);
  image[0x300a] = 0x1a;
  image.set(bytes, 0x300e);
  return image;
}

/** A directory record of ECMA-119, 9.1: both byte orders, and nothing that nobody looks at. */
function directoryRecord(name: string, first: number, bytes: number, directory: boolean): Uint8Array {
  const record = new Uint8Array(33 + name.length + (name.length % 2 === 0 ? 1 : 0));
  const view = new DataView(record.buffer);
  record[0] = record.length;
  for (const [at, value] of [
    [2, first],
    [10, bytes],
  ] as const) {
    view.setUint32(at, value, true);
    view.setUint32(at + 4, value);
  }
  record[25] = directory ? 2 : 0;
  record[32] = name.length;
  record.set(new TextEncoder().encode(name), 33);
  return record;
}

/** A CD with a boot image ("El Torito" Bootable CD-ROM Format Specification, version 1.0; ECMA-119). */
function bootableCd(image: Uint8Array): Uint8Array {
  const root = 20;
  const first = 21;
  const sectors = Math.ceil(image.length / SECTOR);
  const cd = new Uint8Array((first + sectors + 150) * SECTOR);
  const view = new DataView(cd.buffer);
  const text = (at: number, value: string) => cd.set(new TextEncoder().encode(value), at);
  for (const [sector, type] of [
    [16, 1],
    [17, 0],
    [18, 255],
  ] as const) {
    cd[sector * SECTOR] = type;
    text(sector * SECTOR + 1, 'CD001\u0001');
  }
  // The root directory, with the image: the firmware takes its size from there.
  cd.set(directoryRecord('\u0000', root, SECTOR, true), 16 * SECTOR + 156);
  let at = root * SECTOR;
  for (const record of [
    directoryRecord('\u0000', root, SECTOR, true),
    directoryRecord('\u0001', root, SECTOR, true),
    directoryRecord('BOOT.IMG;1', first, image.length, false),
  ]) {
    cd.set(record, at);
    at += record.length;
  }
  text(17 * SECTOR + 7, 'EL TORITO SPECIFICATION');
  view.setUint32(17 * SECTOR + 0x47, 19, true);
  const catalog = 19 * SECTOR;
  cd[catalog] = 1;
  view.setUint16(catalog + 0x1e, 0xaa55, true);
  // All words of the entry add up to 0.
  view.setUint16(catalog + 0x1c, 0x1_0000 - 0xaa55 - 1, true);
  cd[catalog + 0x20] = 0x88;
  view.setUint16(catalog + 0x26, sectors * 4, true);
  view.setUint32(catalog + 0x28, first, true);
  cd.set(image, first * SECTOR);
  return cd;
}

describe('the firmware s390-ccw.img', () => {
  it(
    'loads a program from a CD, and starts it',
    async (context) => {
      const machine = await boot(context, [bootableCd(program('loaded from the disk\n'))]);
      await machine.expectSerial('loaded from the disk', { timeoutMs: MINUTE });
      expect(await machine.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
    },
    2 * MINUTE,
  );

  it(
    'finds nothing on an empty disk, which is a panic',
    async (context) => {
      const machine = await boot(context, [new Uint8Array(MiB(16))], { boardProps: { loadparm: 'test' } });
      await machine.expectSerial('LOADPARM=[TEST    ]', { timeoutMs: MINUTE });
      await machine.expectSerial('Using virtio-blk.');
      await machine.expectSerial('Failed to load OS from hard disk');
      expect(await machine.exit()).toMatchObject({ cause: 'guest', reason: 'panic' });
    },
    2 * MINUTE,
  );
});
