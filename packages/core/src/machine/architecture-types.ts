// An architecture's boards and CPU models as types, for those who ask which there are (qom-list-types, qom-list-properties).
import { type PropertySpec, type TypeRegistry, typeOfClass } from '../object/index.ts';
import type { ArchitecturePackage } from './architecture.ts';
import type { BoardDefinition } from './board.ts';
import { Cpu } from './cpu.ts';
import { Machine } from './machine.ts';

/** Properties that every board has. */
export const MACHINE_PROPERTIES: readonly PropertySpec[] = [
  { name: 'memory-backend', type: 'string', description: 'id of the object that provides the main RAM' },
  { name: 'accel', type: 'string', description: 'as -accel' },
  {
    name: 'dump-guest-core',
    type: 'bool',
    description: "whether guest memory is in the host's core dumps of the program",
    default: true,
  },
  { name: 'dumpdtb', type: 'string', description: 'file that the device tree is written to, and nothing else done' },
];

/** How guest code is executed, as QEMU's types. */
const ACCELERATORS = ['tcg', 'qtest'] as const;

/** Types that programs of all architectures have: `machine`, `cpu`, the accelerators. */
export function registerMachineTypes(types: TypeRegistry): void {
  types.register({ name: Machine.typeName, abstract: true, properties: MACHINE_PROPERTIES });
  if (types.get(Cpu.typeName) === undefined) types.register(typeOfClass(Cpu, { abstract: true }));
  types.register({ name: 'accel', abstract: true });
  for (const name of ACCELERATORS) types.register({ name: `${name}-accel`, parent: 'accel' });
}

/** The types of boards, `virt-machine` for one, as far as they are not there. */
export function registerBoardTypes(types: TypeRegistry, boards: readonly BoardDefinition[]): void {
  for (const { name, description, properties = [] } of boards) {
    const type = `${name}-machine`;
    if (types.get(type) === undefined)
      types.register({ name: type, parent: Machine.typeName, description, properties });
  }
}

/** The types of an architecture's CPU models, as far as they are not there: those that can be plugged in are. */
export function registerArchitectureTypes(types: TypeRegistry, architecture: ArchitecturePackage, arch: string): void {
  for (const { name, typeName = name, description, properties = [] } of architecture.cpuModels(arch)) {
    if (types.get(typeName) === undefined)
      types.register({ name: typeName, parent: Cpu.typeName, description, properties });
  }
}
