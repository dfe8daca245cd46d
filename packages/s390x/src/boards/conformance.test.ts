// Every board of the package passes the suite that all boards pass; a board added to `architecture` is tested by that alone.
import { BoardRegistry, KiB, type Machine, MiB } from '@boardwalk/core';
import { type BoardFacts, boardConformance } from '@boardwalk/testing';
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
  const mainframe = board.name === 'none' ? {} : { exercise, options: () => ({ rtcBaseMs: 0 }) };
  boardConformance(board, { describe, it, ...mainframe, ...(facts && { facts }) });
}
