// Commands about the events of the emulator itself.
import { type TraceEvent, Tracer, UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import type { traceCommands } from '../schema/trace.ts';
import type { Handlers } from './context.ts';

/** @throws UserError for a name or pattern that fits none */
export function traceEventsOf(pattern: string): TraceEvent[] {
  const found = Tracer.matching(pattern);
  if (found.length === 0 && !/[*?]/.test(pattern)) throw new UserError(`unknown event "${pattern}"`);
  return found;
}

/** @throws UserError for a name that fits none, or where nothing listens */
export function setTraceEvents({ trace }: Emulator, pattern: string, on: boolean): void {
  const found = traceEventsOf(pattern);
  if (!trace) throw new UserError('events are not told here');
  trace.set(found, on);
}

export const traceHandlers: Handlers<keyof typeof traceCommands> = {
  'trace-event-get-state': ({ emulator: { trace } }, { name }) =>
    traceEventsOf(name).map((event) => ({
      name: event,
      state: trace === undefined ? 'unavailable' : trace.enabled(event) ? 'enabled' : 'disabled',
      vcpu: false,
    })),
  'trace-event-set-state': ({ emulator }, { name, enable }) => setTraceEvents(emulator, name, enable),
};
