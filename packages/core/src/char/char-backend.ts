// What is at the other end of a serial port: bytes both ways, whoever moves them.

/** Things that happen on a line besides bytes. `mux-in` and `mux-out`: a line that several share is this one's now, or another's. */
export type CharEvent = 'open' | 'close' | 'break' | 'mux-in' | 'mux-out';

/** The far end of a character device. One device uses one backend. */
export interface CharBackend {
  /** The guest sent bytes. They are the caller's again when this returns: copy what is kept. */
  write(data: Uint8Array): void;
  /** The one receiver of bytes for the guest; a later call replaces it. */
  onData(callback: (data: Uint8Array) => void): void;
  /** The one receiver of events; a later call replaces it. */
  onEvent?(callback: (event: CharEvent) => void): void;
  /** The device can take bytes, or not now: a backend that can hold its peer back (a socket, a terminal) does so meanwhile. */
  canReceive?(accepting: boolean): void;
  /** Lets go of what the host holds. Writes after it are dropped. */
  close(): void;
}

/** Nobody there: what is written is gone, nothing ever comes. */
export class NullChar implements CharBackend {
  write(): void {}

  onData(): void {}

  close(): void {}
}
