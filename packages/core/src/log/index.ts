export { GuestLog, type LogCategory, type LogSink, logCategories } from './guest-log.ts';
