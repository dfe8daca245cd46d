// A function's configuration space: the header that says what it is, and a list of capabilities.
// After: "PCI Local Bus Specification, Revision 3.0", chapter 6.

/** Bytes of a conventional function's configuration space. */
export const CONFIG_BYTES = 256;

/** Offsets in the header (6.1). */
export const CONFIG = {
  vendorId: 0x00,
  deviceId: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  classCode: 0x0a,
  cacheLineSize: 0x0c,
  bar0: 0x10,
  subsystemVendorId: 0x2c,
  subsystemId: 0x2e,
  capabilities: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const;

/** Bits of the command register that a driver can change: I/O, memory, bus master, SERR#, interrupt disable. */
const COMMAND_WRITABLE = 0x0507;
/** Bit of the status register: there is a list of capabilities. */
const STATUS_CAPABILITIES = 0x10;
const FIRST_CAPABILITY = 0x40;

/** What a function says of itself. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  /** Class and subclass: 0x0200 is an Ethernet controller. */
  readonly classCode: number;
  readonly revision: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
}

/** Bytes, with the bits of each that a driver can change. Numbers are little-endian. */
export class ConfigSpace {
  readonly bytes = new Uint8Array(CONFIG_BYTES);
  readonly #writable = new Uint8Array(CONFIG_BYTES);
  readonly #resetBytes = new Uint8Array(CONFIG_BYTES);
  #free = FIRST_CAPABILITY;

  constructor(identity: PciIdentity) {
    this.define(CONFIG.vendorId, 2, identity.vendorId);
    this.define(CONFIG.deviceId, 2, identity.deviceId);
    this.define(CONFIG.command, 2, 0, COMMAND_WRITABLE);
    this.define(CONFIG.revision, 1, identity.revision);
    this.define(CONFIG.classCode, 2, identity.classCode);
    this.define(CONFIG.cacheLineSize, 1, 0, 0xff);
    this.define(CONFIG.subsystemVendorId, 2, identity.subsystemVendorId);
    this.define(CONFIG.subsystemId, 2, identity.subsystemId);
    this.define(CONFIG.interruptLine, 1, 0, 0xff);
    this.define(CONFIG.interruptPin, 1, 1);
  }

  /** Gives a field its value after a reset, and the bits that a driver can change. */
  define(offset: number, size: number, value: number, writable = 0): void {
    for (let i = 0; i < size; i++) {
      this.#resetBytes[offset + i] = (value >>> (8 * i)) & 0xff;
      this.#writable[offset + i] = (writable >>> (8 * i)) & 0xff;
      this.bytes[offset + i] = this.#resetBytes[offset + i] ?? 0;
    }
  }

  /**
   * Puts a capability in front of the list (6.7).
   * @param body what follows its id and the pointer to the next
   * @returns its offset
   */
  addCapability(id: number, body: readonly number[]): number {
    const offset = this.#free;
    const size = 2 + body.length;
    if (offset + size > CONFIG_BYTES) throw new RangeError('no room for a capability');
    for (const [i, byte] of [id, this.bytes[CONFIG.capabilities] ?? 0, ...body].entries())
      this.define(offset + i, 1, byte);
    this.define(CONFIG.capabilities, 1, offset);
    this.define(CONFIG.status, 2, STATUS_CAPABILITIES);
    this.#free = Math.ceil((offset + size) / 4) * 4;
    return offset;
  }

  /** All fields as they are after a reset. */
  reset(): void {
    this.bytes.set(this.#resetBytes);
  }

  /** Reads a number; beyond the end there are ones. */
  read(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.bytes[offset + i] ?? 0xff);
    return value;
  }

  /** Changes what a driver can change. */
  write(offset: number, size: number, value: number): void {
    for (let i = 0; i < size && offset + i < CONFIG_BYTES; i++) {
      const mask = this.#writable[offset + i] ?? 0;
      const byte = (value >>> (8 * i)) & 0xff;
      this.bytes[offset + i] = ((this.bytes[offset + i] ?? 0) & ~mask) | (byte & mask);
    }
  }
}
