// A line over a stream socket, TCP or Unix, as its client or as a server of one client at a time.

import { createServer, type Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { hostError } from '../file/system-error.ts';
import { DescriptorReader } from './descriptor-reader.ts';
import { HostChar } from './host-char.ts';
import { addressText, checkAddress, connect, listen, type SocketAddress } from './socket-address.ts';
import { setFlowing, writeBounded } from './stream-line.ts';
import { TelnetFilter, telnetGreeting } from './telnet.ts';
import { type Upgrade, webSocketUpgrade } from './web-socket.ts';

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
  /** Clients of this server speak WebSocket. */
  readonly websocket?: boolean;
  /** Told that a server listens and waits. */
  readonly onWait?: (address: string) => void;
}

/** Clients beyond the one that is served wait, so many; more are refused. */
const MAX_WAITING = 4096;
/** A client that has said its last word is answered: until nothing was said to it for this time, ms. */
const QUIET_MS = 25;
/** But no longer than this, ms. */
const LAST_ANSWERS_MS = 2000;

/**
 * A serial line over a socket. Bytes that the guest sends while nobody is connected are lost. Of several clients one is served, the
 * others wait until it has gone.
 */
export class SocketChar extends HostChar {
  readonly #address: SocketAddress;
  readonly #options: SocketCharOptions;
  readonly #waiting: Socket[] = [];
  #server: Server | undefined;
  #upgrade: Upgrade | undefined;
  #onFirstClient: (() => void) | undefined;
  /** The connection that is served, from its first byte on. */
  #raw: Socket | undefined;
  /** The same when bytes can be exchanged: after the WebSocket's handshake. */
  #stream: Duplex | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lastWords: ReturnType<typeof setTimeout> | undefined;
  #lastActive = 0;
  #accepting = true;
  #closed = false;
  #takeDescriptor: ((fd: number) => void) | undefined;
  #reader: DescriptorReader | undefined;

  /** @throws UserError if the address is of no use here */
  constructor(address: SocketAddress, options: SocketCharOptions = {}) {
    super();
    checkAddress(address, options.server ?? false);
    this.#address = address;
    this.#options = options;
  }

