// For tests: channel programs in storage, and what a program would do with them.
import { afterEach } from 'vitest';
import { type TestMainframe, testMainframe } from '../boards/test-machine.ts';
import type { Outcome } from '../cpu/services.ts';
import { AbsoluteStorage } from './storage.ts';
import { IRB_BYTES, ORB_BYTES, PMCW, SCHIB_BYTES } from './words.ts';

export const PROGRAM = 0x1_0000;
export const DATA = 0x2_0000;
export const FIRST = 0x0001_0000;
export const PARAMETER = 0x1234_5678;

/** One CCW of format 1: command, flags, count, address. */
export type Ccw1 = readonly [command: number, flags: number, count: number, address: number];

/** A machine with devices, and I/O instructions at its first subchannel. */
export class Guest {
  readonly test: TestMainframe;
  readonly storage: AbsoluteStorage;

  constructor(test: TestMainframe) {
    this.test = test;
    this.storage = new AbsoluteStorage(test.machine.addressSpace);
  }

  get css() {
    return this.test.mainframe.css;
  }

  ccws(program: readonly Ccw1[], at = PROGRAM): void {
    for (const [i, [command, flags, count, address]] of program.entries()) {
      this.storage.setWord(at + 8 * i, ((command << 24) | (flags << 16) | count) >>> 0);
      this.storage.setWord(at + 8 * i + 4, address);
    }
  }

  /** SSCH of a program; `flags` are those of the ORB besides the path mask. */
  start(flags = 0x0080_0000, id = FIRST, at = PROGRAM): Outcome {
    const orb = new DataView(new ArrayBuffer(ORB_BYTES));
    orb.setUint32(0, PARAMETER);
    orb.setUint32(4, (flags | 0xff00) >>> 0);
    orb.setUint32(8, at);
    return this.css.startSubchannel(this.test.cpu, id, orb);
  }

  /** TSCH: condition code and SCSW as words. */
  status(id = FIRST): { readonly cc: Outcome; readonly scsw: readonly number[]; readonly irb: DataView } {
    const irb = new DataView(new ArrayBuffer(IRB_BYTES));
    const cc = this.css.testSubchannel(this.test.cpu, id, irb);
    return { cc, scsw: [0, 4, 8].map((at) => irb.getUint32(at)), irb };
  }

  schib(id = FIRST): { readonly cc: Outcome; readonly schib: DataView } {
    const schib = new DataView(new ArrayBuffer(SCHIB_BYTES));
    return { cc: this.css.storeSubchannel(this.test.cpu, id, schib), schib };
  }

  /** MSCH with the enabled bit and an interruption subclass. */
  enable(id = FIRST, { isc = 3, enabled = true, concurrentSense = false } = {}): Outcome {
    const { schib } = this.schib(id);
    schib.setUint16(PMCW.flags, (schib.getUint16(PMCW.flags) & ~0x3880) | (isc << 11) | (enabled ? 0x80 : 0));
    schib.setUint32(PMCW.characteristics, concurrentSense ? 1 : 0);
    return this.css.modifySubchannel(this.test.cpu, id, schib);
  }

  /** Runs one command of format 1 and gives its status: device and subchannel status, residual count. */
  run(command: number, count: number, address = DATA, flags = 0, id = FIRST): readonly [number, number, number] {
    this.ccws([[command, flags, count, address]]);
    this.start(undefined, id);
    const { irb } = this.status(id);
    return [irb.getUint8(8), irb.getUint8(9), irb.getUint16(10)];
  }

  bytes(address: number, length: number): number[] {
    const bytes = new Uint8Array(length);
    this.storage.read(address, bytes);
    return [...bytes];
  }
}

const guests: Guest[] = [];
afterEach(async () => {
  for (const guest of guests.splice(0)) await guest.test.machine.dispose();
});

/** A machine with an entropy device as its first subchannel, enabled. It ends with the test. */
export async function guestWith(...args: Parameters<typeof testMainframe>): Promise<Guest> {
  const [options = {}, ...rest] = args;
  const devices = options.devices ?? [{ driver: 'virtio-rng-ccw', properties: { seed: 1 } }];
  const guest = new Guest(await testMainframe({ ...options, devices }, ...rest));
  guests.push(guest);
  guest.enable();
  return guest;
}
