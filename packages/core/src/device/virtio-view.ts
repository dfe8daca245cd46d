// What monitors show of virtio devices, whoever models them.

import type { Device } from './device.ts';

/** Names of bits that are known, each with what it means, and the bits that are left. */
export interface BitNames {
  readonly names: readonly string[];
  readonly unknown: bigint;
}

/** Feature bits: those of every device, those of its type. */
export interface FeatureNames {
  readonly transport: readonly string[];
  readonly device: readonly string[];
  readonly unknown: bigint;
}

/** One buffer of a request. */
export interface DescriptorView {
  readonly address: number;
  readonly length: number;
  readonly flags: readonly ('write' | 'next' | 'indirect')[];
}

/** One queue as device and driver have it. Indices are modulo 65536. */
export interface QueueView {
  readonly inUse: number;
  readonly usedIndex: number;
  readonly signalledUsed: number;
  readonly lastAvailIndex: number;
  readonly availIndex: number;
  readonly size: number;
  readonly maxSize: number;
  /** Guest addresses; 0 where the driver has given none. */
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

/** One request in a queue, done or not. */
export interface QueueElementView {
  /** Its place in the available ring. */
  readonly index: number;
  readonly descriptors: readonly DescriptorView[];
  readonly available: { readonly flags: number; readonly index: number; readonly ring: number };
  readonly used: { readonly flags: number; readonly index: number };
}

/** A virtio device. */
export interface VirtioView {
  /** As its kind is called: `virtio-blk`. */
  readonly name: string;
  readonly deviceId: number;
  readonly started: boolean;
  readonly broken: boolean;
  readonly bigEndian: boolean;
  readonly interruptStatus: number;
  readonly status: BitNames;
  readonly guestFeatures: FeatureNames;
  readonly hostFeatures: FeatureNames;
  readonly queues: readonly QueueView[];
  /** @param index place in the available ring; the next one if not given. undefined for a queue that is not set up */
  element(queue: number, index?: number): QueueElementView | undefined;
}

/** A device that can be shown so. */
export interface VirtioViewable extends Device {
  readonly virtioView: VirtioView;
}

/** Whether a device is one. */
export function isVirtioViewable(device: Device): device is VirtioViewable {
  return 'virtioView' in device;
}
