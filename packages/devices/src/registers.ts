// Registers declared as data: where each one lies, what resets into it, which bits a guest can change and what an access does.
// A device keeps its values in its own fields (they are its state, for reset and snapshots); the table says which field is which register.

import type { Device, RegionOps } from '@boardwalk/core';

/** Names of the fields of `D` that hold a number. */
export type NumberField<D> = { [K in keyof D]-?: D[K] extends number ? K : never }[keyof D];

/** One register of device `D`. Either `field` (plain storage) or `read`/`write` (a side effect), or a mix of both. */
export interface RegisterSpec<D> {
  /** Byte offset from the start of the register block, a multiple of the block's stride. */
  readonly offset: number;
  /** The manual's name; guest-error messages use it. */
  readonly name: string;
  /** The device's field that a plain read returns and a plain write changes. */
  readonly field?: NumberField<D>;
  /** Bits that a write can change; the others keep their value. All bits by default. */
  readonly writeMask?: number;
  /** Replaces the plain read. */
  readonly read?: (device: D) => number;
  /** Runs in place of the plain write, or after it when `field` is given too. */
  readonly write?: (device: D, value: number) => void;
}

/** Notes what a guest did wrong with a device in the machine's `guest_errors` log. */
export function guestError(device: Device, text: string): void {
  if (device.machine.log.enabled('guest_errors')) device.machine.log.write('guest_errors', `${device.path}: ${text}`);
}

/** A guest asked for a part of the hardware that the device does not model: logged under `unimp`. */
export function unimplemented(device: Device, text: string): void {
  if (device.machine.log.enabled('unimp')) device.machine.log.write('unimp', `${device.path}: ${text}`);
}

/** A register block: one table, shared by every instance of the device. */
export class RegisterTable<D extends Device> {
  readonly #slots: readonly (RegisterSpec<D> | undefined)[];
  readonly #stride: number;

  /**
   * @param specs the registers, in any order
   * @param stride bytes from one register to the next (4 for a block of 32-bit registers)
   * @throws Error when two registers share an offset or one is not on the stride: a mistake in the device's source
   */
  constructor(specs: readonly RegisterSpec<D>[], stride = 4) {
    const slots: (RegisterSpec<D> | undefined)[] = [];
    for (const spec of specs) {
      const index = spec.offset / stride;
      if (!Number.isInteger(index)) throw new Error(`register ${spec.name} is not on the stride of ${stride}`);
      if (slots[index] !== undefined) throw new Error(`register ${spec.name} shares its offset with another`);
      slots[index] = spec;
    }
    this.#slots = slots;
    this.#stride = stride;
  }

  /** The register at a byte offset, if there is one. */
  at(offset: number): RegisterSpec<D> | undefined {
    return this.#slots[(offset / this.#stride) >>> 0];
  }

  /** Reads the register at `offset`. Unknown and write-only registers read as 0 and are reported. */
  read(device: D, offset: number): number {
    const spec = this.at(offset);
    if (spec?.read !== undefined) return spec.read(device) >>> 0;
    if (spec?.field !== undefined) return (device[spec.field] as number) >>> 0;
    guestError(
      device,
      spec === undefined ? `read of reserved offset ${hex(offset)}` : `read of write-only register ${spec.name}`,
    );
    return 0;
  }

  /** Writes the register at `offset`. Writes to unknown and read-only registers change nothing and are reported. */
  write(device: D, offset: number, value: number): void {
    const spec = this.at(offset);
    if (spec === undefined) {
      guestError(device, `write of ${hex(value)} to reserved offset ${hex(offset)}`);
      return;
    }
    if (spec.write === undefined && (spec.field === undefined || spec.writeMask === 0)) {
      guestError(device, `write of ${hex(value)} to read-only register ${spec.name}`);
      return;
    }
    const mask = spec.writeMask ?? 0xffffffff;
    if (spec.field !== undefined) {
      const old = device[spec.field] as number;
      (device[spec.field] as number) = ((old & ~mask) | (value & mask)) >>> 0;
    }
    spec.write?.(device, (value & mask) >>> 0);
  }

  /** Region callbacks for a block of 32-bit registers that takes aligned 32-bit accesses only. */
  ops32(device: D): RegionOps {
    return {
      valid: { min: 4, max: 4 },
      read: (offset) => this.read(device, offset),
      write: (offset, _size, value) => this.write(device, offset, value),
    };
  }
}

/** `0x1f`, for messages. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
