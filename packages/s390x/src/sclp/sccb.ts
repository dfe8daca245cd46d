/**
 * Service-call control blocks: the form of what a program exchanges with the service processor. After what Linux
 * (drivers/s390/char/sclp.h) and qemu-system-s390x 7.2 (observed) have in common; all fields are big-endian.
 */

/** Header: length, function code, control mask, response code. */
export const SCCB_HEADER = 8;
export const SCCB_FUNCTION = 2;
export const SCCB_CONTROL = 3;
export const SCCB_RESPONSE = 6;
/** Last byte of the control mask: the program takes a response that is longer than the request. */
export const VARIABLE_LENGTH_RESPONSE = 0x80;

export const PAGE = 4096;

/** Response codes. The low byte is the class, the high byte the reason. */
export const RESPONSE = {
  /** Read commands that are complete. */
  readCompletion: 0x0010,
  completion: 0x0020,
  noAction: 0x0120,
  unknownAdapterType: 0x06f0,
  unknownAdapter: 0x09f0,
  invalidFunction: 0x40f0,
  noEventBuffers: 0x60f0,
  insufficientLength: 0x0300,
  boundaryViolation: 0x0100,
  invalidCommand: 0x01f0,
  eventBufferSyntax: 0x73f0,
  invalidSelectionMask: 0x70f0,
  invalidMaskLength: 0x74f0,
  eventBuffersExceedSccb: 0x75f0,
} as const;

/** A block in the program's storage, copied out. */
export class Sccb {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.view.getUint16(0);
  }

  get functionCode(): number {
    return this.view.getUint8(SCCB_FUNCTION);
  }

  get variableLengthResponse(): boolean {
    return (this.view.getUint8(SCCB_CONTROL + 2) & VARIABLE_LENGTH_RESPONSE) !== 0;
  }

  set response(code: number) {
    this.view.setUint16(SCCB_RESPONSE, code);
  }
}
