// What a machine tells a tracer of: accesses of devices, and its life.
import type { AddressSpace } from '../memory/index.ts';
import type { Machine } from './machine.ts';

/** Looks on while it is wanted: an access of a device asks nothing otherwise. */
export function traceMachine(machine: Machine): void {
  const { trace } = machine;
  const spaces: readonly AddressSpace[] = [machine.addressSpace, machine.ioSpace];
  trace.watch(() => {
    const isWanted = trace.enabled('memory_region_ops_read') || trace.enabled('memory_region_ops_write');
    for (const space of spaces)
      space.onPortAccess = isWanted ? (...access) => tellAccess(machine, ...access) : undefined;
  });
  machine.on('reset', ({ cause }) => trace.tell('machine_reset', `cause=${cause}`));
}

function tellAccess(
  { trace, currentCpu }: Machine,
  region: string,
  address: number,
  size: number,
  value: bigint,
  write: boolean,
): void {
  const hex = (n: number | bigint): string => `0x${n.toString(16)}`;
  trace.tell(
    write ? 'memory_region_ops_write' : 'memory_region_ops_read',
    `cpu ${currentCpu?.index ?? -1} addr ${hex(address)} value ${hex(value)} size ${size} name '${region}'`,
  );
}
