// Virtio devices as monitors show them. Names of bits: "Virtual I/O Device (VIRTIO) Version 1.2", sections 2.1, 6 and those of the devices in 5.

import type { BitNames, FeatureNames, QueueElementView, QueueView, VirtioView } from '@boardwalk/core';
import { VIRTIO_F_VERSION_1, type VirtioDevice } from './virtio-device.ts';

type Names = Readonly<Record<number, string>>;

const STATUS: Names = {
  0: 'VIRTIO_CONFIG_S_ACKNOWLEDGE: Valid virtio device found',
  1: 'VIRTIO_CONFIG_S_DRIVER: Guest OS compatible with device',
  2: 'VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready',
  3: 'VIRTIO_CONFIG_S_FEATURES_OK: Feature negotiation complete',
  6: 'VIRTIO_CONFIG_S_NEEDS_RESET: Irrecoverable error, device needs reset',
  7: 'VIRTIO_CONFIG_S_FAILED: Error in guest, device failed',
};

const TRANSPORT: Names = {
  24: 'VIRTIO_F_NOTIFY_ON_EMPTY: Notify when device runs out of avail. descs. on VQ',
  27: 'VIRTIO_F_ANY_LAYOUT: Device accepts arbitrary desc. layouts',
  28: 'VIRTIO_RING_F_INDIRECT_DESC: Indirect descriptors supported',
  29: 'VIRTIO_RING_F_EVENT_IDX: Used & avail. event fields enabled',
  32: 'VIRTIO_F_VERSION_1: Device compliant for v1 spec (legacy)',
  33: 'VIRTIO_F_IOMMU_PLATFORM: Device can be used on IOMMU platform',
};

/** By the device's number. */
const KINDS: Readonly<Record<number, { readonly name: string; readonly features: Names }>> = {
  1: {
    name: 'virtio-net',
    features: {
      5: 'VIRTIO_NET_F_MAC: Device has given MAC address',
      15: 'VIRTIO_NET_F_MRG_RXBUF: Driver can merge receive buffers',
      16: 'VIRTIO_NET_F_STATUS: Configuration status field available',
      17: 'VIRTIO_NET_F_CTRL_VQ: Control channel available',
      18: 'VIRTIO_NET_F_CTRL_RX: Control channel RX mode supported',
      23: 'VIRTIO_NET_F_CTRL_MAC_ADDR: MAC address set through control channel',
    },
  },
  2: {
    name: 'virtio-blk',
    features: {
      2: 'VIRTIO_BLK_F_SEG_MAX: Max segments in a request is seg_max',
      5: 'VIRTIO_BLK_F_RO: Device is read-only',
      6: 'VIRTIO_BLK_F_BLK_SIZE: Block size of disk available',
      9: 'VIRTIO_BLK_F_FLUSH: Flush command supported',
      10: 'VIRTIO_BLK_F_TOPOLOGY: Topology information available',
      11: 'VIRTIO_BLK_F_CONFIG_WCE: Cache writeback and writethrough modes supported',
      12: 'VIRTIO_BLK_F_MQ: Multiqueue supported',
      13: 'VIRTIO_BLK_F_DISCARD: Discard command supported',
      14: 'VIRTIO_BLK_F_WRITE_ZEROES: Write zeroes command supported',
    },
  },
  3: {
    name: 'virtio-serial',
    features: {
      1: 'VIRTIO_CONSOLE_F_MULTIPORT: Multiple ports for device supported',
      2: 'VIRTIO_CONSOLE_F_EMERG_WRITE: Emergency write supported',
    },
  },
  4: { name: 'virtio-rng', features: {} },
  5: {
    name: 'virtio-balloon',
    features: { 2: 'VIRTIO_BALLOON_F_DEFLATE_ON_OOM: Deflate balloon when guest OOM' },
  },
  8: {
    name: 'virtio-scsi',
    features: { 1: 'VIRTIO_SCSI_F_HOTPLUG: Reporting and handling hot-plug events supported' },
  },
  24: {
    name: 'virtio-mem',
    features: {
      0: 'VIRTIO_MEM_F_ACPI_PXM: node_id is an ACPI PXM and is valid',
      1: 'VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE: Unplugged memory cannot be accessed',
    },
  },
};

const DESC_FLAGS = [
  [2, 'write'],
  [1, 'next'],
  [4, 'indirect'],
] as const;

function namesOf(bits: bigint, known: Names): BitNames {
  let unknown = bits;
  const names: string[] = [];
  for (const [bit, name] of Object.entries(known)) {
    const mask = 1n << BigInt(bit);
    if ((bits & mask) === 0n) continue;
    names.push(name);
    unknown &= ~mask;
  }
  return { names, unknown };
}

function featuresOf(bits: bigint, own: Names): FeatureNames {
  const { names: transport, unknown } = namesOf(bits, TRANSPORT);
  const device = namesOf(unknown, own);
  return { transport: [...transport].reverse(), device: device.names, unknown: device.unknown };
}

/** A device as it is now. */
export function viewOf(device: VirtioDevice): VirtioView {
  const { name, features } = KINDS[device.deviceId] ?? { name: device.type, features: {} };
  return {
    name,
    deviceId: device.deviceId,
    started: (device.status & 4) !== 0,
    broken: (device.status & 0x40) !== 0,
    // From VIRTIO 1.0 on everything is little-endian.
    bigEndian: device.bigEndian && (device.driverFeatures & VIRTIO_F_VERSION_1) === 0n,
    interruptStatus: device.interruptStatus,
    status: namesOf(BigInt(device.status), STATUS),
    guestFeatures: featuresOf(device.driverFeatures, features),
    hostFeatures: featuresOf(device.deviceFeatures, features),
    queues: device.queues.map((queue): QueueView => {
      const state = queue.save();
      return {
        inUse: state.inFlight.length,
        usedIndex: state.nextUsed,
        signalledUsed: state.signalled,
        lastAvailIndex: state.nextAvail,
        availIndex: queue.ready ? queue.ring.index : state.nextAvail,
        size: state.size,
        maxSize: queue.maxSize,
        descriptors: state.descriptors,
        available: state.driver,
        used: state.device,
      };
    }),
    element(number, index): QueueElementView | undefined {
      const queue = device.queues[number];
      if (queue === undefined || !queue.ready) return undefined;
      const at = (index ?? queue.save().nextAvail) % queue.size;
      const { ring, used } = queue;
      const head = queue.headAt(at);
      const descriptors = queue.describe(head).map(({ address, length, flags }) => ({
        address,
        length,
        flags: DESC_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, flag]) => flag),
      }));
      return { index: head, descriptors, available: { ...ring, ring: head }, used };
    },
  };
}
