/** Sockets of programs that have just been started. */

import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 20;

/** Nobody has made the socket's file; or it is there, and nobody listens yet: `bind` makes the file, before `listen`. */
const NOT_YET = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Connects to a Unix socket as soon as somebody listens on it.
 * @param timeoutMs how long the other side may take, milliseconds
 * @throws what the last attempt failed with, when the time is up; every error that waiting does not mend, at once
 */
export async function connectWhenListening(path: string, timeoutMs = 60_000): Promise<Socket> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await connectOnce(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!NOT_YET.has(code ?? '') || Date.now() >= end) throw error;
      await delay(RETRY_MS);
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
