/** Channel programs and their interruptions: what TSCH, TPI and the I/O interruption tell, and in which order subchannels are served. */
import { Guest, MASK, type Scenario } from './guest.ts';

/** Subchannels of the devices, in the order of their numbers. */
const FIRST = 0x1_0000;
const SECOND = 0x1_0001;
/** The subchannels of the suite. */
export const IO_DEVICES: readonly string[] = ['virtio-rng-ccw,devno=fe.0.1234', 'virtio-balloon-ccw,devno=fe.0.0002'];

const ALL_CLASSES = 0xff00_0000n;
const EXTERNAL_CALL = 0x2000n;

const CMD = { sense: 0x04, noOperation: 0x03, senseId: 0xe4, transfer: 0x08, unknown: 0x7f, setStatus: 0x31 } as const;
const FLAG = { chainData: 0x80, chainCommand: 0x40, suppressLength: 0x20, skip: 0x10, interrupt: 0x08 } as const;
/** Of an ORB: format-1 CCWs and any path. */
const ORB_FORMAT1 = 0x0080_ff00n;
const ORB_FORMAT0 = 0x0000_ff00n;

/** A CCW of format 1. */
const ccw = (command: number, flags: number, bytes: number, address = 0): bigint =>
  (BigInt(command) << 56n) | (BigInt(flags) << 48n) | (BigInt(bytes) << 32n) | BigInt(address);

/** A CCW of format 0. */
const ccw0 = (command: number, flags: number, bytes: number, address = 0): bigint =>
  (BigInt(command) << 56n) | (BigInt(address) << 32n) | (BigInt(flags) << 24n) | BigInt(bytes);

/** Loads general register 1 with a subchannel, 2 with an operand, and performs an instruction; its condition code goes to a register. */
function perform(s: Scenario, instruction: string, subchannel: number, operand: number | undefined, cc: number): void {
  s.load(1, subchannel);
  if (operand !== undefined) s.load(2, operand);
  s.op(instruction, operand === undefined ? '0000' : '2000');
  s.op('ipm', `00${cc.toString(16)}0`);
}

/** Enables a subchannel: its interruptions are of a class and have a parameter. All else is as it is. */
function enable(s: Scenario, subchannel: number, isc: number, parameter: number): void {
  const schib = s.data(0n, 0n, 0n, 0n, 0n, 0n, 0n);
  perform(s, 'stsch', subchannel, schib, 12);
  s.load(15, s.data((BigInt(parameter) << 32n) | (BigInt(isc) << 27n) | (1n << 23n) | (1n << 16n)));
  s.op('mvc', '052000f000');
  perform(s, 'msch', subchannel, schib, 12);
  // The reference does not say which path was used last.
  s.op('mvi', '00200a');
}

/** Starts a program, whose CCWs are at an address. */
function start(s: Scenario, subchannel: number, at: number, flags: bigint, cc: number, parameter = 0x1234_5678n): void {
  const orb = s.data((parameter << 32n) | flags, BigInt(at) << 32n, 0n, 0n);
  perform(s, 'ssch', subchannel, orb, cc);
}

/** Takes the status: where, and its condition code in a register. */
function test(s: Scenario, subchannel: number, cc: number): void {
  perform(s, 'tsch', subchannel, s.data(0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n), cc);
}

/**
 * Takes what is pending. The window is closed again: where one has been open for long the reference takes interruptions when it happens
 * to look. And what TSCH or TPI take away stays pending there, unless it has been taken before.
 */
function takeAll(s: Scenario): void {
  s.open({ psw: MASK.io, cr6: ALL_CLASSES });
  s.open({});
}

type Made = (s: Scenario) => { readonly at: number; readonly flags?: bigint };

const buffer = (s: Scenario): number => s.data(-1n, -1n, -1n, -1n, -1n, -1n, -1n, -1n);

