// Every board of the package passes the suite that all boards pass; a board added to `architecture` is tested by that alone.
import { BoardRegistry, KiB, type Machine, MiB } from '@boardwalk/core';
import { type BoardFacts, boardConformance, type GuestStore } from '@boardwalk/testing';
import { describe, it } from 'vitest';
import { architecture } from '../architecture.ts';
import { ChannelSubsystem } from '../css/channel-subsystem.ts';
import { Sclp } from '../sclp/sclp.ts';

/** RAM ids, default sizes and refusals as the boards' documentation gives them. */
const FACTS: Readonly<Record<string, BoardFacts>> = {
  none: { ramId: 'ram', defaultRamSize: 0, accepts: [MiB(3)] },
  's390-ccw-virtio': {
    ramId: 's390.ram',
    defaultRamSize: MiB(128),
    accepts: [MiB(1), MiB(129), MiB(1020), MiB(1022), MiB(2048)],
    refuses: [
      { bytes: 0, text: 'Invalid RAM size' },
      { bytes: KiB(6), text: 'should be a multiple of 1 MiB: the smallest size is 1 MiB' },
      { bytes: MiB(1025), text: 'should be a multiple of 2 MiB: the nearest sizes are 1 GiB and 1026 MiB' },
      { bytes: MiB(2049), text: 'should be a multiple of 4 MiB: the nearest sizes are 2 GiB and 2052 MiB' },
    ],
  },
};

/** sam64; larl %r1,data; lg %r2,0(%r1); l %r3,8(%r1); st %r3,0(%r2); larl %r1,wait; lpswe 0(%r1); a wait that I/O could end. */
const CODE = '010ec01000000013e320100000045830100850302000c01000000011b2b21000';
const START = 0x200;
const WAIT_FOR_IO = 0x0202_0001_8000_0000n;

/** A program for absolute 0, with the PSW that starts it. */
function guestStore({ address, value }: GuestStore): { readonly kernel: Uint8Array } {
  const kernel = new Uint8Array(0x240);
  const view = new DataView(kernel.buffer);
  view.setBigUint64(0, 0x0008_0000_8000_0000n | BigInt(START));
  for (let i = 0; i < CODE.length; i += 2) kernel[START + i / 2] = Number.parseInt(CODE.slice(i, i + 2), 16);
  view.setBigUint64(START + 0x28, BigInt(address));
  // The suite looks for the bytes as a little-endian guest stores them.
  view.setUint32(START + 0x30, value, true);
  view.setBigUint64(START + 0x38, WAIT_FOR_IO);
  return { kernel };
}

/** No register of a mainframe is in its address space: what a program would do by instructions. */
function exercise(machine: Machine): void {
  for (const device of machine.children.values()) {
    if (device instanceof ChannelSubsystem) device.enableSubchannelSets();
    if (device instanceof Sclp) device.events.receiveMask = 0x40;
  }
}

const boards = new BoardRegistry(architecture.boards);
for (const board of architecture.names.flatMap((arch) => boards.list(arch))) {
  const facts = FACTS[board.name];
  const mainframe = board.name === 'none' ? {} : { guestStore, exercise, options: () => ({ rtcBaseMs: 0 }) };
  boardConformance(board, { describe, it, ...mainframe, ...(facts && { facts }) });
}
