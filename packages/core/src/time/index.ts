export {
  type ClockSource,
  HostClockSource,
  type InstructionClockOptions,
  InstructionClockSource,
  ManualClockSource,
} from './clock-source.ts';
export { ManualClock, type Timer, VirtualClock } from './virtual-clock.ts';
