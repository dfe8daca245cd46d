// What monitors tell of storage keys (`info skeys`, `dump-skeys`), on architectures that have them.
import type { Device } from './device.ts';

/** Whoever keeps the keys of main storage. */
export interface StorageKeyHolder extends Device {
  /** A byte for each 4 KiB of RAM, a copy; undefined as long as the guest makes no use of them. */
  readonly storageKeys: Uint8Array | undefined;
}

/** Whether a device is one. */
export function isStorageKeyHolder(device: Device): device is StorageKeyHolder {
  return 'storageKeys' in device;
}