/** Channel programs by what is special in them. */
const PROGRAMS: Readonly<Record<string, Made>> = {
  'no operation with a count': (s) => ({ at: s.data(ccw(CMD.noOperation, 0, 1, buffer(s))) }),
  'no operation': (s) => ({ at: s.data(ccw(CMD.noOperation, 0, 0)) }),
  'sense ID': (s) => ({ at: s.data(ccw(CMD.senseId, FLAG.suppressLength, 7, buffer(s))) }),
  'sense ID, with its length': (s) => ({ at: s.data(ccw(CMD.senseId, 0, 7, buffer(s))) }),
  'sense ID, too long': (s) => ({ at: s.data(ccw(CMD.senseId, 0, 64, buffer(s))) }),
  'sense ID, too long, which is suppressed': (s) => ({
    at: s.data(ccw(CMD.senseId, FLAG.suppressLength, 64, buffer(s))),
  }),
  'sense ID, skipped': (s) => ({ at: s.data(ccw(CMD.senseId, FLAG.skip | FLAG.suppressLength, 7, buffer(s))) }),
  'sense ID into two places': (s) => ({
    at: s.data(ccw(CMD.senseId, FLAG.chainData, 3, buffer(s)), ccw(0, FLAG.suppressLength, 4, buffer(s))),
  }),
  'two commands': (s) => ({
    at: s.data(ccw(CMD.noOperation, FLAG.chainCommand, 0), ccw(CMD.senseId, FLAG.suppressLength, 5, buffer(s))),
  }),
  'an interruption between two commands': (s) => ({
    at: s.data(
      ccw(CMD.noOperation, FLAG.chainCommand, 0),
      ccw(CMD.senseId, FLAG.suppressLength | FLAG.interrupt, 5, buffer(s)),
    ),
  }),
  'an unknown command': (s) => ({ at: s.data(ccw(CMD.unknown, 0, 1, buffer(s))) }),
  'an unknown command behind another': (s) => ({
    at: s.data(ccw(CMD.noOperation, FLAG.chainCommand, 0), ccw(CMD.unknown, 0, 1, buffer(s))),
  }),
  'status that is too short': (s) => ({ at: s.data(ccw(CMD.setStatus, 0, 0, buffer(s))) }),
  'a count of zero': (s) => ({ at: s.data(ccw(CMD.senseId, 0, 0, buffer(s))) }),
  'a transfer at the start': (s) => ({ at: s.data(ccw(CMD.transfer, 0, 0, s.data(ccw(CMD.noOperation, 0, 0)))) }),
  'a transfer to a transfer': (s) => {
    const last = s.data(ccw(CMD.noOperation, 0, 0));
    const second = s.data(ccw(CMD.transfer, 0, 0, last));
    return { at: s.data(ccw(CMD.noOperation, FLAG.chainCommand, 0), ccw(CMD.transfer, 0, 0, second)) };
  },
  'a transfer': (s) => {
    const last = s.data(ccw(CMD.noOperation, 0, 0));
    return { at: s.data(ccw(CMD.noOperation, FLAG.chainCommand, 0), ccw(CMD.transfer, 0, 0, last)) };
  },
  'a reserved flag': (s) => ({ at: s.data(ccw(CMD.noOperation, 0x01, 1, buffer(s))) }),
  'a data address beyond storage': (s) => ({ at: s.data(ccw(CMD.senseId, FLAG.suppressLength, 7, 0x7000_0000)) }),
  'a program beyond storage': () => ({ at: 0x7000_0000 }),
  'a program that is not aligned': (s) => ({ at: s.data(ccw(CMD.noOperation, 0, 0), 0n) + 4 }),
  'format 0': (s) => ({ at: s.data(ccw0(CMD.senseId, FLAG.suppressLength, 7, buffer(s))), flags: ORB_FORMAT0 }),
};

function addPrograms(guest: Guest): void {
  for (const [name, make] of Object.entries(PROGRAMS)) {
    guest.add(name, (s) => {
      enable(s, FIRST, 3, 0x1111_0000);
      const { at, flags = ORB_FORMAT1 } = make(s);
      start(s, FIRST, at, flags, 4);
      takeAll(s);
      test(s, FIRST, 5);
      test(s, FIRST, 6);
      // What there is to sense.
      const sensed = buffer(s);
      start(s, FIRST, s.data(ccw(CMD.sense, FLAG.suppressLength, 32, sensed)), ORB_FORMAT1, 7);
      takeAll(s);
      test(s, FIRST, 8);
      s.end();
    });
  }
}

/** Both subchannels have status. */
function both(s: Scenario, first: number, second: number): void {
  enable(s, FIRST, first, 0x1111_0000);
  enable(s, SECOND, second, 0x2222_0000);
  for (const subchannel of [FIRST, SECOND]) {
    start(s, subchannel, s.data(ccw(CMD.noOperation, 0, 0)), ORB_FORMAT1, 4, BigInt(subchannel));
  }
}

/** What is left. */
function settle(s: Scenario): void {
  takeAll(s);
  test(s, FIRST, 10);
  test(s, SECOND, 11);
  s.end();
}

