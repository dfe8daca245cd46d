// The part of the address space that memory devices lie in (`-m size,slots=,maxmem=`): who lies where, and what does not fit. Rules
// and texts are QEMU's (observed with pc-dimm on its q35).

import { MemoryRegion } from '../memory/index.ts';
import { type BwObject, UserError } from '../object/index.ts';
import { type MemoryDevice, memoryDevicesOf } from './memory-device.ts';
import { GiB } from './units.ts';

/** How a machine's {@link DeviceMemory} is made. Sizes and addresses in bytes. */
export interface DeviceMemoryOptions {
  /** First address. */
  readonly base: number;
  /** The most that all devices together can have: `maxmem` without the main RAM. */
  readonly limit: number;
  /** Places for modules. */
  readonly slots: number;
}

/** Address space for each slot besides the limit, so that a module can be aligned whatever lies before it. */
const SPARE_PER_SLOT = GiB(1);

const hex = (n: number): string => `0x${n.toString(16)}`;

/** Where memory devices lie. */
export class DeviceMemory {
  /** The container of the devices' regions, for the board to map at {@link base}. */
  readonly region: MemoryRegion;
  readonly base: number;
  /** Bytes of address space. */
  readonly size: number;
  /** Bytes of memory at most. */
  readonly limit: number;
  readonly slots: number;
  /** A board that tells its guest of new memory sets this: it hears of each device that has its place now, from the start or later. */
  devicePlugged: ((device: MemoryDevice) => void) | undefined;
  /**
   * A board that asks the guest before memory goes away sets this: it hears of the wish, and calls {@link unplug} when the guest has
   * agreed. Without it memory goes away at once.
   */
  requestUnplug: ((device: MemoryDevice) => void) | undefined;
  readonly #machine: BwObject;

  constructor(machine: BwObject, { base, limit, slots }: DeviceMemoryOptions) {
    this.#machine = machine;
    this.base = base;
    this.limit = limit;
    this.slots = slots;
    this.size = limit + slots * SPARE_PER_SLOT;
    this.region = MemoryRegion.container('device-memory', this.size);
  }

  /** Bytes of memory that devices take. */
  get used(): number {
    return this.#others().reduce((sum, { memoryRegion }) => sum + memoryRegion.size, 0);
  }

  /** End of the highest device; {@link base} if there is none. For firmware tables. */
  get end(): number {
    return this.#others().reduce((end, o) => Math.max(end, o.memoryAddress + o.memoryRegion.size), this.base);
  }

  /**
   * Gives a device its slot (where it has one) and its address, and maps it. An address or slot that it says already is kept.
   * @throws UserError if it does not fit; nothing has changed then
   */
  plug(device: MemoryDevice): void {
    const slot = device.memorySlot === undefined ? undefined : this.#chooseSlot(device, device.memorySlot);
    const address = this.#chooseAddress(device);
    this.region.addSubregion(address - this.base, device.memoryRegion);
    device.memoryAddress = address;
    if (slot !== undefined) device.memorySlot = slot;
    this.devicePlugged?.(device);
  }

  /** Takes a device's memory out of the machine. */
  unplug(device: MemoryDevice): void {
    if (device.memoryRegion.container === this.region) this.region.removeSubregion(device.memoryRegion);
  }

  #others(except?: MemoryDevice): MemoryDevice[] {
    return memoryDevicesOf(this.#machine).filter((o) => o !== except && o.memoryRegion.container === this.region);
  }

  #chooseSlot(device: MemoryDevice, wanted: number): number {
    const { slots } = this;
    if (wanted < -1 || (wanted >= slots && slots > 0)) {
      throw new UserError(`invalid slot number ${wanted}, valid range is [0-${slots - 1}]`);
    }
    if (slots === 0) throw new UserError("no slots where allocated, please specify the 'slots' option");
    const taken = new Set(this.#others(device).map((o) => o.memorySlot));
    if (wanted !== -1) {
      if (taken.has(wanted)) throw new UserError(`slot ${wanted} is busy`);
      return wanted;
    }
    for (let slot = 0; slot < slots; slot++) if (!taken.has(slot)) return slot;
    throw new UserError('no free slots available');
  }

  #chooseAddress(device: MemoryDevice): number {
    const { base, size, limit, used } = this;
    const { memoryAddress: wanted, memoryAlignment: align, memoryRegion } = device;
    const bytes = memoryRegion.size;
    if (limit === 0) {
      throw new UserError('memory devices (e.g. for memory hotplug) are not enabled, please specify the maxmem option');
    }
    if (used + bytes > limit) {
      const [now, total] = [hex(used), hex(limit)];
      throw new UserError(`not enough space, currently ${now} in use of total space for memory devices ${total}`);
    }
    if (wanted % align !== 0) throw new UserError(`address must be aligned to ${hex(align)} bytes`);
    if (bytes % align !== 0) throw new UserError(`backend memory size must be multiple of ${hex(align)}`);
    if (wanted === 0) return this.#freeAddress(device, bytes, align);
    if (wanted < base || wanted + bytes > base + size) {
      const [mine, usable] = [`${hex(wanted)}:${hex(bytes)}`, `${hex(base)}:${hex(size)}`];
      throw new UserError(`can't add memory device [${mine}], usable range for memory devices [${usable}]`);
    }
    const other = this.#others(device).find(
      (o) => wanted < o.memoryAddress + o.memoryRegion.size && o.memoryAddress < wanted + bytes,
    );
    if (other !== undefined) {
      throw new UserError(`address range conflicts with memory device id='${deviceName(other) ?? '(unnamed)'}'`);
    }
    return wanted;
  }

  /** The lowest aligned address with room. */
  #freeAddress(device: MemoryDevice, bytes: number, align: number): number {
    const alignUp = (address: number): number => Math.ceil(address / align) * align;
    let address = alignUp(this.base);
    for (const o of this.#others(device)) {
      if (address + bytes <= o.memoryAddress) break;
      address = Math.max(address, alignUp(o.memoryAddress + o.memoryRegion.size));
    }
    if (address + bytes <= this.base + this.size) return address;
    throw new UserError(
      'could not find position in guest address space for memory device - memory fragmented due to alignments',
    );
  }
}

/** The id that the user gave a device; undefined if he gave none. */
export function deviceName(device: BwObject): string | undefined {
  return device.parent?.id === 'peripheral' ? device.id : undefined;
}
