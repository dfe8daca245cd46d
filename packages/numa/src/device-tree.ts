// What a device tree says about NUMA. Linux Documentation/devicetree/bindings/numa.txt.
import type { FdtBuilder, FdtNode, NumaConfiguration } from '@boardwalk/core';

/** Says which node a CPU or a memory range belongs to. */
export function setNumaNode(device: FdtNode, node: number): void {
  device.prop('numa-node-id', [node]);
}

/**
 * One `memory@` node for each NUMA node that has memory, one after another from `base`; #address-cells and #size-cells are 2.
 * @param base physical address of the RAM
 */
export function addMemoryNodes(tree: FdtBuilder, base: number, { nodes }: NumaConfiguration): void {
  let address = base;
  for (const { id, size } of nodes) {
    if (size === 0) continue;
    const memory = tree.root.child(`memory@${address.toString(16)}`).prop('device_type', 'memory');
    memory.prop('reg', [BigInt(address), BigInt(size)]);
    setNumaNode(memory, id);
    address += size;
  }
}

/** `/distance-map`, if the user said distances. */
export function addDistanceMap(tree: FdtBuilder, { distances }: NumaConfiguration): void {
  if (distances === undefined) return;
  const triples = distances.flatMap((row, src) => row.flatMap((distance, dst) => [src, dst, distance]));
  tree.root.child('distance-map').prop('compatible', 'numa-distance-map-v1').prop('distance-matrix', triples);
}
