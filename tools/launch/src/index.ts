export {
  type DebianSource,
  ifReachable,
  type LinuxGuest,
  prepareFirmware,
  prepareInstaller,
  prepareLinux,
  prepareUBoot,
  type UBoot,
} from './debian-guests.ts';
export { start } from './start.ts';
