// A board that no hardware has, for tests of NUMA: CPUs that do nothing, in sockets, dies, clusters, cores and threads, RAM at 0, and
// the ACPI tables where a guest would read them.
import {
  type ArchitecturePackage,
  type BoardDefinition,
  Cpu,
  Device,
  defineBoard,
  type Machine,
  MemoryRegion,
  MiB,
  type NumaConfiguration,
  type RamBlock,
} from '@boardwalk/core';
import { buildHmat, buildSlit, buildSrat } from '../acpi.ts';
import { type BoardNumaDefinition, boardNuma, layOutCpus, nodeByNeighbourhood } from '../board.ts';

const ARCH = 'numatest';
const CPU_TYPE = 'numa-test-cpu';
/** Physical address of the tables, one after another. */
export const TABLES_BASE = 0xfff_0000_0000;
const TABLES_SIZE = MiB(1);

/** Waits for ever. */
export class NumaTestCpu extends Cpu {
  static override readonly typeName: string = CPU_TYPE;
  halted = true;

  execute(): number {
    return 0;
  }

  requestExit(): void {}

  describe(): string {
    return 'halted';
  }
}

/** SRAT and SLIT, and with `hmat=on` HMAT; none for a machine without nodes. */
export function acpiTables(numa: NumaConfiguration): Uint8Array[] {
  if (numa.nodes.length === 0) return [];
  const cpus = numa.cpuNodes.map((node, id) => ({ kind: 'apic' as const, id, node }));
  let base = 0;
  const memory = numa.nodes.map(({ id: node, size }) => {
    const range = { node, base, size };
    base += size;
    return range;
  });
  const hmat = numa.hmat === undefined ? [] : [buildHmat(numa)];
  return [buildSrat(cpus, memory), buildSlit(numa), ...hmat];
}

/** ROM with the tables, one after another. */
class AcpiTables extends Device {
  static override readonly typeName: string = 'numa-test-tables';
  readonly #tables: readonly Uint8Array[];
  #block: RamBlock | undefined;

  constructor(tables: readonly Uint8Array[]) {
    super();
    this.#tables = tables;
  }

  override realize(): void {
    const { space } = this.machine;
    const block = space.allocateRam('acpi-tables', TABLES_SIZE);
    this.#block = block;
    let offset = 0;
    for (const table of this.#tables) {
      block.bytes.set(table, offset);
      offset += table.length;
    }
    this.machine.map(TABLES_BASE, this.addRegion(MemoryRegion.rom('acpi-tables', block)));
  }

  override dispose(): void {
    if (this.#block) this.machine.space.releaseRam(this.#block);
  }
}

function build(machine: Machine): void {
  machine.map(0, machine.ram);
  for (let index = 0; index < machine.smp.cpus; index++) machine.add(new NumaTestCpu(index), `cpu[${index}]`);
  machine.add(new AcpiTables(machine.numa === undefined ? [] : acpiTables(machine.numa)), 'tables');
}

/** A board with rules and levels of its own. */
export function numaTestBoard(
  name: string,
  description: string,
  rules: Partial<BoardNumaDefinition> = {},
  more: Partial<BoardDefinition> = {},
): BoardDefinition {
  return defineBoard({
    name,
    description,
    arch: ARCH,
    defaultCpu: 'idle',
    cpuTypes: ['idle'],
    maxCpus: 1024,
    defaultRamSize: MiB(128),
    defaultRamId: 'numa-test.ram',
    smpLevels: ['dies', 'clusters'],
    numa: boardNuma({
      cpus: ({ smp }) => layOutCpus(CPU_TYPE, smp, ['socketId', 'dieId', 'clusterId', 'coreId', 'threadId']),
      hotpluggableCpus: true,
      ...rules,
    }),
    build,
    ...more,
  });
}

/** Every level, and HMAT. */
export const numaTest = numaTestBoard('numa-test', 'board for tests of NUMA', {}, { isDefault: true });

/** As PCs are: sockets, cores and threads. */
export const numaTestPc = numaTestBoard(
  'numa-test-pc',
  'board for tests of NUMA, CPUs as on a PC',
  { cpus: ({ smp }) => layOutCpus(CPU_TYPE, smp) },
  { smpLevels: [] },
);

/** As pseries is: cores alone are numbered. */
export const numaTestCores = numaTestBoard(
  'numa-test-cores',
  'board for tests of NUMA, CPUs as on pseries',
  { cpus: ({ smp }) => layOutCpus(CPU_TYPE, smp, ['coreId']), defaultNode: nodeByNeighbourhood },
  { smpLevels: [] },
);

/** As virt of Arm is: sockets, clusters, cores and threads. */
export const numaTestClusters = numaTestBoard(
  'numa-test-clusters',
  'board for tests of NUMA, CPUs as on virt of Arm',
  { cpus: ({ smp }) => layOutCpus(CPU_TYPE, smp, ['socketId', 'clusterId', 'coreId', 'threadId']) },
  { smpLevels: ['clusters'] },
);

/** As boards of 2019 are: takes `mem=`. */
export const numaTestOld = numaTestBoard('numa-test-old', 'board for tests of NUMA, of an old version', {
  memSupported: true,
});

/** As boards of today are: no node has memory of its own accord. */
export const numaTestStrict = numaTestBoard('numa-test-strict', 'board for tests of NUMA, without an even split', {
  splitsRam: false,
});

/** The boards as an architecture of their own, `numatest`. */
export const architecture: ArchitecturePackage = {
  names: [ARCH],
  boards: [numaTest, numaTestPc, numaTestCores, numaTestClusters, numaTestOld, numaTestStrict],
  cpuModels: () => [{ name: 'idle', description: 'does nothing' }],
};
