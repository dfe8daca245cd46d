// Reading from a Unix socket with the open files that come along (unix(7), SCM_RIGHTS). Node's own sockets drop them, so that the bytes are
// read here, through the C library.

import { type NativeFunction, type NativeLibrary, nativeLibraryNow } from '../file/native.ts';

/** What a reader tells. */
export interface DescriptorEvents {
  onData(bytes: Uint8Array): void;
  /** An open file of the other side's, now this process's own. */
  onDescriptor(fd: number): void;
  /** Nothing comes any more. */
  onEnd(): void;
}

const DATA_BYTES = 65_536;
const CONTROL_BYTES = 1024;
const MSGHDR_BYTES = 56;
const IOVEC_BYTES = 16;
const POLLFD_BYTES = 8;
const POLLIN = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const CMSGHDR_BYTES = 16;
const EAGAIN = 11;
const EINTR = 4;
const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;
/** An end that nobody asked for in order (process.exit) waits no longer than this for the thread that waits here, ms. */
const POLL_MS = 1000;

/** Waits, in a thread of Node's pool, until one of several descriptors can be read. */
class Poller {
  readonly #library: NativeLibrary;
  readonly #poll: (...args: unknown[]) => Promise<unknown>;
  readonly #write: NativeFunction;
  readonly #read: NativeFunction;
  readonly #close: NativeFunction;
  readonly #ready = new Map<number, () => void>();
  #wakeFd = -1;
  #running = false;

  constructor(library: NativeLibrary) {
    this.#library = library;
    this.#poll = library.asyncFunc('int poll(void *fds, unsigned long count, int timeout)');
    this.#write = library.func('long write(int fd, void *data, unsigned long bytes)');
    this.#read = library.func('long read(int fd, void *data, unsigned long bytes)');
    this.#close = library.func('int close(int fd)');
  }

  /** Calls back once, when the descriptor can be read or its other end has gone. */
  wait(fd: number, ready: () => void): void {
    this.#ready.set(fd, ready);
    if (this.#running) this.#wake();
    else void this.#run();
  }

  forget(fd: number): void {
    if (this.#ready.delete(fd)) this.#wake();
  }

  #wake(): void {
    if (this.#wakeFd >= 0) this.#write(this.#wakeFd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#wakeFd = Number(
      this.#library.func('int eventfd(unsigned int initval, int flags)')(0, EFD_NONBLOCK | EFD_CLOEXEC),
    );
    while (this.#ready.size > 0) {
      const fds = [this.#wakeFd, ...this.#ready.keys()];
      const view = new DataView(new ArrayBuffer(fds.length * POLLFD_BYTES));
      fds.forEach((fd, i) => {
        view.setInt32(i * POLLFD_BYTES, fd, true);
        view.setInt16(i * POLLFD_BYTES + 4, POLLIN, true);
      });
      await this.#poll(new Uint8Array(view.buffer), fds.length, POLL_MS);
      this.#read(this.#wakeFd, new Uint8Array(8), 8);
      fds.forEach((fd, i) => {
        if (i === 0 || view.getInt16(i * POLLFD_BYTES + 6, true) === 0) return;
        const ready = this.#ready.get(fd);
        this.#ready.delete(fd);
        ready?.();
      });
    }
    this.#close(this.#wakeFd);
    this.#wakeFd = -1;
    this.#running = false;
  }
}

let poller: Poller | undefined;

/** Reads one socket. */
export class DescriptorReader {
  readonly #fd: number;
  readonly #events: DescriptorEvents;
  readonly #library: NativeLibrary;
  readonly #recvmsg: NativeFunction;
  readonly #poller: Poller;
  /** One piece of memory, which stays where it is: the message's header, its parts, what it holds. */
  readonly #memory = new ArrayBuffer(MSGHDR_BYTES + IOVEC_BYTES + CONTROL_BYTES + DATA_BYTES);
  readonly #control = MSGHDR_BYTES + IOVEC_BYTES;
  readonly #data = MSGHDR_BYTES + IOVEC_BYTES + CONTROL_BYTES;
  #flowing = false;
  #waiting = false;
  #ended = false;

  private constructor(fd: number, library: NativeLibrary, events: DescriptorEvents) {
    this.#fd = fd;
    this.#events = events;
    this.#library = library;
    this.#recvmsg = library.func('long recvmsg(int fd, void *message, int flags)');
    poller ??= new Poller(library);
    this.#poller = poller;
  }

  /** Undefined where the C library cannot be called, or is not Linux's. */
  static open(fd: number, events: DescriptorEvents): DescriptorReader | undefined {
    const library = process.platform === 'linux' ? nativeLibraryNow() : undefined;
    return library === undefined ? undefined : new DescriptorReader(fd, library, events);
  }

  /** Reads, or holds the other side back. */
  set flowing(on: boolean) {
    this.#flowing = on;
    if (on) this.#wait();
  }

  /** Stops reading; the descriptor stays open. */
  close(): void {
    this.#ended = true;
    this.#poller.forget(this.#fd);
  }

  #wait(): void {
    if (this.#ended || this.#waiting) return;
    this.#waiting = true;
    this.#poller.wait(this.#fd, () => {
      this.#waiting = false;
      if (this.#flowing && !this.#ended) this.#receive();
    });
  }

  #receive(): void {
    const view = new DataView(this.#memory);
    const base = BigInt(this.#library.address(new Uint8Array(this.#memory)));
    const at = (offset: number): bigint => base + BigInt(offset);
    new Uint8Array(this.#memory, 0, this.#control).fill(0);
    view.setBigUint64(16, at(MSGHDR_BYTES), true);
    view.setBigUint64(24, 1n, true);
    view.setBigUint64(32, at(this.#control), true);
    view.setBigUint64(40, BigInt(CONTROL_BYTES), true);
    view.setBigUint64(MSGHDR_BYTES, at(this.#data), true);
    view.setBigUint64(MSGHDR_BYTES + 8, BigInt(DATA_BYTES), true);
    const bytes = Number(this.#recvmsg(this.#fd, new Uint8Array(this.#memory), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (bytes < 0 && [EAGAIN, EINTR].includes(this.#library.errno())) {
      this.#wait();
      return;
    }
    if (bytes <= 0) {
      this.#ended = true;
      this.#events.onEnd();
      return;
    }
    this.#takeDescriptors(view, Number(view.getBigUint64(40, true)));
    this.#events.onData(new Uint8Array(this.#memory, this.#data, bytes).slice());
    if (this.#flowing) this.#wait();
  }

  #takeDescriptors(view: DataView, length: number): void {
    for (let at = 0; at + CMSGHDR_BYTES <= length; ) {
      const size = Number(view.getBigUint64(this.#control + at, true));
      if (size < CMSGHDR_BYTES) return;
      const isRights =
        view.getInt32(this.#control + at + 8, true) === SOL_SOCKET &&
        view.getInt32(this.#control + at + 12, true) === SCM_RIGHTS;
      for (let fd = at + CMSGHDR_BYTES; isRights && fd + 4 <= at + size; fd += 4) {
        this.#events.onDescriptor(view.getInt32(this.#control + fd, true));
      }
      at += Math.ceil(size / 8) * 8;
    }
  }
}
