// Devices that firmware can boot from: their property, and their paths as Open Firmware writes them.

import type { Bus, PropertySpec } from '@boardwalk/core';

/** `bootindex=N`: the place among the devices to boot from, lower first. */
export const bootIndexProperty: PropertySpec = {
  name: 'bootindex',
  type: 'int32',
  description: 'place among the devices that firmware tries to boot from, lower first',
  default: -1,
};

/** The path of the transport that a virtio device is on: `/virtio-mmio@0000000010008000`. */
export function transportPath(bus: Bus | undefined): string {
  const region = bus?.regions[0];
  if (bus === undefined || region === undefined) return '';
  const base = Number(region.address);
  return `/${bus.type}@${base.toString(16).padStart(16, '0')}`;
}
