// A conventional PCI bus: 32 places for devices, behind the bridge that a board has.

import { Bus, type Device, type PciBusInfo, type PciFunctionInfo, UserError } from '@boardwalk/core';
import { PciDevice } from './pci-device.ts';

export const PCI_BUS = 'PCI';
const SLOTS = 32;

/** The bridge between a board and its bus. */
export interface PciHost {
  /** What is in the guest's byte order before VIRTIO 1.0 is big-endian. */
  readonly bigEndian: boolean;
  /** A device is being added, and has its place on the bus. @throws UserError if the board cannot have it */
  pciPlugged(device: PciDevice): void;
  /** A device is to go. @returns whether the guest is asked first: the board takes it out when it has agreed */
  pciUnplugRequested(device: PciDevice): boolean;
  /** A device is being taken out. */
  pciUnplugged(device: PciDevice): void;
  /** Where an address leads that a device reaches for, within a page; undefined where it may not go. Not there without such tables. */
  pciTranslate?(device: PciDevice, address: number, forWrite: boolean): number | undefined;
  /** A device sends an interrupt as a message. */
  pciMessage(device: PciDevice, addressLow: number, addressHigh: number, data: number): void;
}

/** The bus, and who is where on it. One function a device. */
export class PciBus extends Bus implements PciBusInfo {
  static override readonly typeName: string = PCI_BUS;
  readonly busType = PCI_BUS;
  readonly host: PciHost;
  readonly #slots: (PciDevice | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  constructor(host: PciHost) {
    super();
    this.host = host;
  }

  get full(): boolean {
    return this.#slots.every((place) => place !== undefined);
  }

  /** The devices, by place. */
  get devices(): readonly PciDevice[] {
    return this.#slots.filter((place) => place !== undefined);
  }

  /** What monitors tell. */
  get pciFunctions(): readonly PciFunctionInfo[] {
    return this.devices.map((device) => device.info);
  }

  plug(device: Device): void {
    if (!(device instanceof PciDevice)) throw new UserError(`Device '${device.type}' can't go on ${PCI_BUS} bus`);
    device.plugInto(this);
  }

  /**
   * Gives a device a place: the first free one if none is asked for.
   * @throws UserError if that is taken
   */
  claim(device: PciDevice, wanted: number | undefined): number {
    const slot = wanted ?? this.#slots.indexOf(undefined);
    const owner = this.#slots[slot];
    if (slot < 0) throw new UserError(`PCI: no slot/function available for ${device.type}, all in use or reserved`);
    if (owner !== undefined) {
      throw new UserError(`PCI: slot ${slot} function 0 not available for ${device.type}, in use by ${owner.type}`);
    }
    this.#slots[slot] = device;
    return slot;
  }

  /** Its place is free again. */
  release(device: PciDevice): void {
    const slot = this.#slots.indexOf(device);
    if (slot >= 0) this.#slots[slot] = undefined;
  }
}
