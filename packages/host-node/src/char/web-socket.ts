// A WebSocket server's side of one connection (RFC 6455): its messages as a stream of bytes.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { UserError } from '@boardwalk/core';

/** A message of a client is no longer than this, in bytes: it is kept whole until it is complete. */
const MAX_MESSAGE = 16 << 20;

/** Makes WebSockets of connections. */
export type Upgrade = (socket: Socket, opened: (stream: Duplex) => void) => void;

/**
 * Loads what upgrades need.
 * @throws UserError where it is missing
 */
export async function webSocketUpgrade(): Promise<Upgrade> {
  const http = await import('node:http');
  const ws = await import('ws').catch(() => {
    throw new UserError('websocket=on needs the npm package ws, which cannot be loaded');
  });
  const server = new ws.WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
    // Clients may name QEMU's protocol, or none.
    handleProtocols: (protocols) => (protocols.has('binary') ? 'binary' : false),
  });
  return (socket, opened) => {
    // A server of its own for each connection: requests tell whose they are.
    const requests = http.createServer((_, response) => {
      response.writeHead(426, { 'Content-Type': 'text/plain', Connection: 'close' }).end('This is a WebSocket.\n');
    });
    requests.on('upgrade', (request, stream, head) => {
      server.handleUpgrade(request, stream, head, (connection) => {
        opened(ws.createWebSocketStream(connection, { allowHalfOpen: false }));
      });
    });
    requests.emit('connection', socket);
  };
}
