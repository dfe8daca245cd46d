export { architecture } from './architecture.ts';
export { s390CcwVirtio } from './boards/s390-ccw-virtio.ts';
export { CpuComplex } from './cpu/complex.ts';
export { FACILITIES, type Facility, facilityWords } from './cpu/facilities.ts';
export { CPU_MODELS, type CpuConfig, type CpuModel, configureCpu, parseCpu } from './cpu/models.ts';
export { S390Cpu } from './cpu/s390-cpu.ts';
export * from './cpu/services.ts';
