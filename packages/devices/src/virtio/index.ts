export { plugVirtioDrives } from './drives.ts';
export { GuestFault, GuestMemory } from './guest-memory.ts';
export { VirtioBlk } from './virtio-blk.ts';
export { VirtioDevice, type VirtioTransport } from './virtio-device.ts';
export { VIRTIO_MMIO_SIZE, VirtioMmio, type VirtioMmioOptions } from './virtio-mmio.ts';
export { VirtioRng } from './virtio-rng.ts';
export { VirtioSerial, VirtioSerialBus } from './virtio-serial.ts';
export { VIRTIO_SERIAL_BUS, VirtConsole, VirtioSerialPort } from './virtio-serial-port.ts';
export { MAX_QUEUE_SIZE, VirtQueue, type VirtQueueState, VirtqBuffer, type VirtqElement } from './virtqueue.ts';
