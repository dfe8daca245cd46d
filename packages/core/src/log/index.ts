export { GuestLog, type LogCategory, type LogSink, logCategories } from './guest-log.ts';
export { type TraceEvent, Tracer, type TraceSink, traceEvents } from './tracer.ts';
