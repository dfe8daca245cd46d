export {
  type GuestActions,
  PANIC_ACTIONS,
  type PanicOutcome,
  REBOOT_ACTIONS,
  SHUTDOWN_ACTIONS,
  WATCHDOG_ACTIONS,
} from './actions.ts';
export type {
  ArchitecturePackage,
  CpuModelComparison,
  CpuModelInfo,
  CpuModelQueries,
  CpuModelSelection,
  FirmwareSource,
} from './architecture.ts';
export {
  MACHINE_PROPERTIES,
  registerArchitectureTypes,
  registerBoardTypes,
  registerMachineTypes,
} from './architecture-types.ts';
export { type Balloon, balloonOf } from './balloon.ts';
export { type BoardDefinition, BoardRegistry, defineBoard, isBoardDefinition, noneBoard } from './board.ts';
export { type BootOrderDevice, bootOrder, isBootOrderDevice } from './boot-order.ts';
export { Cpu, type TranslationInfo, type VirtualRange } from './cpu.ts';
export { type CpuModel, parseCpuModel, resolveCpuModel } from './cpu-model.ts';
export type {
  CoreFileFormat,
  CpuDebug,
  DebugDescription,
  DebugFeature,
  DebugPoints,
  DebugRegister,
  DebugStop,
  StepOptions,
  WatchKind,
  Watchpoint,
} from './debug.ts';
export { DeviceMemory, type DeviceMemoryOptions, deviceName } from './device-memory.ts';
export { type Drive, DriveTable } from './drives.ts';
export type { Cause, ExitInfo, MachineEvents, PanicInfo } from './events.ts';
export type { GlobalProperty } from './globals.ts';
export { EventLoopScheduler, type HostScheduler } from './host-scheduler.ts';
export type { RunState } from './life.ts';
export { Machine } from './machine.ts';
export * from './memory-device.ts';
export {
  ASSOCIATIVITIES,
  type CpuProps,
  DATA_TYPES,
  HIERARCHIES,
  type HmatCacheOption,
  type HmatDataType,
  type HmatEntry,
  type HmatHierarchy,
  type HmatLbOption,
  type HmatMatrix,
  hmatProperty,
  type NumaConfiguration,
  type NumaCpuOption,
  type NumaDistOption,
  type NumaNode,
  type NumaNodeOption,
  type NumaOption,
  type NumaPlan,
  type NumaRequest,
  type NumaSupport,
  type PossibleCpu,
  planNuma,
  WRITE_POLICIES,
} from './numa.ts';
export type {
  BootOptions,
  CodeOrigin,
  CodeStore,
  DeviceOptions,
  DriveInterface,
  DriveOptions,
  MachineOptions,
  SemihostingOptions,
} from './options.ts';
export { largestRamPage, smallestRamPage } from './page-sizes.ts';
export { plugDevice, removeDevice, unplugDevice } from './plug.ts';
export {
  chooseRam,
  type MemoryLimits,
  memoryLimits,
  type RamChoice,
  ramSizeProblem,
  standardRamSize,
  useBackend,
} from './ram.ts';
export { SeededRandom } from './random.ts';
export { parseSmp, resolveSmp, type SmpLevel, type SmpOptions, type SmpTopology } from './smp.ts';
export { formatBytes, GiB, KiB, MiB, TiB } from './units.ts';
