// What is at the other end of a network card's cable: Ethernet frames both ways.

/** Frames without their check sequence, 14 bytes at least; a backend drops what it cannot carry, as networks do. */
export interface NetBackend {
  /** The guest sends a frame. The bytes are the caller's again when this returns. */
  send(frame: Uint8Array): void;
  /** The one receiver of frames for the guest; a later call replaces it. The bytes are the backend's again when it returns. */
  onFrame(callback: (frame: Uint8Array) => void): void;
  /** Lets go of what the host holds. */
  close(): void;
}

/** Bytes of an Ethernet header: two addresses and the type. */
export const ETHERNET_HEADER = 14;
/** Bytes of the largest frame that is passed on: what a guest may have its card cut into pieces. */
export const LARGEST_FRAME = 65536 + ETHERNET_HEADER;
