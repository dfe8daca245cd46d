export { architecture } from './architecture.ts';
export { type BootFiles, type BootImage, type BootLayout, layOutBoot, loadBoot } from './boards/boot.ts';
export { virt } from './boards/virt.ts';
export { CSR_NAMES } from './cpu/decode/csr-names.ts';
export { disassemble } from './cpu/decode/disassemble.ts';
export { F_NAMES, X_NAMES } from './cpu/decode/registers.ts';
export { RiscvFrontend } from './cpu/frontend.ts';
export {
  CPU_MODELS,
  type CpuConfig,
  type CpuModel,
  configureCpu,
  EXTENSIONS,
  type Extension,
  isaExtensions,
  isaString,
  parseCpu,
} from './cpu/models.ts';
export { type InterruptLine, RiscvCpu, type RiscvCpuOptions, type TimeSource } from './cpu/riscv-cpu.ts';
export * from './soc/index.ts';
