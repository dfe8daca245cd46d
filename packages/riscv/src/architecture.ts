/** What this package gives to programs that run machines. */
import type { ArchitecturePackage, CpuModelInfo, PropertySpec } from '@boardwalk/core';
import { registerDeviceTypes } from '@boardwalk/devices';
import { virt } from './boards/virt.ts';
import { addThreadHart } from './cpu/hart-thread.ts';
import { CPU_MODELS, type CpuModel, EXTENSIONS, type Extension } from './cpu/models.ts';

function modelInfo({ model, description, extensions }: CpuModel): CpuModelInfo {
  const properties = (Object.keys(EXTENSIONS) as Extension[]).map(
    (name): PropertySpec => ({
      name,
      type: 'bool',
      description: EXTENSIONS[name].description,
      default: extensions.has(name),
    }),
  );
  return { name: model, typeName: `${model}-riscv-cpu`, description, properties };
}

/** RISC-V, as programs find it. */
export const architecture: ArchitecturePackage = {
  names: ['riscv64'],
  boards: [virt],
  cpuModels: () => CPU_MODELS.map(modelInfo),
  firmware: {
    riscv64: [
      {
        boards: [virt.name],
        // As QEMU's packages name it, and as OpenSBI's own package does.
        files: ['opensbi-riscv64-generic-fw_dynamic.bin', 'fw_dynamic.bin'],
        folders: [
          '/usr/lib/riscv64-linux-gnu/opensbi/generic',
          '/usr/share/opensbi/lp64/generic/firmware',
          '/usr/share/qemu',
        ],
      },
    ],
  },
  registerTypes: registerDeviceTypes,
  addThreadCpu: addThreadHart,
};
