/** What this package gives to programs that run machines. */
import type { ArchitecturePackage } from '@boardwalk/core';
import { registerDeviceTypes } from '@boardwalk/devices';

/** z/Architecture, as programs find it. */
export const architecture: ArchitecturePackage = {
  names: ['s390x'],
  boards: [],
  cpuModels: () => [],
  registerTypes: registerDeviceTypes,
};
