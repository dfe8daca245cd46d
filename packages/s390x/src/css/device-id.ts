/** Device numbers as users write them: `fe.0.0001` is channel subsystem fe, subchannel set 0, device 0001 (all hexadecimal). */
import { type PropertySpec, UserError } from '@boardwalk/core';

/** The channel subsystem that virtual devices are in, and that a guest sees as its own. */
export const VIRTUAL_CSSID = 0xfe;
export const MAX_CSSID = 0xfe;
/** Subchannel sets of a channel subsystem. */
export const SUBCHANNEL_SETS = 4;
/** Subchannels of a set, and device numbers in it. */
export const SET_SIZE = 0x1_0000;

/** Where a device is found: by its device number, or by its subchannel number in the same form. */
export interface DeviceId {
  readonly cssid: number;
  readonly ssid: number;
  readonly number: number;
}

/** `fe.0.0001`. */
export function formatDeviceId({ cssid, ssid, number }: DeviceId): string {
  return `${cssid.toString(16)}.${ssid.toString(16)}.${number.toString(16).padStart(4, '0')}`;
}

/**
 * Reads a device number.
 * @returns undefined if the text is none
 */
export function parseDeviceId(text: string): DeviceId | undefined {
  const match = /^([0-9a-f]{1,2})\.([0-9a-f])\.([0-9a-f]{1,4})$/i.exec(text);
  if (match === null) return undefined;
  const [cssid = 0, ssid = 0, number = 0] = match.slice(1).map((digits) => Number.parseInt(digits, 16));
  return { cssid, ssid, number };
}

/** @throws UserError for a channel subsystem or a set that there is not */
export function checkDeviceId({ cssid, ssid }: DeviceId): void {
  if (cssid <= MAX_CSSID && ssid < SUBCHANNEL_SETS) return;
  throw new UserError(`Invalid cssid or ssid: cssid ${cssid.toString(16)}, ssid ${ssid.toString(16)}`);
}

/** `devno=fe.0.0001`: where a user wants the device; the first free number if it is not given. */
export function devnoProperty(typeName: string): PropertySpec {
  return {
    name: 'devno',
    type: 'ccw_dev_id',
    reportedType: 'str',
    description: 'Identifier of an I/O device in the channel subsystem, example: fe.1.23ab',
    parse(value) {
      const id = typeof value === 'string' ? parseDeviceId(value) : undefined;
      if (id === undefined) throw new UserError(`Property '${typeName}.devno' doesn't take value '${String(value)}'`);
      return formatDeviceId(id);
    },
  };
}
