// Every board of the package passes the suite that all boards pass; a board added to `architecture` is tested by that alone.
import { BoardRegistry, KiB, MiB } from '@boardwalk/core';
import { type BoardFacts, boardConformance } from '@boardwalk/testing';
import { describe, it } from 'vitest';
import { architecture } from '../architecture.ts';

/** RAM ids, default sizes and refusals as the boards' documentation gives them. */
const FACTS: Readonly<Record<string, BoardFacts>> = {
  none: { ramId: 'ram', defaultRamSize: 0, accepts: [MiB(3)] },
  virt: {
    ramId: 'riscv_virt_board.ram',
    defaultRamSize: MiB(128),
    accepts: [MiB(16), MiB(512)],
    refuses: [
      { bytes: 0, text: 'Invalid RAM size' },
      { bytes: KiB(6), text: 'Invalid RAM size 6 KiB, should be a multiple of 4 KiB' },
    ],
  },
};

const boards = new BoardRegistry(architecture.boards);
for (const board of architecture.names.flatMap((arch) => boards.list(arch))) {
  const facts = FACTS[board.name];
  boardConformance(board, { describe, it, ...(facts && { facts }) });
}
