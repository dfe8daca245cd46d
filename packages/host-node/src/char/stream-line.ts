// A line over a stream of Node's: sockets and pipes.

import type { Duplex } from 'node:stream';

/** Output that nobody reads is kept up to this many bytes, then dropped: a guest cannot fill the host's memory. */
const MAX_UNSENT = 4 << 20;

/** Writes a copy of the bytes, unless too many wait already. */
export function writeBounded(stream: Duplex, data: Uint8Array): void {
  if (stream.writable && stream.writableLength + data.length <= MAX_UNSENT) stream.write(data.slice());
}

/** Holds the peer back, or lets it go on. */
export function setFlowing(stream: Duplex, flowing: boolean): void {
  if (flowing) stream.resume();
  else stream.pause();
}
