/** Events between the program and the service processor, and the masks by which both say which they take. */

/** Bytes of an event buffer's header: length, type, flags, two reserved. */
export const EVENT_HEADER = 6;
export const EVENT_TYPE = 2;
export const EVENT_FLAGS = 3;
/** Flag of a buffer that has been dealt with. */
export const EVENT_ACCEPTED = 0x80;

/** Types of events; a mask has the bit 32 - type. */
export const EVENT = {
  operatorCommand: 0x01,
  message: 0x02,
  configurationManagement: 0x04,
  priorityMessage: 0x09,
  controlProgramIdentification: 0x0b,
  vt220: 0x1a,
  signalQuiesce: 0x1d,
} as const;

/** The mask bit of a type. */
export function maskOf(type: number): number {
  return 2 ** (32 - type);
}

/** One kind of conversation with the program: a console, the power button. */
export interface EventHandler {
  /** Events that the program may receive from here, as a mask. */
  readonly sends: number;
  /** Events that the program may send here. */
  readonly receives: number;
  /** Whether an event for the program waits, of those in `mask`. */
  pending(mask: number): boolean;
  /** The next event buffer, header and all, if it fits into `room` bytes. */
  take(mask: number, room: number): Uint8Array | undefined;
  /** Takes the data of an event buffer. @returns whether it is accepted */
  accept(type: number, data: Uint8Array): boolean;
}
