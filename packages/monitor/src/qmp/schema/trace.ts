// Events of the emulator itself (qapi/trace.json).
import { bool, command, enumeration, list, opt, str, struct } from './dsl.ts';

export const TraceEventInfo = struct('TraceEventInfo', {
  name: str,
  state: enumeration('TraceEventState', ['unavailable', 'disabled', 'enabled']),
  vcpu: bool,
});

export const traceCommands = {
  'trace-event-get-state': command({
    doc: 'Which events are told (`-trace`); `*` and `?` in a name stand for anything.',
    args: { name: str },
    returns: list(TraceEventInfo),
    preconfig: true,
  }),
  'trace-event-set-state': command({
    doc: 'Switches events on or off.',
    args: { name: str, enable: bool, 'ignore-unavailable': opt(bool) },
    preconfig: true,
  }),
} as const;
