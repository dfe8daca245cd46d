// I/O instructions and channel programs. Status words marked "observed" are what qemu-system-s390x 7.2 gives for the same program.
import { describe, expect, it } from 'vitest';
import { PGM_OPERAND, programInterruption } from '../cpu/services.ts';
import { DATA, FIRST, guestWith, PARAMETER, PROGRAM } from './test-program.ts';

const ENDED = 0x0c;
const SENSE_ID = [0xff, 0x38, 0x32, 0x04, 0, 0, 0];

describe('START SUBCHANNEL', () => {
  it('runs a program, makes an interruption pending and leaves its status (observed)', async () => {
    const guest = await guestWith();
    guest.ccws([[0xe4, 0, 7, DATA]]);
    expect(guest.start()).toBe(0);
    expect(guest.test.pending.io).toEqual([{ subsystemId: FIRST, parameter: PARAMETER, word: 3 << 27 }]);
    const { cc, scsw, irb } = guest.status();
    expect([cc, ...scsw]).toEqual([0, 0x0080_4007, PROGRAM + 8, 0x0c00_0000]);
    expect(irb.getUint32(12)).toBe(0x0080_0000);
    expect(guest.bytes(DATA, 7)).toEqual(SENSE_ID);
    expect(guest.test.pending.io).toEqual([]);
    expect(guest.status().cc).toBe(1);
  });

  it('finds the subchannel disabled, with status, without a path, or not there', async () => {
    const guest = await guestWith();
    guest.ccws([[0x03, 0x20, 1, 0]]);
    expect(guest.start(undefined, FIRST + 1)).toBe(3);
    expect(guest.start(undefined, 0x0003_0000)).toBe(3);
    expect(guest.start()).toBe(0);
    expect(guest.start()).toBe(1);
    guest.status();
    const orb = new DataView(new ArrayBuffer(32));
    orb.setUint32(4, 0x0080_4000);
    orb.setUint32(8, PROGRAM);
    expect(guest.css.startSubchannel(guest.test.cpu, FIRST, orb)).toBe(3);
    guest.enable(FIRST, { enabled: false });
    expect(guest.start()).toBe(3);
    expect(guest.status().cc).toBe(3);
  });

  it('refuses words that are no subchannel, and blocks with bits that must be zero', async () => {
    const guest = await guestWith();
    const exception = programInterruption(PGM_OPERAND);
    expect(guest.start(undefined, 0)).toBe(exception);
    expect(guest.start(0x0080_0004)).toBe(exception);
    expect(guest.start(undefined, FIRST, 0x8000_0000)).toBe(exception);
    const { schib } = guest.schib();
    schib.setUint16(4, 0x0781);
    expect(guest.css.modifySubchannel(guest.test.cpu, FIRST, schib)).toBe(exception);
  });
});

