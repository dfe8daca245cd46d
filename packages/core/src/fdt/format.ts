// The flattened device tree format: constants and the byte-level codec of property values.
// Devicetree Specification v0.4, chapter 5 (Flattened Devicetree Format) and section 2.2.4 (property values).

/** First word of a blob, big-endian as everything in it (5.2). */
export const FDT_MAGIC = 0xd00dfeed;
/** Version that is written (5.2). */
export const FDT_VERSION = 17;
/** Oldest version that a version 17 blob is compatible with (5.2). */
export const FDT_LAST_COMPATIBLE = 16;
/** Bytes of a version 17 header: ten words. */
export const FDT_HEADER_BYTES = 40;

/** Tokens of the structure block (5.4.1). */
export const FDT_BEGIN_NODE = 1;
export const FDT_END_NODE = 2;
export const FDT_PROP = 3;
export const FDT_NOP = 4;
export const FDT_END = 9;

/**
 * What a property may be set to: a string, a string list, 32-bit cells, 64-bit cells (two 32-bit ones each, high first),
 * raw bytes, or `true` for a property whose presence is all it says.
 */
export type FdtValue = string | readonly string[] | readonly number[] | readonly bigint[] | Uint8Array | true;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Rounds up to a multiple of `unit`. */
export function alignUp(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit;
}

/** Bytes of a property value. A number that is no 32-bit integer is a RangeError. */
export function encodeValue(value: FdtValue): Uint8Array {
  if (value === true) return new Uint8Array(0);
  if (typeof value === 'string') return encodeStrings([value]);
  if (value instanceof Uint8Array) return value.slice();
  const first = value[0];
  if (first === undefined) return new Uint8Array(0);
  if (typeof first === 'string') return encodeStrings(value as readonly string[]);
  return typeof first === 'bigint'
    ? encodeCells64(value as readonly bigint[])
    : encodeCells(value as readonly number[]);
}

function encodeStrings(strings: readonly string[]): Uint8Array {
  for (const s of strings) if (s.includes('\0')) throw new RangeError('a device tree string cannot hold a NUL');
  return encoder.encode(strings.map((s) => `${s}\0`).join(''));
}

function encodeCells(cells: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(cells.length * 4);
  const view = new DataView(bytes.buffer);
  cells.forEach((cell, i) => {
    if (!Number.isInteger(cell) || cell < -0x8000_0000 || cell > 0xffff_ffff) {
      throw new RangeError(`${cell} does not fit a 32-bit device tree cell`);
    }
    view.setUint32(i * 4, cell);
  });
  return bytes;
}

function encodeCells64(cells: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(cells.length * 8);
  const view = new DataView(bytes.buffer);
  cells.forEach((cell, i) => {
    if (BigInt.asUintN(64, cell) !== cell) throw new RangeError(`${cell} does not fit a 64-bit device tree value`);
    view.setBigUint64(i * 8, cell);
  });
  return bytes;
}

/** Strings of a string-list value; undefined if the bytes are not one. */
export function decodeStrings(bytes: Uint8Array): string[] | undefined {
  if (bytes.length === 0 || bytes[bytes.length - 1] !== 0) return undefined;
  try {
    return decoder.decode(bytes.subarray(0, -1)).split('\0');
  } catch {
    return undefined;
  }
}

/** 32-bit cells of a value; undefined if its length is no multiple of four bytes. */
export function decodeCells(bytes: Uint8Array): number[] | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
}

/** 64-bit values of a value; undefined if its length is no multiple of eight bytes. */
export function decodeCells64(bytes: Uint8Array): bigint[] | undefined {
  if (bytes.length % 8 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getBigUint64(i * 8));
}
