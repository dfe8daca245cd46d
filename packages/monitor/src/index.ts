export { parseBase64 } from './base64.ts';
export type {
  ChardevInfo,
  ChardevMaker,
  CommandLineOption,
  CompatPolicy,
  DebuggerService,
  Emulator,
  NetdevInfo,
  NetdevMaker,
  OutgoingTarget,
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