describe('channel programs', () => {
  it('chain commands, follow transfers, and end where the chain does (observed)', async () => {
    const guest = await guestWith();
    guest.ccws([
      [0x03, 0x60, 0, 0],
      [0x08, 0, 0, PROGRAM + 24],
      [0x99, 0, 1, DATA],
      [0xe4, 0x20, 16, DATA],
    ]);
    guest.start();
    expect(guest.status().scsw).toEqual([0x0080_4007, PROGRAM + 32, 0x0c00_0009]);
    expect(guest.bytes(DATA, 7)).toEqual(SENSE_ID);
  });

  it.each([
    ['a program that begins with a transfer', [[0x08, 0, 0, PROGRAM + 8]], PROGRAM],
    [
      'a transfer with a count',
      [
        [0x03, 0x60, 1, 0],
        [0x08, 0, 1, PROGRAM + 16],
      ],
      PROGRAM,
    ],
    ['an address that is none', [[0xe4, 0x20, 7, 0x7fff_ff00]], PROGRAM],
    ['a command of zero', [[0x00, 0x20, 7, DATA]], PROGRAM],
    ['a modified IDAW that the ORB does not allow', [[0xe4, 0x01, 7, DATA]], PROGRAM],
    ['suspension that the ORB does not allow', [[0xe4, 0x02, 7, DATA]], PROGRAM],
    ['a program on no doubleword', [[0x03, 0, 0, 0]], PROGRAM + 4],
    ['a program beyond storage', [[0x03, 0, 0, 0]], 0x7fff_f000],
  ] as const)('%s is a program check (observed)', async (_, program, at) => {
    const guest = await guestWith();
    guest.ccws(program);
    guest.start(undefined, FIRST, at);
    const { scsw } = guest.status();
    expect(scsw[0]).toBe(0x0080_4017);
    expect(scsw[2]).toBe(0x0020_0000);
  });

  it('of format 0 have the address in the first word (observed)', async () => {
    const guest = await guestWith();
    guest.storage.setDoubleword(PROGRAM, 0xe402_0000_2000_0007n);
    guest.start(0);
    expect(guest.status().scsw).toEqual([0x0000_4007, PROGRAM + 8, 0x0c00_0000]);
    expect(guest.bytes(DATA, 7)).toEqual(SENSE_ID);
    guest.storage.setDoubleword(PROGRAM, 0xe402_0000_2000_0000n);
    guest.start(0);
    expect(guest.status().scsw[2]).toBe(0x0020_0000);
  });

  it('chain data over several areas', async () => {
    const guest = await guestWith();
    guest.ccws([
      [0xe4, 0x80, 3, DATA],
      [0x00, 0, 4, DATA + 64],
    ]);
    guest.start();
    expect(guest.status().scsw).toEqual([0x0080_4007, PROGRAM + 16, 0x0c00_0000]);
    expect(guest.bytes(DATA, 4)).toEqual([0xff, 0x38, 0x32, 0]);
    expect(guest.bytes(DATA + 64, 4)).toEqual([0x04, 0, 0, 0]);
  });

  it('tell of a wrong length unless it is suppressed', async () => {
    const guest = await guestWith();
    expect(guest.run(0xe4, 9)).toEqual([ENDED, 0x40, 2]);
    expect(guest.run(0xe4, 4)).toEqual([ENDED, 0x40, 0]);
    expect(guest.run(0xe4, 9, DATA, 0x20)).toEqual([ENDED, 0, 2]);
    expect(guest.run(0x03, 5)).toEqual([ENDED, 0, 5]);
  });

  it('skip what a command reads', async () => {
    const guest = await guestWith();
    expect(guest.run(0xe4, 7, DATA, 0x10)).toEqual([ENDED, 0, 0]);
    expect(guest.bytes(DATA, 7)).toEqual(Array(7).fill(0));
  });

  it('address data by lists of words, of doublewords, and of modified ones', async () => {
    const guest = await guestWith();
    const list = 0x3_0000;
    guest.storage.setWord(list, DATA + 2044);
    guest.storage.setWord(list + 4, DATA + 4096);
    expect(guest.run(0xe4, 7, list, 0x04)).toEqual([ENDED, 0, 0]);
    expect(guest.bytes(DATA + 2044, 4)).toEqual(SENSE_ID.slice(0, 4));
    expect(guest.bytes(DATA + 4096, 3)).toEqual(SENSE_ID.slice(4));
    guest.storage.setWord(list + 4, DATA + 4097);
    expect(guest.run(0xe4, 7, list, 0x04)[1]).toBe(0x20);

    guest.storage.setDoubleword(list, BigInt(DATA + 4094));
    guest.storage.setDoubleword(list + 8, BigInt(DATA + 8192));
    guest.ccws([[0xe4, 0x04, 7, list]]);
    guest.start(0x0082_0000);
    expect(guest.status().scsw[2]).toBe(0x0c00_0000);
    expect(guest.bytes(DATA + 4094, 2)).toEqual([0xff, 0x38]);
    expect(guest.bytes(DATA + 8192, 5)).toEqual(SENSE_ID.slice(2));

    guest.storage.setDoubleword(list, 0x0000_0000_0000_0003n);
    guest.storage.setDoubleword(list + 8, BigInt(DATA + 100));
    guest.storage.setDoubleword(list + 16, 0x0000_0000_0080_0004n);
    guest.storage.setDoubleword(list + 24, BigInt(DATA + 200));
    guest.ccws([[0xe4, 0x01, 7, list]]);
    guest.start(0x0080_0040);
    expect(guest.status().scsw[2]).toBe(0x0c00_0000);
    expect(guest.bytes(DATA + 100, 3)).toEqual([0xff, 0x38, 0x32]);
    expect(guest.bytes(DATA + 200, 4)).toEqual(SENSE_ID.slice(3));
  });

  it('that never end keep the subchannel busy until they are halted', async () => {
    const guest = await guestWith();
    guest.ccws([
      [0x03, 0x60, 1, 0],
      [0x08, 0, 0, PROGRAM],
    ]);
    expect(guest.start()).toBe(0);
    expect(guest.status()).toMatchObject({ cc: 1, scsw: [0x0080_40c0, expect.anything(), expect.anything()] });
    expect(guest.start()).toBe(2);
    expect(guest.enable()).toBe(2);
    guest.test.clock.advance(1000);
    expect(guest.css.haltSubchannel(guest.test.cpu, FIRST)).toBe(0);
    expect(guest.status().scsw[0]).toBe(0x0080_6001);
    guest.test.clock.advance(1000);
    expect(guest.test.clock.armedTimers).toBe(0);
    expect(guest.run(0xe4, 7)).toEqual([ENDED, 0, 0]);
  });
});

