/**
 * The sockets of the `virt` board: each NUMA node is one, with a CLINT and a PLIC of its own; a machine without nodes is a single
 * socket, whatever -smp says of them. Rules and texts are those of QEMU's board (qemu-system-riscv64 7.2, observed).
 */
import { type NumaConfiguration, type NumaSupport, UserError } from '@boardwalk/core';
import { boardNuma, nodeByNeighbourhood } from '@boardwalk/numa';
import { type MapEntry, VIRT_MAP } from './virt-map.ts';

const MAX_SOCKETS = 4;

/** Harts that belong together; their numbers follow one another. */
export interface VirtSocket {
  /** Position among the sockets, which is the node's id. */
  readonly index: number;
  /** Undefined for a machine without NUMA nodes. */
  readonly node: number | undefined;
  readonly firstHart: number;
  readonly harts: number;
  readonly clint: MapEntry;
  /** Of an ACLINT. */
  readonly sswi: MapEntry;
  readonly plic: MapEntry;
}

/** A hart is found by its number alone; without further word, neighbours are on one node. */
export const virtNuma: NumaSupport = boardNuma({
  cpus: ({ smp, cpuModel }) =>
    Array.from({ length: smp.maxcpus }, (_, index) => ({
      index,
      type: `${cpuModel.model}-riscv-cpu`,
      props: { coreId: index },
    })),
  defaultNode: nodeByNeighbourhood,
  memSupported: true,
  cpuPerNode: true,
});

const nth = ({ base, size }: MapEntry, n: number): MapEntry => ({ base: base + n * size, size });

/**
 * The sockets of a machine.
 * @throws UserError for more nodes than there can be sockets, or a node whose harts do not follow one another
 */
export function virtSockets(numa: NumaConfiguration | undefined, harts: number): VirtSocket[] {
  const nodes = numa?.nodes ?? [];
  if (nodes.length > MAX_SOCKETS) throw new UserError(`number of sockets/nodes should be less than ${MAX_SOCKETS}`);
  const place = (index: number) => ({
    index,
    clint: nth(VIRT_MAP.clint, index),
    sswi: nth(VIRT_MAP.sswi, index),
    plic: nth(VIRT_MAP.plic, index),
  });
  if (nodes.length === 0) return [{ ...place(0), node: undefined, firstHart: 0, harts }];
  return nodes.map(({ id, cpus }) => {
    const there = cpus.filter((cpu) => cpu < harts);
    const [firstHart] = there;
    if (firstHart === undefined || there.some((cpu, i) => cpu !== firstHart + i)) {
      throw new UserError(`discontinuous hartids in socket${id}`);
    }
    return { ...place(id), node: id, firstHart, harts: there.length };
  });
}

/** The socket whose PLIC the virtio slots are wired to: the second, where there is one. The other devices are on the first. */
export const virtioSocket = (sockets: number): number => Math.min(1, sockets - 1);
