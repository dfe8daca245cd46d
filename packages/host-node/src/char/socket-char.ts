// A line over a stream socket, TCP or Unix, as its client or as a server of one client at a time.

import { existsSync, statSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { UserError } from '@boardwalk/core';
import { hostError } from '../file/system-error.ts';
import { HostChar } from './host-char.ts';
import { setFlowing, writeBounded } from './stream-line.ts';
import { TelnetFilter, telnetGreeting } from './telnet.ts';

/** Where a socket is: TCP, or a path of this machine. */
export type SocketAddress =
  | {
      readonly kind: 'tcp' /** Name or address; a server without one listens on all. */;
      readonly host?: string;
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly path: string };

/** How a {@link SocketChar} connects. */
export interface SocketCharOptions {
  /** Listens; otherwise connects. */
  readonly server?: boolean;
  /** A server waits for its first client before the machine starts. Default true. */
  readonly wait?: boolean;
  /** A client connects again this many seconds after it lost its server, or did not find it; 0: never. */
  readonly reconnect?: number;
  /** Small packets at once. Default true: this is a terminal line. */
  readonly nodelay?: boolean;
  /** Speaks enough of the telnet protocol for a telnet program: no echo there, binary both ways. */
  readonly telnet?: boolean;
  /** Told that a server listens and waits. */
  readonly onWait?: (address: string) => void;
}

/** A serial line over a socket. Bytes that the guest sends while nobody is connected are lost. */
export class SocketChar extends HostChar {
  readonly #address: SocketAddress;
  readonly #options: SocketCharOptions;
  #server: Server | undefined;
  #socket: Socket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #accepting = true;
  #closed = false;

  /** @throws UserError if the address is of no use here */
  constructor(address: SocketAddress, options: SocketCharOptions = {}) {
    super();
    if (address.kind === 'unix') checkUnixPath(address.path, options.server ?? false);
    this.#address = address;
    this.#options = options;
  }

  /** The address in words: `tcp:localhost:4444`, `unix:/run/line`. A server on port 0 has its real port once it listens. */
  get address(): string {
    const address = this.#address;
    if (address.kind === 'unix') return `unix:${address.path}`;
    const listening = this.#server?.address();
    const port = typeof listening === 'object' && listening ? listening.port : address.port;
    return `tcp:${address.host ?? ''}:${port}`;
  }

  override async begin(): Promise<void> {
    if (this.#options.server) await this.#listen();
    else await this.#connect();
  }

  override write(data: Uint8Array): void {
    if (!this.#socket) return;
    writeBounded(this.#socket, this.#options.telnet ? TelnetFilter.escape(data) : data);
  }

  canReceive(accepting: boolean): void {
    this.#accepting = accepting;
    if (this.#socket) setFlowing(this.#socket, accepting);
  }

  override close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#server?.close();
    // Lets what was written go out first.
    this.#socket?.end();
    this.#socket?.unref();
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: this.#options.nodelay ?? true });
    this.#server = server;
    if (this.#address.kind === 'unix') removeStaleSocket(this.#address.path);
    const client = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        if (this.#socket) {
          socket.destroy();
          return;
        }
        this.#attach(socket);
        resolve();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(hostError(this.address, error)));
      server.listen(listenOptions(this.#address), resolve);
    });
    if (this.#options.wait ?? true) {
      this.#options.onWait?.(this.address);
      await client;
    } else {
      server.unref();
    }
  }

  async #connect(): Promise<void> {
    const socket = createConnection({ ...connectOptions(this.#address), noDelay: this.#options.nodelay ?? true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      socket.removeAllListeners('error');
    } catch (error) {
      socket.destroy();
      if (!this.#options.reconnect) throw hostError(this.address, error);
      this.#connectLater();
      return;
    }
    this.#attach(socket);
  }

  #connectLater(): void {
    const seconds = this.#options.reconnect ?? 0;
    if (seconds <= 0 || this.#closed) return;
    this.#retry = setTimeout(() => void this.#connect(), seconds * 1000);
    this.#retry.unref();
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    const telnet = this.#options.telnet ? new TelnetFilter() : undefined;
    if (telnet) socket.write(telnetGreeting);
    socket.on('data', (data) => {
      if (!telnet) return this.deliver(data);
      const { bytes, breaks } = telnet.feed(data);
      for (let i = 0; i < breaks; i++) this.announce('break');
      this.deliver(bytes);
    });
    // A connection that breaks is closed next; there is nothing else to do about it.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = undefined;
      this.announce('close');
      if (!this.#options.server) this.#connectLater();
    });
    setFlowing(socket, this.#accepting);
    this.announce('open');
  }
}

function listenOptions(address: SocketAddress): { port: number; host?: string } | { path: string } {
  if (address.kind === 'unix') return { path: address.path };
  return address.host ? { port: address.port, host: address.host } : { port: address.port };
}

function connectOptions(address: SocketAddress): { port: number; host: string } | { path: string } {
  return address.kind === 'unix' ? { path: address.path } : { port: address.port, host: address.host || 'localhost' };
}

/** sockaddr_un has room for 108 bytes on Linux and 104 elsewhere, the closing NUL among them. */
function checkUnixPath(path: string, server: boolean): void {
  if (process.platform === 'win32') throw new UserError(`unix:${path}: Unix sockets need Linux or macOS`);
  if (Buffer.byteLength(path) > (process.platform === 'linux' ? 107 : 103)) {
    throw new UserError(`unix:${path}: the path is too long for a socket`);
  }
  if (server && existsSync(path) && !statSync(path).isSocket()) {
    throw new UserError(`unix:${path}: there is a file of this name, and it is no socket`);
  }
}

/** A socket that an earlier server left behind would refuse the new one. */
function removeStaleSocket(path: string): void {
  if (existsSync(path) && statSync(path).isSocket()) unlinkSync(path);
}
