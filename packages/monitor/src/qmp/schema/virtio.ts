// Virtio devices, for whoever looks into them (qapi/virtio.json). Unstable: their names begin with `x-`.
import { bool, command, enumeration, int, list, opt, str, struct, uint16, uint64 } from './dsl.ts';

const VirtioInfo = struct('VirtioInfo', { path: str, name: str });
const VirtioDeviceStatus = struct('VirtioDeviceStatus', { statuses: list(str), 'unknown-statuses': opt(int) });
const VirtioDeviceFeatures = struct('VirtioDeviceFeatures', {
  transports: list(str),
  'dev-features': opt(list(str)),
  'unknown-dev-features': opt(uint64),
});
const VirtioStatus = struct('VirtioStatus', {
  name: str,
  'device-id': uint16,
  'vhost-started': bool,
  'device-endian': str,
  'guest-features': VirtioDeviceFeatures,
  'host-features': VirtioDeviceFeatures,
  'backend-features': VirtioDeviceFeatures,
  'num-vqs': int,
  status: VirtioDeviceStatus,
  isr: int,
  'vm-running': bool,
  broken: bool,
  started: bool,
});
const VirtQueueStatus = struct('VirtQueueStatus', {
  name: str,
  'queue-index': uint16,
  inuse: int,
  'vring-num': int,
  'vring-num-default': int,
  'vring-align': int,
  'vring-desc': uint64,
  'vring-avail': uint64,
  'vring-used': uint64,
  'last-avail-idx': opt(uint16),
  'shadow-avail-idx': opt(uint16),
  'used-idx': uint16,
  'signalled-used': uint16,
});
const VirtioQueueElement = struct('VirtioQueueElement', {
  name: str,
  index: int,
  descs: list(
    struct('VirtioRingDesc', {
      addr: uint64,
      len: int,
      flags: list(enumeration('VirtioRingDescFlags', ['write', 'next', 'indirect'])),
    }),
  ),
  avail: struct('VirtioRingAvail', { flags: uint16, idx: uint16, ring: uint16 }),
  used: struct('VirtioRingUsed', { flags: uint16, idx: uint16 }),
});

const queue = { path: str, queue: uint16 } as const;

export const virtioCommands = {
  'x-query-virtio': command({
    doc: 'The virtio devices, the newest first.',
    returns: list(VirtioInfo),
    unstable: true,
  }),
  'x-query-virtio-status': command({
    doc: 'What a virtio device and its driver have agreed on, and how far they are.',
    args: { path: str },
    returns: VirtioStatus,
    unstable: true,
  }),
  'x-query-virtio-queue-status': command({
    doc: 'Where a queue of a virtio device is, and how far.',
    args: queue,
    returns: VirtQueueStatus,
    unstable: true,
  }),
  'x-query-virtio-queue-element': command({
    doc: 'A request in a queue: the one in a place of the available ring, the next one if none is named.',
    args: { ...queue, index: opt(uint16) },
    returns: VirtioQueueElement,
    unstable: true,
  }),
} as const;