function addInterruptions(guest: Guest): void {
  for (const [first, second] of [
    [3, 3],
    [3, 1],
    [0, 7],
  ] as const) {
    guest.add(`status of classes ${first} and ${second}`, (s) => {
      both(s, first, second);
      s.open({ psw: MASK.io, cr6: ALL_CLASSES });
      settle(s);
    });
    guest.add(`status of classes ${first} and ${second}, class by class`, (s) => {
      both(s, first, second);
      s.open({ psw: MASK.io, cr6: 0n });
      for (const [n, isc] of [second, first].entries()) {
        s.load(5, n);
        s.control(6, 0x8000_0000n >> BigInt(isc));
      }
      settle(s);
    });
    guest.add(`status of classes ${first} and ${second}, taken by TPI`, (s) => {
      both(s, first, second);
      s.control(6, ALL_CLASSES);
      for (const n of [6, 7, 8]) {
        s.load(2, s.data(0n, 0n));
        s.op('tpi', '2000');
        s.op('ipm', `00${n}0`);
      }
      s.open({ psw: MASK.io });
      settle(s);
    });
  }
  guest.add('TPI into the prefix area', (s) => {
    both(s, 2, 4);
    s.control(6, ALL_CLASSES);
    s.op('tpi', '0000');
    s.op('ipm', '0060');
    settle(s);
  });
  guest.add('TPI of a class that is not enabled', (s) => {
    both(s, 2, 4);
    s.control(6, 0x8000_0000n);
    s.op('tpi', '0000');
    s.op('ipm', '0060');
    settle(s);
  });
  guest.add('status taken before its interruption', (s) => {
    both(s, 2, 4);
    test(s, FIRST, 5);
    s.open({ psw: MASK.io, cr6: ALL_CLASSES });
    settle(s);
  });
  guest.add('external before I/O', (s) => {
    both(s, 2, 4);
    s.signal(2, 0);
    s.open({ psw: MASK.io | MASK.external, cr0: EXTERNAL_CALL, cr6: ALL_CLASSES });
    settle(s);
  });
  guest.add('a wait that I/O ends', (s) => {
    both(s, 2, 4);
    s.open({ psw: MASK.io | MASK.wait, cr6: ALL_CLASSES });
    settle(s);
  });
  guest.add('a class that is changed while status is pending', (s) => {
    both(s, 2, 4);
    enable(s, FIRST, 5, 0x3333_0000);
    s.op('ipm', '0050');
    s.open({ psw: MASK.io, cr6: ALL_CLASSES });
    settle(s);
  });
}

/** Instructions whose subchannel has status, has none, is disabled or is none at all. */
function addConditions(guest: Guest): void {
  const alone = ['csch', 'hsch', 'rsch', 'xsch'];
  for (const instruction of alone) {
    guest.add(`${instruction}, idle and twice`, (s) => {
      enable(s, FIRST, 3, 0x1111_0000);
      perform(s, instruction, FIRST, undefined, 4);
      perform(s, instruction, FIRST, undefined, 5);
      takeAll(s);
      test(s, FIRST, 6);
      test(s, FIRST, 7);
      s.end();
    });
    guest.add(`${instruction} with status pending`, (s) => {
      both(s, 2, 4);
      perform(s, instruction, FIRST, undefined, 5);
      settle(s);
    });
    guest.add(`${instruction} without a subchannel`, (s) => {
      perform(s, instruction, 0x1_0077, undefined, 4);
      perform(s, instruction, 0x3_0000, undefined, 5);
      perform(s, instruction, 0x2_0000, undefined, 6);
      s.end();
    });
  }
  for (const instruction of ['stsch', 'msch', 'tsch', 'ssch'] as const) {
    const operand = (s: Scenario): number => s.data(0x0n, 0x8000_ff00_0000_0000n >> 32n, 0n, 0n, 0n, 0n, 0n, 0n);
    guest.add(`${instruction} without a subchannel`, (s) => {
      perform(s, instruction, 0x1_0077, operand(s), 4);
      perform(s, instruction, 0x3_0000, operand(s), 5);
      perform(s, instruction, 0x2_0000, operand(s), 6);
      s.end();
    });
    guest.add(`${instruction} while it is disabled`, (s) => {
      perform(s, instruction, SECOND + 1, operand(s), 4);
      s.end();
    });
    guest.add(`${instruction} with status pending`, (s) => {
      both(s, 2, 4);
      perform(s, instruction, FIRST, operand(s), 5);
      settle(s);
    });
    guest.add(`${instruction} of an operand that is not aligned`, (s) => {
      perform(s, instruction, FIRST, operand(s) + 2, 4);
      s.end();
    });
  }
  guest.add('an ORB with reserved bits', (s) => {
    enable(s, FIRST, 3, 0);
    start(s, FIRST, s.data(ccw(CMD.noOperation, 0, 0)), ORB_FORMAT1 | (1n << 24n), 4);
    s.end();
  });
  guest.add('an ORB without a path', (s) => {
    enable(s, FIRST, 3, 0);
    start(s, FIRST, s.data(ccw(CMD.noOperation, 0, 0)), 0x0080_0000n, 4);
    start(s, FIRST, s.data(ccw(CMD.noOperation, 0, 0)), 0x0080_4000n, 5);
    test(s, FIRST, 6);
    s.end();
  });
  guest.add('RCHP without a path', (s) => {
    s.load(1, 0x77);
    s.op('rchp', '0000');
    s.op('ipm', '0050');
    s.load(1, 0x100);
    s.op('rchp', '0000');
    s.end();
  });
}

/** The scenarios. */
export function inputOutput(): Guest {
  const guest = new Guest();
  addPrograms(guest);
  addInterruptions(guest);
  addConditions(guest);
  return guest;
}
