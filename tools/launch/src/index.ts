export {
  type DebianSource,
  ifReachable,
  type LinuxGuest,
  type MainframeGuest,
  prepareFirmware,
  prepareInstaller,
  prepareLinux,
  prepareMainframeLinux,
  prepareUBoot,
  type UBoot,
} from './debian-guests.ts';
export { type MainframeRoot, prepareMainframeRoot } from './debian-root.ts';
export { start } from './start.ts';
