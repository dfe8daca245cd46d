/** What this package gives to programs that run machines. */
import type { ArchitecturePackage, CpuModelInfo, PropertySpec } from '@boardwalk/core';
import { registerDeviceTypes, registerPciDevices } from '@boardwalk/devices';
import { cpuTypeName, registerCpuTypes } from './boards/pluggable-cpu.ts';
import { s390CcwVirtio } from './boards/s390-ccw-virtio.ts';
import { registerWatchdog } from './boards/watchdog.ts';
import { addThreadCpu } from './cpu/cpu-thread.ts';
import { FACILITIES, FACILITY_NAMES } from './cpu/facilities.ts';
import { cpuModelQueries } from './cpu/model-queries.ts';
import { CPU_MODELS, type CpuModel } from './cpu/models.ts';
import { registerCcwDevices } from './css/ccw-devices.ts';
import { registerZpci } from './pci/zpci-function.ts';
import { registerEventDevices } from './sclp/event-devices.ts';

function modelInfo({ model, description, facilities, isBase }: CpuModel): CpuModelInfo {
  const properties = FACILITY_NAMES.map(
    (name): PropertySpec => ({
      name,
      type: 'bool',
      description: FACILITIES[name].description,
      default: facilities.has(name),
    }),
  );
  return {
    name: model,
    typeName: cpuTypeName(model),
    description,
    isStatic: isBase,
    // What `max` is may be more with each version.
    isMigrationSafe: model !== 'max',
    properties,
  };
}

/** z/Architecture, as programs find it. */
export const architecture: ArchitecturePackage = {
  names: ['s390x'],
  boards: [s390CcwVirtio],
  cpuModels: () => CPU_MODELS.map(modelInfo),
  cpuModelQueries,
  firmware: {
    s390x: [{ boards: [s390CcwVirtio.name], files: ['s390-ccw.img'], folders: ['/usr/share/qemu'] }],
  },
  registerTypes(types) {
    registerDeviceTypes(types);
    registerCcwDevices(types);
    registerPciDevices(types);
    registerZpci(types);
    registerEventDevices(types);
    registerWatchdog(types);
    registerCpuTypes(types);
  },
  addThreadCpu,
};
