// Machines, CPUs and memory (qapi/machine.json, qapi/machine-target.json).
import {
  any,
  bool,
  command,
  enumeration,
  type Infer,
  int,
  list,
  opt,
  size,
  str,
  struct,
  uint8,
  uint16,
  uint64,
  union,
  unionCommand,
} from './dsl.ts';

export const MachineInfo = struct('MachineInfo', {
  name: str,
  alias: opt(str),
  'is-default': opt(bool),
  'cpu-max': int,
  'hotpluggable-cpus': bool,
  'numa-mem-supported': bool,
  deprecated: bool,
  'default-cpu-type': opt(str),
  'default-ram-id': opt(str),
});
export const CurrentMachineParams = struct('CurrentMachineParams', { 'wakeup-suspend-support': bool });

const cpuProperties = {
  'node-id': opt(int),
  'socket-id': opt(int),
  'die-id': opt(int),
  'cluster-id': opt(int),
  'core-id': opt(int),
  'thread-id': opt(int),
} as const;
export const CpuInstanceProperties = struct('CpuInstanceProperties', cpuProperties);
/** Of an s390x CPU (Principles of Operation, "CPU States"). */
const S390CpuState = enumeration('CpuS390State', ['uninitialized', 'stopped', 'check-stop', 'operating', 'load']);
export type S390CpuState = Infer<typeof S390CpuState>;
export const CpuInfoFast = struct('CpuInfoFast', {
  'cpu-index': int,
  'qom-path': str,
  'thread-id': int,
  props: opt(CpuInstanceProperties),
  target: str,
  'cpu-state': opt(S390CpuState),
});
export const HotpluggableCPU = struct('HotpluggableCPU', {
  type: str,
  'vcpus-count': int,
  props: CpuInstanceProperties,
  'qom-path': opt(str),
});
export const CpuDefinitionInfo = struct('CpuDefinitionInfo', {
  name: str,
  'migration-safe': opt(bool),
  static: bool,
  typename: str,
  deprecated: bool,
});

/** A CPU model, and features that are not as it has them. */
export const CpuModelInfo = struct('CpuModelInfo', { name: str, props: opt(any) });

export const HostMemPolicy = enumeration('HostMemPolicy', ['default', 'preferred', 'bind', 'interleave']);
export const Memdev = struct('Memdev', {
  id: opt(str),
  size,
  merge: bool,
  dump: bool,
  prealloc: bool,
  share: bool,
  reserve: opt(bool),
  'host-nodes': list(uint16),
  policy: HostMemPolicy,
});
export const MemoryInfo = struct('MemoryInfo', { 'base-memory': size, 'plugged-memory': opt(size) });
export const MemoryDeviceInfoType = union(
  'MemoryDeviceInfo',
  { type: enumeration('MemoryDeviceInfoKind', ['dimm', 'virtio-mem']) },
  'type',
  {
    dimm: struct('PCDIMMDeviceInfoWrapper', {
      data: struct('PCDIMMDeviceInfo', {
        id: opt(str),
        addr: int,
        size: int,
        slot: int,
        node: int,
        memdev: str,
        hotplugged: bool,
        hotpluggable: bool,
      }),
    }),
    'virtio-mem': struct('VirtioMEMDeviceInfoWrapper', {
      data: struct('VirtioMEMDeviceInfo', {
        id: opt(str),
        memaddr: size,
        'requested-size': size,
        size,
        'max-size': size,
        'block-size': size,
        node: int,
        memdev: str,
      }),
    }),
  },
);

export const BalloonInfo = struct('BalloonInfo', { actual: int });

const hierarchy = enumeration('HmatLBMemoryHierarchy', ['memory', 'first-level', 'second-level', 'third-level']);
const dataType = enumeration('HmatLBDataType', [
  'access-latency',
  'read-latency',
  'write-latency',
  'access-bandwidth',
  'read-bandwidth',
  'write-bandwidth',
]);

