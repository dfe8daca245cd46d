export type {
  ChardevInfo,
  ChardevMaker,
  CommandLineOption,
  CompatPolicy,
  DebuggerService,
  Emulator,
  NetdevInfo,
  NetdevMaker,
  OutputFile,
  PassedDescriptors,
  Preconfig,
  ReplacementFile,
} from './emulator.ts';
export {
  type MonitorEvent,
  type MonitorEventData,
  type MonitorEventName,
  MonitorEvents,
  type ShutdownReason,
} from './events.ts';
export { formatJson } from './qmp/json/value.ts';
