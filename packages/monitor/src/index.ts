export type { ChardevInfo, Emulator, Preconfig } from './emulator.ts';
export {
  type MonitorEvent,
  type MonitorEventData,
  type MonitorEventName,
  MonitorEvents,
  type ShutdownReason,
} from './events.ts';
