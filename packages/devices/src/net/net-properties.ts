// The properties that network cards have in common.

import { type Device, type NetBackend, type PropertySpec, UserError } from '@boardwalk/core';

const MAC = /^[0-9a-f]{1,2}([:-])(?:[0-9a-f]{1,2}\1){4}[0-9a-f]{1,2}$/i;

/** `netdev=ID`: the id of a `-netdev`, or in code the backend itself. */
export function netdevProperty(): PropertySpec {
  return {
    name: 'netdev',
    type: 'netdev',
    reportedType: 'str',
    description: 'ID of a netdev to use as a backend',
    parse(value) {
      if (typeof value === 'string' || isNetBackend(value)) return value;
      throw new UserError("Parameter 'netdev' expects the id of a netdev");
    },
  };
}

/** `mac=52:54:00:12:34:56`. */
export function macProperty(): PropertySpec {
  return {
    name: 'mac',
    type: 'str',
    description: 'Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56',
    default: '52:54:00:12:34:56',
    validate: (value) => (MAC.test(String(value)) ? undefined : `Invalid MAC address '${String(value)}'`),
  };
}

/** The bytes of a MAC address that {@link macProperty} has taken. */
export function parseMac(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.split(/[:-]/), (digits) => Number.parseInt(digits, 16));
}

function isNetBackend(value: unknown): value is NetBackend {
  return typeof value === 'object' && value !== null && 'send' in value && 'onFrame' in value;
}

/** A cable that ends nowhere. */
const NOBODY: NetBackend = { send() {}, onFrame() {}, close() {} };

/**
 * The backend that a device's `netdev` property means; nobody, when it is not given.
 * @param onLost called when the backend is taken away
 * @throws UserError when it names none, or one that another device has
 */
export function asNetBackend(device: Device, value: unknown, onLost: () => void): NetBackend {
  if (value === undefined || value === '') return NOBODY;
  if (isNetBackend(value)) return value;
  return device.machine.netdevs.claim(String(value), device.path, device.type, onLost);
}
