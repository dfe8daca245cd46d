export { type CpioEntry, CpioWriter, parseCpio } from './cpio.ts';
export { buildInitramfs, type InitramfsOptions } from './initramfs.ts';
export { type ModuleInfo, readModuleInfo } from './modinfo.ts';
export { type KernelModule, ModuleTree } from './modules.ts';
