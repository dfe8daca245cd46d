// Commands that look into virtio devices.
import { Device, devicesOf, isVirtioViewable, resolvePath, UserError, type VirtioView } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import type { virtioCommands } from '../schema/virtio.ts';
import { type Handlers, requireMachine } from './context.ts';

/** Bytes that rings of a driver before VIRTIO 1.0 are aligned to. */
const VRING_ALIGN = 4096;

/** The virtio devices of a machine, the newest first. */
export function virtioDevices(emulator: Emulator): { readonly path: string; readonly view: VirtioView }[] {
  return devicesOf(requireMachine(emulator))
    .reverse()
    .filter(isVirtioViewable)
    .map((device) => ({ path: device.path, view: device.virtioView }));
}

function viewOf(emulator: Emulator, path: string): VirtioView {
  requireMachine(emulator);
  const found = atPath(emulator, path);
  if (found === undefined) throw new UserError(`Path ${path} is not a VirtIODevice`);
  return found.view;
}

function atPath(emulator: Emulator, path: string): { readonly view: VirtioView } | undefined {
  try {
    const { object } = resolvePath(emulator.root, path);
    return object instanceof Device && isVirtioViewable(object) ? { view: object.virtioView } : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function queueOf({ queues }: VirtioView, number: number): VirtioView['queues'][number] {
  const queue = queues[number];
  if (queue === undefined) throw new UserError(`Invalid virtqueue number ${number}`);
  return queue;
}

const featuresOf = ({ transport, device, unknown }: VirtioView['hostFeatures']) => ({
  transports: transport,
  'dev-features': device,
  ...(unknown === 0n ? {} : { 'unknown-dev-features': unknown }),
});

export const virtioHandlers: Handlers<keyof typeof virtioCommands> = {
  'x-query-virtio': ({ emulator }) => virtioDevices(emulator).map(({ path, view: { name } }) => ({ path, name })),
  'x-query-virtio-status': ({ emulator }, { path }) => {
    const view = viewOf(emulator, path);
    const { names, unknown } = view.status;
    return {
      name: view.name,
      'device-id': view.deviceId,
      'vhost-started': false,
      'device-endian': view.bigEndian ? 'big' : 'little',
      'guest-features': featuresOf(view.guestFeatures),
      'host-features': featuresOf(view.hostFeatures),
      'backend-features': { transports: [], 'dev-features': [] },
      'num-vqs': view.queues.length,
      status: { statuses: names, ...(unknown === 0n ? {} : { 'unknown-statuses': unknown }) },
      isr: view.interruptStatus,
      'vm-running': requireMachine(emulator).state === 'running',
      broken: view.broken,
      started: view.started,
    };
  },
  'x-query-virtio-queue-status': ({ emulator }, { path, queue: number }) => {
    const view = viewOf(emulator, path);
    const queue = queueOf(view, number);
    return {
      name: view.name,
      'queue-index': number,
      inuse: queue.inUse,
      'vring-num': queue.size,
      'vring-num-default': queue.maxSize,
      'vring-align': VRING_ALIGN,
      'vring-desc': queue.descriptors,
      'vring-avail': queue.available,
      'vring-used': queue.used,
      'last-avail-idx': queue.lastAvailIndex,
      'shadow-avail-idx': queue.availIndex,
      'used-idx': queue.usedIndex,
      'signalled-used': queue.signalledUsed,
    };
  },
  'x-query-virtio-queue-element': ({ emulator }, { path, queue, index }) => {
    const view = viewOf(emulator, path);
    queueOf(view, queue);
    const element = view.element(queue, index);
    if (element === undefined) throw new UserError('Region caches not initialized');
    const { available, used } = element;
    return {
      name: view.name,
      index: element.index,
      // The last one first, as QEMU lists them.
      descs: element.descriptors.map(({ address, length, flags }) => ({ addr: address, len: length, flags })).reverse(),
      avail: { flags: available.flags, idx: available.index, ring: available.ring },
      used: { flags: used.flags, idx: used.index },
    };
  },
};
