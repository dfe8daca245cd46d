/** What this package gives to programs that run machines. */
import type { ArchitecturePackage, CpuModelInfo, PropertySpec } from '@boardwalk/core';
import { registerDeviceTypes } from '@boardwalk/devices';
import { FACILITIES, FACILITY_NAMES } from './cpu/facilities.ts';
import { CPU_MODELS, type CpuModel } from './cpu/models.ts';

function modelInfo({ model, description, facilities }: CpuModel): CpuModelInfo {
  const properties = FACILITY_NAMES.map(
    (name): PropertySpec => ({
      name,
      type: 'bool',
      description: FACILITIES[name].description,
      default: facilities.has(name),
    }),
  );
  return { name: model, description, properties };
}

/** z/Architecture, as programs find it. */
export const architecture: ArchitecturePackage = {
  names: ['s390x'],
  boards: [],
  cpuModels: () => CPU_MODELS.map(modelInfo),
  registerTypes: registerDeviceTypes,
};