  /** The address in words: `tcp:localhost:4444`, `unix:/run/line`. A server on port 0 has its real port once it listens. */
  get address(): string {
    const listening = this.#server?.address();
    return addressText(this.#address, typeof listening === 'object' && listening ? listening.port : undefined);
  }

  override get filename(): string {
    const address = `${this.address}${this.#options.server ? ',server=on' : ''}`;
    return this.#stream === undefined ? `disconnected:${address}` : address;
  }

  /**
   * Takes the open files that come along with bytes (SCM_RIGHTS), each before the bytes that it came with; for Unix sockets, where the
   * C library can be called. To be called before {@link begin}.
   */
  receiveDescriptors(take: (fd: number) => void): void {
    if (this.#address.kind === 'tcp' || this.#options.telnet || this.#options.websocket) return;
    this.#takeDescriptor = take;
  }

  override async begin(): Promise<void> {
    if (this.#options.websocket) this.#upgrade = await webSocketUpgrade();
    if (this.#options.server) await this.#listen();
    else await this.#connect();
  }

  protected override send(data: Uint8Array): void {
    if (!this.#stream) return;
    if (this.#lastWords !== undefined) this.#lastActive = performance.now();
    writeBounded(this.#stream, this.#options.telnet ? TelnetFilter.escape(data) : data);
  }

  override canReceive(accepting: boolean): void {
    this.#accepting = accepting;
    if (this.#reader) this.#reader.flowing = accepting;
    else if (this.#stream && !this.#readsDescriptors(this.#stream)) setFlowing(this.#stream, accepting);
  }

  protected override release(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#lastWords);
    this.#reader?.close();
    this.#server?.close();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    // Lets what was written go out first.
    this.#stream?.end();
    this.#raw?.unref();
    if (!this.#stream) this.#raw?.destroy();
  }

  async #listen(): Promise<void> {
    const server = createServer({
      noDelay: this.#options.nodelay ?? true,
      allowHalfOpen: true,
      pauseOnConnect: true,
    });
    this.#server = server;
    const firstClient = new Promise<void>((resolve) => {
      this.#onFirstClient = resolve;
    });
    server.on('connection', (socket) => this.#arrived(socket));
    await listen(server, this.#address);
    // Running out of descriptors, say: the client is refused, the server goes on.
    server.on('error', () => {});
    if (this.#options.wait ?? true) {
      this.#options.onWait?.(this.address);
      await firstClient;
    } else {
      server.unref();
    }
  }

  #arrived(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#closed || this.#waiting.length >= MAX_WAITING) socket.destroy();
    else if (this.#raw) this.#waiting.push(socket);
    else this.#serve(socket);
  }

  #serve(socket: Socket): void {
    this.#raw = socket;
    socket.on('close', () => this.#lost(socket));
    if (!this.#upgrade) {
      this.#attach(socket);
      return;
    }
    socket.resume();
    this.#upgrade(socket, (stream) => {
      if (this.#raw === socket && !socket.destroyed) this.#attach(stream);
    });
  }

  async #connect(): Promise<void> {
    let socket: Socket;
    try {
      socket = await connect(this.#address, this.#options.nodelay ?? true);
    } catch (error) {
      if (!this.#options.reconnect) throw hostError(this.address, error);
      this.#connectLater();
      return;
    }
    if (this.#closed) {
      socket.destroy();
      return;
    }
    socket.on('error', () => {});
    this.#serve(socket);
  }

  #connectLater(): void {
    const seconds = this.#options.reconnect ?? 0;
    if (seconds <= 0 || this.#closed) return;
    this.#retry = setTimeout(() => void this.#connect(), seconds * 1000);
    this.#retry.unref();
  }

  #attach(stream: Duplex): void {
    this.#stream = stream;
    this.#onFirstClient?.();
    const telnet = this.#options.telnet ? new TelnetFilter() : undefined;
    if (telnet) stream.write(telnetGreeting);
    stream.on('data', (data: Uint8Array) => {
      this.#lastActive = performance.now();
      if (!telnet) return this.deliver(data);
      const { bytes, breaks } = telnet.feed(data);
      for (let i = 0; i < breaks; i++) this.announce('break');
      this.deliver(bytes);
    });
    // A connection that breaks is closed next; there is nothing else to do about it.
    stream.on('error', () => {});
    stream.on('end', () => this.#answerLastWords(stream, performance.now()));
    this.announce('open');
    if (!this.#readsDescriptors(stream)) setFlowing(stream, this.#accepting);
    // The greeting goes out before the C library is loaded.
    else setImmediate(() => this.#readDescriptors(stream));
  }

  #readsDescriptors(stream: Duplex): stream is Socket {
    return this.#takeDescriptor !== undefined && stream instanceof Socket;
  }

  #readDescriptors(socket: Socket): void {
    if (this.#stream !== socket || this.#closed) return;
    // Node does not say a socket's descriptor, but has it there.
    const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle?.fd ?? -1;
    const take = this.#takeDescriptor;
    const reader =
      fd < 0 || !take
        ? undefined
        : DescriptorReader.open(fd, {
            onData: (bytes) => socket.emit('data', bytes),
            onDescriptor: take,
            onEnd: () => socket.emit('end'),
          });
    if (reader === undefined) {
      this.#takeDescriptor = undefined;
      setFlowing(socket, this.#accepting);
      return;
    }
    this.#reader = reader;
    reader.flowing = this.#accepting;
  }

  /** The client says no more, but may wait for an answer. */
  #answerLastWords(stream: Duplex, since: number): void {
    const now = performance.now();
    const wait = Math.min(this.#lastActive + QUIET_MS, since + LAST_ANSWERS_MS) - now;
    if (wait <= 0 || stream.destroyed) {
      this.#lastWords = undefined;
      // What is read here, Node does not know to have ended.
      if (!stream.destroyed) stream.end(() => this.#reader && stream.destroy());
      return;
    }
    this.#lastWords = setTimeout(() => this.#answerLastWords(stream, since), wait);
  }

  #lost(socket: Socket): void {
    if (this.#raw !== socket) return;
    const wasOpen = this.#stream !== undefined;
    this.#reader?.close();
    this.#reader = undefined;
    clearTimeout(this.#lastWords);
    this.#lastWords = undefined;
    this.#raw = undefined;
    this.#stream = undefined;
    if (wasOpen) this.announce('close');
    if (this.#closed) return;
    if (!this.#options.server) this.#connectLater();
    const next = this.#waiting.shift();
    if (next) this.#serve(next);
  }
}
