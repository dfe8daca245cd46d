// The words that memory and devices share: results, attributes, access sizes and what a device's registers look like from outside.

/** An access that succeeded. */
export const MEM_OK = 0;
/** The device answered with an error (a bus's SLVERR). */
export const MEM_ERROR = -1;
/** Nothing answers at the address, or not to an access of this size (a bus's DECERR). */
export const MEM_DECODE_ERROR = -2;

/** {@link MEM_OK}, {@link MEM_ERROR} or {@link MEM_DECODE_ERROR}. */
export type MemResult = number;

/** Attributes of an access: flags, and the requester's id in bits 8 to 23. */
export type Attrs = number;
/** The access comes from the secure world. */
export const ATTR_SECURE = 1;
/** Unprivileged. */
export const ATTR_USER = 2;
/** Instruction fetch. */
export const ATTR_FETCH = 4;
/** A debugger's or a loader's access: its writes reach ROM. */
export const ATTR_DEBUG = 8;

/** Attributes with a requester's id (PCI bus, device and function; a stream's number), 16 bits. */
export function withRequester(attrs: Attrs, id: number): Attrs {
  return (attrs & 0xff) | ((id & 0xffff) << 8);
}

/** The requester's id in attributes. */
export function requesterOf(attrs: Attrs): number {
  return (attrs >>> 8) & 0xffff;
}

/** Bytes in one access. 64-bit accesses have functions of their own. */
export type AccessSize = 1 | 2 | 4;

/** Physical addresses are below this. */
export const ADDRESS_LIMIT = 2 ** 52;
/** The size of a region that covers a whole 64-bit address space. */
export const WHOLE_SPACE = 2 ** 64;

/**
 * A region's size in bytes: an integer of at most 2^52, or exactly {@link WHOLE_SPACE}.
 */
export type RegionSize = number;

/** Limits on the accesses to a region. Sizes are 1, 2, 4 or 8 bytes. */
export interface AccessLimits {
  readonly min?: 1 | 2 | 4 | 8;
  readonly max?: 1 | 2 | 4 | 8;
  readonly unaligned?: boolean;
}

/**
 * A device's registers. Values are unsigned 32-bit numbers in the device's byte order; a negative result is {@link MEM_ERROR} or
 * {@link MEM_DECODE_ERROR}. Nothing here may allocate on the usual path.
 */
export interface RegionOps {
  /** @returns the value, or a negative result */
  read(offset: number, size: AccessSize, attrs: Attrs): number;
  /** @returns a negative result; zero or nothing for success */
  // biome-ignore lint/suspicious/noConfusingVoidType: most registers' writes cannot fail and return nothing
  write(offset: number, size: AccessSize, value: number, attrs: Attrs): number | void;
  /** 64-bit reads in one piece; without it they are two of 32 bits. @returns the value, or a negative number */
  read64?(offset: number, attrs: Attrs): bigint | number;
  // biome-ignore lint/suspicious/noConfusingVoidType: as above
  write64?(offset: number, value: bigint, attrs: Attrs): number | void;
  /** Byte order of the registers; little if not given. */
  readonly endianness?: 'little' | 'big';
  /** What the guest may do; anything else is a decode error. All aligned sizes if not given. */
  readonly valid?: AccessLimits;
  /**
   * What `read` and `write` can do; core splits and widens other accesses. If not given: 1 to 4 bytes, aligned (8 with `read64`).
   *
   * A read narrower than `min` reads the aligned unit and takes its lanes from it. A write narrower than `min` writes the aligned unit
   * with the other lanes zero: registers have no byte strobes that would tell them apart.
   */
  readonly impl?: AccessLimits;
}

/** Where a translating region leads: the answer of an IOMMU for one page. */
export interface IommuEntry {
  readonly target: IommuTarget;
  /** Address of the page in the target. */
  readonly address: number;
  /** Size of the page in bytes, a power of two. */
  readonly pageSize: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** The part of an address space that a translation needs. */
export interface IommuTarget {
  load(address: number, size: AccessSize, attrs?: Attrs): number;
  store(address: number, size: AccessSize, value: number, attrs?: Attrs): MemResult;
  readBytes(address: number, into: Uint8Array, attrs?: Attrs): MemResult;
  writeBytes(address: number, bytes: Uint8Array, attrs?: Attrs): MemResult;
  /** Whether the bytes could be accessed: `AddressSpace.probe`. */
  probe(address: number, length: number, how: ProbeOptions): MemResult;
}

/** What a probe asks for. */
export interface ProbeOptions {
  /** Bytes of each access; 0: whatever suits. */
  readonly size: number;
  readonly write: boolean;
  readonly attrs: Attrs;
}

/**
 * Translates an access at an offset of a region; undefined refuses it. The entry is read before the next call, so that one object may
 * serve them all.
 */
export type IommuTranslate = (offset: number, write: boolean, attrs: Attrs) => IommuEntry | undefined;
