// Commands about machines, CPUs and memory.
import {
  balloonOf,
  type Cpu,
  type CpuModelQueries,
  type CpuModelSelection,
  type Machine,
  memoryDeviceInfo,
  pluggedMemory,
  UserError,
} from '@boardwalk/core';
import { cpuPropsOf, numaFromJson } from '@boardwalk/numa';
import { debugOf } from '../../cpu-access.ts';
import type { Emulator } from '../../emulator.ts';
import { hotpluggableCpusOf, memdevsOf } from '../../memory-info.ts';
import type { machineCommands, S390CpuState } from '../schema/machine.ts';
import { type Handlers, requireMachine } from './context.ts';
import { physicalReader, saveMemory } from './memory-files.ts';

function machinesOf({ boards = [], cpuModels = [] }: Emulator) {
  return boards.flatMap((board) => {
    const { name, aliases = [], maxCpus, isDefault, defaultCpu, defaultRamId } = board;
    const [alias] = aliases;
    const model = cpuModels.find((candidate) => candidate.name === defaultCpu);
    return {
      name,
      ...(alias === undefined ? {} : { alias }),
      ...(isDefault ? { 'is-default': true } : {}),
      'cpu-max': maxCpus,
      'hotpluggable-cpus': board.numa?.hotpluggableCpus ?? board.cpuPlaces !== undefined,
      'numa-mem-supported': board.numa?.memSupported ?? false,
      deprecated: false,
      ...(defaultCpu === '' ? {} : { 'default-cpu-type': model?.typeName ?? defaultCpu }),
      ...(defaultRamId === undefined ? {} : { 'default-ram-id': defaultRamId }),
    };
  });
}

/** Where a CPU sits, on machines that number the places for CPUs. */
function cpuPlace(machine: Machine | undefined, index: number) {
  const place = machine?.possibleCpus.find((cpu) => cpu.index === index);
  return place === undefined ? {} : { props: cpuPropsOf(place, machine?.numa?.cpuNodes[index]) };
}

/** What only one architecture tells of its CPUs. */
function cpuState({ architecturalState }: Cpu, arch: string) {
  return arch === 's390x' && architecturalState !== undefined
    ? { 'cpu-state': architecturalState as S390CpuState }
    : {};
}

function cpusOf({ machine, arch, threadId = 0 }: Emulator) {
  return (machine?.cpus ?? []).map((cpu) => ({
    'cpu-index': cpu.index,
    'qom-path': cpu.path,
    'thread-id': machine?.team?.threadId(cpu.index) ?? threadId,
    ...cpuPlace(machine, cpu.index),
    target: arch,
    ...cpuState(cpu, arch),
  }));
}

function memorySize(machine: Machine) {
  const plugged = machine.deviceMemory ? { 'plugged-memory': pluggedMemory(machine) } : {};
  return { 'base-memory': machine.ramSize, ...plugged };
}

/** @throws UserError without a balloon, or for a size that cannot be */
export function setBalloon(machine: Machine, bytes: bigint | number): void {
  const balloon = balloonOf(machine);
  if (bytes <= 0) throw new UserError("Parameter 'target' expects a size");
  balloon.setGuestMemory(Number(bytes));
}

function modelQueries(emulator: Emulator): CpuModelQueries {
  if (emulator.cpuModelQueries === undefined) throw new Error('a command that the emulator has not was carried out');
  return emulator.cpuModelQueries;
}

/** A model as a client gives it. @throws UserError for features that are no object */
function asked({ name, props }: { readonly name: string; readonly props?: unknown }): CpuModelSelection {
  if (props === undefined) return { name };
  if (typeof props !== 'object' || props === null || Array.isArray(props)) {
    throw new UserError("Invalid parameter type for 'props', expected: dict");
  }
  return { name, props: { ...props } };
}

/** A model as a client is told of it: features only where there are some. */
function told({ name, props = {} }: CpuModelSelection) {
  return Object.keys(props).length === 0 ? { name } : { name, props };
}

export const machineHandlers: Handlers<keyof typeof machineCommands> = {
  'query-machines': ({ emulator }) => machinesOf(emulator),
  'query-current-machine': () => ({ 'wakeup-suspend-support': false }),
  'query-cpus-fast': ({ emulator }) => cpusOf(emulator),
  'query-hotpluggable-cpus': ({ emulator }) => hotpluggableCpusOf(emulator),
  'query-cpu-definitions': ({ emulator }) =>
    (emulator.cpuModels ?? []).map(({ name, typeName = name, isStatic = false, isMigrationSafe }) => ({
      name,
      ...(isMigrationSafe !== undefined && { 'migration-safe': isMigrationSafe }),
      static: isStatic,
      typename: typeName,
      deprecated: false,
    })),
  'query-cpu-model-expansion': ({ emulator }, { type, model }) => ({
    model: told(modelQueries(emulator).expand(asked(model), type === 'full')),
  }),
  'query-cpu-model-comparison': ({ emulator }, { modela, modelb }) => {
    const { result, responsible } = modelQueries(emulator).compare(asked(modela), asked(modelb));
    return { result, 'responsible-properties': [...responsible] };
  },
  'query-cpu-model-baseline': ({ emulator }, { modela, modelb }) => ({
    model: told(modelQueries(emulator).baseline(asked(modela), asked(modelb))),
  }),
  'query-memdev': ({ emulator }) =>
    memdevsOf(emulator).map((memdev) => ({ ...memdev, policy: memdev.policy as 'default' })),
  'query-memory-size-summary': ({ emulator }) => memorySize(requireMachine(emulator)),
  'query-memory-devices': ({ emulator }) => memoryDeviceInfo(requireMachine(emulator)),
  balloon: ({ emulator }, { value }) => {
    setBalloon(requireMachine(emulator), value);
  },
  'query-balloon': ({ emulator }) => ({ actual: balloonOf(requireMachine(emulator)).guestMemory }),
  'set-numa-node': ({ emulator }, option) => {
    if (!emulator.preconfig) {
      throw new UserError('The command is permitted only before the machine has been created');
    }
    emulator.preconfig.addNuma(numaFromJson({ ...option }));
  },
  'x-exit-preconfig': ({ emulator }) => {
    if (!emulator.preconfig) throw new UserError('The command is permitted only before machine initialization');
    return emulator.preconfig.exit();
  },
  memsave: ({ emulator }, args) => {
    const machine = requireMachine(emulator);
    const cpu = machine.cpus[Number(args['cpu-index'] ?? 0)];
    if (!cpu) throw new UserError("Parameter 'cpu-index' expects a CPU number");
    const debug = debugOf(cpu);
    return saveMemory(emulator, (address, into) => machine.whileStill(() => debug.readMemory(address, into)), args);
  },
  pmemsave: ({ emulator }, args) => saveMemory(emulator, physicalReader(requireMachine(emulator)), args),
};
