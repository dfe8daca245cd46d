// CHANNEL SUBSYSTEM CALL and the instructions that concern no single subchannel; responses as observed of qemu-system-s390x 7.2.
import { type DeviceOptions, plugDevice, unplugDevice } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { PGM_OPERAND, programInterruption } from '../cpu/services.ts';
import { FIRST, type Guest, guestWith } from './test-program.ts';
import { SCHIB_BYTES } from './words.ts';

function call(guest: Guest, words: readonly number[], length = 0x10): DataView {
  const page = new DataView(new ArrayBuffer(4096));
  for (const [i, word] of words.entries()) page.setUint32(4 * i, word);
  page.setUint16(0, length);
  expect(guest.css.channelSubsystemCall(guest.test.cpu, page)).toBe(0);
  return page;
}

describe('CHANNEL SUBSYSTEM CALL', () => {
  it('tells the characteristics', async () => {
    const page = call(await guestWith(), [0x0010]);
    expect([page.getUint32(0x10), page.getUint32(0x18), page.getUint32(0x1c)]).toEqual([
      0x0ff0_0001, 0x0300_0000, 0x0007_9000,
    ]);
    expect([page.getUint32(0x810), page.getUint32(0x81c)]).toEqual([0x4000_0000, 0x0004_0000]);
  });

  it('describes the channel path', async () => {
    const guest = await guestWith();
    expect(call(guest, [0x0002, 0, 0xff]).getBigUint64(0x10)).toBe(0x0010_0001_0000_0000n);
    expect(call(guest, [0x0002, 0, 0xff]).getBigUint64(0x18)).toBe(0x8000_3200_0000_0000n);
    expect(call(guest, [0x0002, 1, 0xff]).getUint32(0x10)).toBe(0x0008_0001);
    expect(call(guest, [0x0002, 5, 2]).getUint32(0x10)).toBe(0x0008_0003);
    expect(call(guest, [0x0002, 0x0100_0000, 0xff]).getUint32(0x10)).toBe(0x0008_0007);
    expect(call(guest, [0x0002, 0x20fd_0000, 0xff]).getUint32(0x10)).toBe(0x0008_0008);
  });

  it('describes subchannels', async () => {
    const page = call(await guestWith(), [0x0004, 0, 1]);
    expect(page.getUint32(0x10)).toBe(0x0048_0001);
    expect(page.getBigUint64(0x18)).toBe(0xc000_0000_8000_0000n);
    expect(page.getBigUint64(0x38)).toBe(1n);
  });

  it('refuses what it does not know', async () => {
    const guest = await guestWith();
    expect(call(guest, [0x0099]).getUint32(0x10)).toBe(0x0008_0004);
    expect(call(guest, [0x000e]).getUint32(0x10)).toBe(0x0008_0005);
    expect(call(guest, [0x0010], 0x20).getUint32(0x20)).toBe(0x0008_0003);
    expect(call(guest, [0x0031, 7], 0x400).getUint32(0x400)).toBe(0x0008_0003);
    const page = new DataView(new ArrayBuffer(4096));
    expect(guest.css.channelSubsystemCall(guest.test.cpu, page)).toBe(programInterruption(PGM_OPERAND));
  });
});

describe('channel paths', () => {
  it('are reset with a report', async () => {
    const guest = await guestWith();
    const crw = new DataView(new ArrayBuffer(4));
    expect(guest.css.resetChannelPath(guest.test.cpu, 5)).toBe(3);
    expect(guest.css.resetChannelPath(guest.test.cpu, 0)).toBe(0);
    expect(guest.test.pending.reports).toBe(1);
    expect(guest.css.storeChannelReportWord(guest.test.cpu, crw)).toBe(0);
    expect(crw.getUint32(0)).toBe(0x4402_0000);
    expect(guest.css.storeChannelReportWord(guest.test.cpu, crw)).toBe(1);
  });
});

describe('devices that come and go', () => {
  const rng = (id: string, devno: string): DeviceOptions => ({ driver: 'virtio-rng-ccw', id, properties: { devno } });

  it('leave a gap, or nothing behind the last', async () => {
    const { test, css } = await guestWith();
    const first = [...css.subchannels()].length;
    plugDevice(test.machine, rng('a', 'fe.0.1001'));
    plugDevice(test.machine, rng('b', 'fe.0.1002'));
    const look = (number: number) => {
      const schib = new DataView(new ArrayBuffer(SCHIB_BYTES));
      return [css.storeSubchannel(test.cpu, FIRST + number, schib), schib.getUint32(4)];
    };
    expect(look(first)).toEqual([0, 0x0001_1001]);
    unplugDevice(test.machine, 'a');
    expect(look(first)).toEqual([0, 0]);
    expect(css.clearSubchannel(test.cpu, FIRST + first)).toBe(3);
    unplugDevice(test.machine, 'b');
    expect([look(first), look(first + 1)]).toEqual([
      [3, 0],
      [3, 0],
    ]);
  });

  it('are reported where the program knows of their set', async () => {
    const guest = await guestWith();
    const { test, css } = guest;
    const reports = () => {
      const words: number[] = [];
      const crw = new DataView(new ArrayBuffer(4));
      while (css.storeChannelReportWord(test.cpu, crw) === 0) words.push(crw.getUint32(0));
      return words;
    };
    plugDevice(test.machine, rng('a', 'fe.2.1001'));
    expect(reports()).toEqual([]);
    call(guest, [0x0031, 2], 0x400);
    unplugDevice(test.machine, 'a');
    expect(reports()).toEqual([0x1304_0000, 0x0304_0020]);
    call(guest, [0x0031, 0], 0x400);
    plugDevice(test.machine, rng('a', 'fe.2.1001'));
    expect(reports()).toEqual([0x1304_0000, 0x0304_fe20]);
  });
});

describe('measurement blocks', () => {
  it('count the programs that are started', async () => {
    const guest = await guestWith();
    const { cpu } = guest.test;
    const origin = 0x4_0000;
    expect(guest.css.setChannelMonitor(cpu, 2, BigInt(origin + 1))).toBe(programInterruption(PGM_OPERAND));
    expect(guest.css.setChannelMonitor(cpu, 2, BigInt(origin))).toBe(0);
    const { schib } = guest.schib();
    schib.setUint16(4, schib.getUint16(4) | 0x10);
    schib.setUint16(12, 3);
    guest.css.modifySubchannel(cpu, FIRST, schib);
    guest.run(0x03, 1);
    guest.run(0x03, 1);
    expect(guest.storage.word(origin + 96)).toBe(0x0002_0002);
  });
});