describe('a command that the device does not know', () => {
  it('is a unit check whose sense says so, once (observed)', async () => {
    const guest = await guestWith();
    guest.ccws([[0x99, 0, 1, DATA]]);
    guest.start();
    expect(guest.status().scsw).toEqual([0x0080_4017, PROGRAM + 8, 0x0200_0000]);
    expect(guest.run(0x04, 32)).toEqual([ENDED, 0, 0]);
    expect(guest.bytes(DATA, 2)).toEqual([0x80, 0]);
    guest.run(0x04, 32);
    expect(guest.bytes(DATA, 2)).toEqual([0, 0]);
  });

  it('gives its sense with the status, where the program wants that', async () => {
    const guest = await guestWith();
    guest.enable(FIRST, { concurrentSense: true });
    guest.ccws([[0x99, 0, 1, DATA]]);
    guest.start();
    const { irb } = guest.status();
    expect(irb.getUint16(0) & 2).toBe(2);
    expect(irb.getUint32(16)).toBe(0x0120_0000);
    expect(irb.getUint8(32)).toBe(0x80);
    guest.run(0x04, 32);
    expect(guest.bytes(DATA, 1)).toEqual([0]);
  });
});

describe('other functions', () => {
  it('suspend and resume: the command is fetched again', async () => {
    const guest = await guestWith();
    guest.ccws([
      [0x03, 0x60, 1, 0],
      [0xe4, 0x02, 7, DATA],
    ]);
    guest.start(0x0880_0000);
    expect(guest.test.pending.io).toHaveLength(1);
    expect(guest.status().scsw[0]).toBe(0x0880_4029);
    expect(guest.start()).toBe(2);
    guest.ccws([[0xe4, 0x00, 7, DATA]], PROGRAM + 8);
    expect(guest.css.resumeSubchannel(guest.test.cpu, FIRST)).toBe(0);
    expect(guest.status().scsw).toEqual([0x0880_4007, PROGRAM + 16, 0x0c00_0000]);
    expect(guest.css.resumeSubchannel(guest.test.cpu, FIRST)).toBe(2);
  });

  it('cancel takes a suspended program back, and finds nothing else', async () => {
    const guest = await guestWith();
    expect(guest.css.cancelSubchannel(guest.test.cpu, FIRST)).toBe(2);
    guest.ccws([[0xe4, 0x02, 7, DATA]]);
    guest.start(0x0888_0000);
    expect(guest.test.pending.io).toEqual([]);
    expect(guest.css.cancelSubchannel(guest.test.cpu, FIRST)).toBe(0);
    expect(guest.run(0xe4, 7)).toEqual([ENDED, 0, 0]);
  });

  it('program-controlled interruptions are told with the end of a short program', async () => {
    const guest = await guestWith();
    guest.ccws([
      [0x03, 0x68, 1, 0],
      [0x03, 0x20, 1, 0],
    ]);
    guest.start();
    expect(guest.test.pending.io).toHaveLength(1);
    const { irb } = guest.status();
    expect(irb.getUint8(9)).toBe(0x80);
  });

  it('halt and clear of an idle subchannel leave status (observed)', async () => {
    const guest = await guestWith();
    expect(guest.css.haltSubchannel(guest.test.cpu, FIRST)).toBe(0);
    expect(guest.css.haltSubchannel(guest.test.cpu, FIRST)).toBe(1);
    expect(guest.status().scsw).toEqual([0x0000_2001, 0, 0x0400_0000]);
    expect(guest.css.clearSubchannel(guest.test.cpu, FIRST)).toBe(0);
    expect(guest.status().scsw).toEqual([0x0000_1001, 0, 0]);
  });

  it('what is sense for one thing asked while another waits: status pending', async () => {
    const guest = await guestWith();
    guest.ccws([[0x03, 0x20, 1, 0]]);
    guest.start();
    const { cpu } = guest.test;
    expect([
      guest.css.haltSubchannel(cpu, FIRST),
      guest.css.resumeSubchannel(cpu, FIRST),
      guest.css.cancelSubchannel(cpu, FIRST),
      guest.enable(),
    ]).toEqual([1, 1, 1, 1]);
    expect(guest.css.clearSubchannel(cpu, FIRST)).toBe(0);
    expect(guest.test.pending.io).toHaveLength(1);
  });
});
