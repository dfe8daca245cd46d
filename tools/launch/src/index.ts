export { type DebianSource, type LinuxGuest, prepareFirmware, prepareLinux } from './linux.ts';
export { start } from './start.ts';
