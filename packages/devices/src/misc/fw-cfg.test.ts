import { describe, expect, it } from 'vitest';
import { place, RAM_BASE, testMachine } from '../../test/machine.ts';
import { FW_CFG_FILE_DIR, FW_CFG_NB_CPUS, FwCfg } from './fw-cfg.ts';

const BASE = 0x1010_0000;
const REQUEST = RAM_BASE + 0x1000;
const BUFFER = RAM_BASE + 0x2000;
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

const ERROR = 1;
const READ = 2;
const SKIP = 4;
const SELECT = 8;
const WRITE = 16;

async function fwCfg() {
  let device = new FwCfg();
  const test = await testMachine((machine) => {
    device = place(machine, BASE, new FwCfg());
  });
  const as = test.machine.addressSpace;
  const select = (key: number): void => void as.store(BASE + 8, 2, ((key & 0xff) << 8) | (key >> 8));
  const bytes = (length: number): number[] => Array.from({ length }, () => test.r8(BASE));
  /** Does a DMA request; returns the control word that the device leaves. */
  const dma = (control: number, length: number, address = BUFFER, request = REQUEST): number => {
    const view = new DataView(new ArrayBuffer(24));
    view.setUint32(0, control);
    view.setUint32(4, length);
    view.setBigUint64(8, BigInt(address));
    as.writeBytes(request, new Uint8Array(view.buffer, 0, 16));
    view.setBigUint64(16, BigInt(request));
    as.writeBytes(BASE + 16, new Uint8Array(view.buffer, 16, 8));
    const left = new Uint8Array(4);
    as.readBytes(request, left);
    return new DataView(left.buffer).getUint32(0);
  };
  const buffer = (length: number): Uint8Array => {
    const into = new Uint8Array(length);
    as.readBytes(BUFFER, into);
    return into;
  };
  return { ...test, device, as, select, bytes, dma, buffer };
}

describe('fw_cfg', () => {
  it('says who it is and that it has DMA', async () => {
    const { select, bytes, as } = await fwCfg();
    select(0);
    expect(String.fromCharCode(...bytes(5))).toBe('QEMU\0');
    select(1);
    expect(bytes(4)).toEqual([3, 0, 0, 0]);
    const signature = new Uint8Array(8);
    as.readBytes(BASE + 16, signature);
    expect(new TextDecoder().decode(signature)).toBe('QEMU CFG');
  });

  it('reads an item in pieces of any size, in the order of its bytes', async () => {
    const { device, select, as } = await fwCfg();
    device.addBytes(
      0x8000,
      Uint8Array.from({ length: 16 }, (_, i) => i + 1),
    );
    select(0x8000);
    const read = (length: number): number[] => {
      const into = new Uint8Array(length);
      as.readBytes(BASE, into);
      return [...into];
    };
    expect([read(1), read(2), read(4), read(8), read(2)]).toEqual([
      [1],
      [2, 3],
      [4, 5, 6, 7],
      [8, 9, 10, 11, 12, 13, 14, 15],
      [16, 0],
    ]);
  });

  it('lists its files with size and number, by name', async () => {
    const { device, select, bytes } = await fwCfg();
    device.addFile('opt/b', text('second'));
    device.addFile('etc/a', text('one'));
    select(FW_CFG_FILE_DIR);
    const directory = Uint8Array.from(bytes(4 + 128));
    const view = new DataView(directory.buffer);
    expect(view.getUint32(0)).toBe(2);
    expect([view.getUint32(4), view.getUint16(8), String.fromCharCode(...directory.subarray(12, 18))]).toEqual([
      3,
      0x21,
      'etc/a\0',
    ]);
    expect([view.getUint32(68), view.getUint16(72)]).toEqual([6, 0x20]);
    select(0x21);
    expect(String.fromCharCode(...bytes(3))).toBe('one');
    expect(() => device.addFile('x'.repeat(56), text(''))).toThrow(/1 to 55 bytes/);
  });

  it('gives numbers little-endian', async () => {
    const { device, select, bytes } = await fwCfg();
    device.addU16(FW_CFG_NB_CPUS, 0x0102);
    select(FW_CFG_NB_CPUS);
    expect(bytes(2)).toEqual([2, 1]);
  });

  it('reads by DMA, with zeros after the end, and skips', async () => {
    const { device, dma, buffer, as } = await fwCfg();
    const key = device.addFile('etc/data', text('0123456789'));
    as.writeBytes(BUFFER, new Uint8Array(16).fill(0xee));
    expect(dma((key << 16) | SELECT | READ, 4)).toBe(0);
    expect(dma(SKIP, 2)).toBe(0);
    expect(new TextDecoder().decode(buffer(5))).toBe('0123\xee'.replace('\xee', '\ufffd'));
    expect(dma(READ, 8)).toBe(0);
    expect([...buffer(9)]).toEqual([...text('6789'), 0, 0, 0, 0, 0xee]);
  });

  it('writes by DMA to what may be written, and tells', async () => {
    const { device, dma, as } = await fwCfg();
    let told = 0;
    const contents = new Uint8Array(8);
    const key = device.addFile('etc/out', contents, { writable: true, onWrite: () => told++ });
    const fixed = device.addFile('etc/fixed', text('fixed'));
    as.writeBytes(BUFFER, text('abcdefgh'));
    expect(dma((key << 16) | SELECT | WRITE, 8)).toBe(0);
    expect([new TextDecoder().decode(contents), told]).toEqual(['abcdefgh', 1]);
    expect(dma((key << 16) | SELECT | WRITE, 9)).toBe(ERROR);
    expect(dma((fixed << 16) | SELECT | WRITE, 1)).toBe(ERROR);
  });

  it('survives requests and buffers that are nowhere', async () => {
    const { dma, as, errors } = await fwCfg();
    expect(dma(READ, 16, 0x1000)).toBe(ERROR);
    expect(dma(READ, 0xffff_ffff, RAM_BASE)).toBe(ERROR);
    expect(dma(READ, 16, BASE)).toBe(ERROR);
    as.store64(BASE + 16, 0xffff_ffff_ffff_ffffn);
    expect(errors.at(-1)).toMatch(/DMA request/);
  });
});