/** What `-numa` takes. */
export const NumaOptions = union(
  'NumaOptions',
  { type: enumeration('NumaOptionsType', ['node', 'dist', 'cpu', 'hmat-lb', 'hmat-cache']) },
  'type',
  {
    node: struct('NumaNodeOptions', {
      nodeid: opt(uint16),
      cpus: opt(list(uint16)),
      mem: opt(size),
      memdev: opt(str),
      initiator: opt(uint16),
    }),
    dist: struct('NumaDistOptions', { src: uint16, dst: uint16, val: uint8 }),
    cpu: struct('NumaCpuOptions', cpuProperties),
    'hmat-lb': struct('NumaHmatLBOptions', {
      initiator: uint16,
      target: uint16,
      hierarchy,
      'data-type': dataType,
      latency: opt(uint64),
      bandwidth: opt(size),
    }),
    'hmat-cache': struct('NumaHmatCacheOptions', {
      'node-id': uint16,
      size,
      level: uint8,
      associativity: enumeration('HmatCacheAssociativity', ['none', 'direct', 'complex']),
      policy: enumeration('HmatCacheWritePolicy', ['none', 'write-back', 'write-through']),
      line: uint16,
    }),
  },
);

export const machineCommands = {
  'query-machines': command({ doc: 'The machines of this architecture.', returns: list(MachineInfo), preconfig: true }),
  'query-current-machine': command({ doc: 'What the machine can do.', returns: CurrentMachineParams }),
  'query-cpus-fast': command({ doc: 'The CPUs, without stopping them.', returns: list(CpuInfoFast) }),
  'query-hotpluggable-cpus': command({
    doc: 'The places for CPUs, where the machine numbers them.',
    returns: list(HotpluggableCPU),
    preconfig: true,
  }),
  'query-cpu-definitions': command({ doc: 'The CPU models of this architecture.', returns: list(CpuDefinitionInfo) }),
  'query-cpu-model-expansion': command({
    needs: 'cpuModelQueries',
    doc: 'What a CPU model has: by a model that never changes (static), or feature by feature (full).',
    args: { type: enumeration('CpuModelExpansionType', ['static', 'full']), model: CpuModelInfo },
    returns: struct('CpuModelExpansionInfo', { model: CpuModelInfo }),
  }),
  'query-cpu-model-comparison': command({
    needs: 'cpuModelQueries',
    doc: 'How one CPU model stands to another.',
    args: { modela: CpuModelInfo, modelb: CpuModelInfo },
    returns: struct('CpuModelCompareInfo', {
      result: enumeration('CpuModelCompareResult', ['incompatible', 'identical', 'superset', 'subset']),
      'responsible-properties': list(str),
    }),
  }),
  'query-cpu-model-baseline': command({
    needs: 'cpuModelQueries',
    doc: 'The CPU model that two have in common.',
    args: { modela: CpuModelInfo, modelb: CpuModelInfo },
    returns: struct('CpuModelBaselineInfo', { model: CpuModelInfo }),
  }),
  'query-memdev': command({ doc: 'The memory backends, the newest first.', returns: list(Memdev), preconfig: true }),
  'query-memory-size-summary': command({ doc: 'Bytes of RAM.', returns: MemoryInfo }),
  'query-memory-devices': command({ doc: 'The memory devices.', returns: list(MemoryDeviceInfoType) }),
  balloon: command({ doc: 'Asks the guest to have so many bytes of RAM, by its balloon.', args: { value: int } }),
  'query-balloon': command({ doc: 'The bytes of RAM that the guest has.', returns: BalloonInfo }),
  'set-numa-node': unionCommand({
    doc: 'As one more `-numa`, before the machine is made (`--preconfig`).',
    union: NumaOptions,
    preconfig: true,
  }),
  'x-exit-preconfig': command({ doc: 'Ends `--preconfig`: makes the machine.', preconfig: true, unstable: true }),
  memsave: command({
    doc: "Writes memory to a file, at virtual addresses of a CPU's.",
    args: { val: int, size: int, filename: str, 'cpu-index': opt(int) },
  }),
  pmemsave: command({
    doc: 'Writes memory to a file, at physical addresses.',
    args: { val: int, size: int, filename: str },
  }),
} as const;
