// Where a socket is, and how it is opened or connected to.

import { existsSync, fstatSync, statSync, unlinkSync } from 'node:fs';
import { createConnection, type Server, Socket } from 'node:net';
import { UserError } from '@boardwalk/core';
import { hostError } from '../file/system-error.ts';

/** An address of a network. */
export interface TcpAddress {
  readonly kind: 'tcp';
  /** Name or address; a server without one listens on all, a client connects to this machine. */
  readonly host?: string;
  readonly port: number;
  /** A server takes the first free port up to this one. */
  readonly to?: number;
  /** Only this version of the protocol. */
  readonly family?: 4 | 6;
}

/** A path of this machine; `abstract`: a name that is in no file system (Linux). */
export interface UnixAddress {
  readonly kind: 'unix';
  readonly path: string;
  readonly abstract?: boolean;
}

/** A socket that this process was given: one that listens, or one that is connected. */
export interface FdAddress {
  readonly kind: 'fd';
  readonly fd: number;
}

/** Where a socket is. */
export type SocketAddress = TcpAddress | UnixAddress | FdAddress;

/** The address in words: `tcp:localhost:4444`, `unix:/run/line`, `fd:5`. */
export function addressText(address: SocketAddress, listeningPort?: number): string {
  switch (address.kind) {
    case 'unix':
      return `unix:${address.path}`;
    case 'fd':
      return `fd:${address.fd}`;
    case 'tcp':
      return `tcp:${address.host ?? ''}:${listeningPort ?? address.port}`;
  }
}

/** @throws UserError if the address is of no use here */
export function checkAddress(address: SocketAddress, server: boolean): void {
  if (address.kind === 'unix') checkUnixPath(address, server);
  if (address.kind === 'fd') checkDescriptor(address.fd);
}

/** sockaddr_un has room for 108 bytes on Linux and 104 elsewhere, the closing NUL among them. */
function checkUnixPath({ path, abstract }: UnixAddress, server: boolean): void {
  if (process.platform === 'win32') throw new UserError(`unix:${path}: Unix sockets need Linux or macOS`);
  if (Buffer.byteLength(path) > (process.platform === 'linux' ? 107 : 103)) {
    throw new UserError(`unix:${path}: the path is too long for a socket`);
  }
  if (abstract === true) {
    if (process.platform !== 'linux') throw new UserError(`unix:${path}: abstract sockets need Linux`);
    return;
  }
  if (server && existsSync(path) && !statSync(path).isSocket()) {
    throw new UserError(`unix:${path}: there is a file of this name, and it is no socket`);
  }
}

function checkDescriptor(fd: number): void {
  try {
    if (fstatSync(fd).isSocket()) return;
  } catch (error) {
    throw hostError(`fd:${fd}`, error);
  }
  throw new UserError(`File descriptor '${fd}' is not a socket`);
}

/** Makes a server listen. @throws UserError if the host refuses */
export async function listen(server: Server, address: SocketAddress): Promise<void> {
  if (address.kind !== 'tcp') {
    if (address.kind === 'unix' && address.abstract !== true) removeStaleSocket(address.path);
    return listenOnce(server, address, 0);
  }
  for (let port = address.port; ; port++) {
    try {
      await listenOnce(server, address, port);
      return;
    } catch (error) {
      if (port >= (address.to ?? 0)) throw error;
    }
  }
}

/** Clients that have come and are not accepted yet: Node accepts one in each turn of its loop, and a Unix socket refuses the rest. */
const BACKLOG = 4096;

function listenOnce(server: Server, address: SocketAddress, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => reject(hostError(addressText(address), error));
    server.once('error', refuse);
    const listening = (): void => {
      server.off('error', refuse);
      resolve();
    };
    if (address.kind === 'tcp') server.listen({ ...tcpOptions(address, port), backlog: BACKLOG }, listening);
    else if (address.kind === 'fd') server.listen({ fd: address.fd, backlog: BACKLOG }, listening);
    else privately(() => server.listen({ path: unixPath(address), backlog: BACKLOG }, listening));
  });
}

/** Sockets in the file system are for their owner alone. */
function privately(bind: () => void): void {
  const before = process.umask(0o077);
  try {
    bind();
  } finally {
    process.umask(before);
  }
}

function tcpOptions({ host, family }: TcpAddress, port: number): { port: number; host?: string; ipv6Only?: boolean } {
  if (host !== undefined) return { port, host };
  if (family === undefined) return { port };
  return family === 4 ? { port, host: '0.0.0.0' } : { port, host: '::', ipv6Only: true };
}

function unixPath({ path, abstract }: UnixAddress): string {
  return abstract === true ? `\0${path}` : path;
}

/** A socket that an earlier server left behind would refuse the new one. */
function removeStaleSocket(path: string): void {
  if (existsSync(path) && statSync(path).isSocket()) unlinkSync(path);
}

/** A connection, or a rejection with the host's error. */
export async function connect(address: SocketAddress, noDelay: boolean): Promise<Socket> {
  if (address.kind === 'fd') return new Socket({ fd: address.fd, allowHalfOpen: true });
  const socket = createConnection({
    ...(address.kind === 'unix'
      ? { path: unixPath(address) }
      : {
          port: address.port,
          host: address.host || 'localhost',
          ...(address.family === undefined ? {} : { family: address.family }),
        }),
    noDelay,
    allowHalfOpen: true,
  });
  // Nothing is read before somebody wants it.
  socket.pause();
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.removeAllListeners('error');
  return socket;
}
