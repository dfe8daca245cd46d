export type { HostOrder, VcpuInit, VcpuThreadEvents, VcpuThreadHandle, VcpuThreads } from './host.ts';
export { CALL, GO, VCPU_OWN, VCPU_SAMPLE_EVERY } from './layout.ts';
export { type DeviceBus, RemoteBus } from './remote-bus.ts';
export { serveVcpu, type VcpuWorkerHost } from './serve.ts';
export { SharedClockSource } from './shared-clock.ts';
export { type TeamVcpu, VcpuTeam } from './team.ts';
export { type ThreadedCpu, VcpuLoop } from './vcpu-loop.ts';
export { type DeviceCall, type LocalRegisters, type ThreadTranslator, VcpuThread } from './vcpu-thread.ts';
