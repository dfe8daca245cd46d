// What a SCSI command came to: status, and sense data that say why. After: SPC-4 (INCITS 513), 4.5 and annex F; SAM-5, 5.3.

/** Status codes. */
export const STATUS_GOOD = 0x00;
export const STATUS_CHECK_CONDITION = 0x02;

/** Sense key, additional sense code and its qualifier. */
export interface Sense {
  readonly key: number;
  readonly code: number;
  readonly qualifier?: number;
}

const ILLEGAL_REQUEST = 5;

export const SENSE = {
  none: { key: 0, code: 0 },
  readError: { key: 3, code: 0x11 },
  writeError: { key: 3, code: 0x0c },
  invalidOpcode: { key: ILLEGAL_REQUEST, code: 0x20 },
  outOfRange: { key: ILLEGAL_REQUEST, code: 0x21 },
  invalidField: { key: ILLEGAL_REQUEST, code: 0x24 },
  noSuchUnit: { key: ILLEGAL_REQUEST, code: 0x25 },
  writeProtected: { key: 7, code: 0x27 },
  /** Unit attention: power on or reset. */
  reset: { key: 6, code: 0x29 },
} as const satisfies Record<string, Sense>;

/** How a command ended. */
export interface ScsiEnd {
  readonly status: number;
  readonly sense?: Sense;
  /** Bytes that were moved to or from the initiator. */
  readonly moved: number;
}

/** It was done. */
export function good(moved = 0): ScsiEnd {
  return { status: STATUS_GOOD, moved };
}

/** It was not. */
export function check(sense: Sense): ScsiEnd {
  return { status: STATUS_CHECK_CONDITION, sense, moved: 0 };
}

/** Sense data of fixed format, 18 bytes. */
export function senseData({ key, code, qualifier = 0 }: Sense): Uint8Array {
  const bytes = new Uint8Array(18);
  bytes[0] = 0x70;
  bytes[2] = key;
  bytes[7] = bytes.length - 8;
  bytes[12] = code;
  bytes[13] = qualifier;
  return bytes;
}
