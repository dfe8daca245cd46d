// The calls of Linux and the C library that mappings need (mmap(2), mremap(2), madvise(2), mbind(2), memfd_create(2), fcntl(2),
// shm_open(3)), with the numbers of their flags. Addresses are numbers: user space ends below 2^47 or 2^48.

import { UserError } from '@boardwalk/core';
import type { NativeFunction, NativeLibrary } from '../file/native.ts';

export const PROT_NONE = 0;
export const PROT_READ_WRITE = 3;

export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_SHARED_VALIDATE = 3;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_SYNC = 0x8_0000;

export const MADV_DONTNEED = 4;
export const MADV_REMOVE = 9;
export const MADV_MERGEABLE = 12;
export const MADV_UNMERGEABLE = 13;
export const MADV_HUGEPAGE = 14;
export const MADV_DONTDUMP = 16;
export const MADV_DODUMP = 17;
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;

export const EINTR = 4;
export const EINVAL = 22;

/** Numbers of system calls that the C library has no function for: [mbind, get_mempolicy, move_pages]. */
const NUMA_CALLS: Readonly<Record<string, readonly [number, number, number]>> = {
  x64: [237, 239, 279],
  arm64: [235, 236, 239],
  riscv64: [235, 236, 239],
  loong64: [235, 236, 239],
  s390x: [268, 269, 310],
  ppc64: [259, 260, 301],
};

/** A call that failed. */
export class LinuxError extends Error {
  readonly errno: number;

  constructor(errno: number, text: string) {
    super(text);
    this.errno = errno;
  }
}

/** The calls. Each throws {@link LinuxError}. */
export class LinuxCalls {
  /** Where koffi is, for other threads. */
  readonly nativeModule: string;
  /** Bytes of an ordinary page. */
  readonly pageSize: number;
  readonly #library: NativeLibrary;
  readonly #mmap: NativeFunction;
  readonly #munmap: NativeFunction;
  readonly #mremap: NativeFunction;
  readonly #madvise: NativeFunction;
  readonly #syscall: NativeFunction;
  readonly #strerror: NativeFunction;

  constructor(library: NativeLibrary) {
    this.#library = library;
    this.nativeModule = library.module;
    this.#mmap = library.func('int64_t mmap(int64_t at, uint64_t bytes, int prot, int flags, int fd, int64_t offset)');
    this.#munmap = library.func('int munmap(int64_t at, uint64_t bytes)');
    this.#mremap = library.func('int64_t mremap(int64_t at, uint64_t bytes, uint64_t newBytes, int flags, int64_t to)');
    this.#madvise = library.func('int madvise(int64_t at, uint64_t bytes, int advice)');
    this.#syscall = library.func(
      'int64_t syscall(int64_t n, int64_t a, int64_t b, int64_t c, void *d, int64_t e, int64_t f)',
    );
    this.#strerror = library.func('str strerror(int number)');
    // _SC_PAGESIZE
    this.pageSize = Number(library.func('int64_t sysconf(int name)')(30));
  }

  /** What an errno means, in the C library's words: `Cannot allocate memory`. */
  text(errno: number): string {
    return String(this.#strerror(errno));
  }

  addressOf(view: Uint8Array): number {
    return this.#library.address(view);
  }

  mmap(at: number, bytes: number, prot: number, flags: number, fd = -1, offset = 0): number {
    return this.#check(this.#mmap(at, bytes, prot, flags, fd, offset));
  }

  munmap(at: number, bytes: number): void {
    this.#check(this.#munmap(at, bytes));
  }

  /** Moves a mapping to a fixed address, in place of what is there. */
  move(from: number, bytes: number, to: number): void {
    const MREMAP_MAYMOVE = 1;
    const MREMAP_FIXED = 2;
    this.#check(this.#mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to));
  }

  madvise(at: number, bytes: number, advice: number): void {
    this.#check(this.#madvise(at, bytes, advice));
  }

  /** @param mask a bit for each node, in an array of `unsigned long` */
  mbind(at: number, bytes: number, mode: number, mask: Buffer, maxNode: number, flags: number): void {
    this.#check(this.#syscall(this.#numaCall(0), at, bytes, mode, mask, maxNode, flags));
  }

  /** The mode of the policy at an address; `mask` gets its nodes. */
  getMempolicy(at: number, mask: Buffer): number {
    const MPOL_F_ADDR = 2;
    const mode = Buffer.alloc(4);
    const call = this.#library.func(
      'int64_t syscall(int64_t n, void *mode, void *mask, int64_t bits, int64_t at, int64_t flags)',
    );
    this.#check(call(this.#numaCall(1), mode, mask, mask.length * 8, at, MPOL_F_ADDR));
    return mode.readInt32LE(0);
  }

  /** The node that each page is on; below 0 for a page that is not there. @param at addresses of the pages */
  nodesOfPages(at: BigUint64Array): Int32Array {
    const status = new Int32Array(at.length);
    const call = this.#library.func(
      'int64_t syscall(int64_t n, int64_t pid, int64_t count, void *pages, int64_t nodes, void *status, int64_t flags)',
    );
    const [pages, nodes] = [Buffer.from(at.buffer), Buffer.from(status.buffer)];
    // Without nodes to move them to, pages stay where they are.
    this.#check(call(this.#numaCall(2), 0, at.length, pages, 0, nodes, 0));
    return status;
  }

  memfdCreate(name: string, flags: number): number {
    return this.#check(this.#library.func('int memfd_create(str name, unsigned int flags)')(name, flags));
  }

  addSeals(fd: number, seals: number): void {
    const F_ADD_SEALS = 1033;
    this.#check(this.#library.func('int fcntl(int fd, int command, int argument)')(fd, F_ADD_SEALS, seals));
  }

  /** Shared memory that has no name any more. */
  shmOpenUnnamed(name: string): number {
    const O_RDWR_CREAT_EXCL = 0o302;
    const open = this.#library.func('int shm_open(str name, int flags, unsigned int mode)');
    const fd = this.#check(open(name, O_RDWR_CREAT_EXCL, 0o600));
    this.#library.func('int shm_unlink(str name)')(name);
    return fd;
  }

  #numaCall(index: 0 | 1 | 2): number {
    const calls = NUMA_CALLS[process.arch];
    if (!calls) throw new LinuxError(38, this.text(38));
    return calls[index];
  }

  #check(result: unknown): number {
    const value = Number(result);
    if (value !== -1) return value;
    const errno = this.#library.errno();
    throw new LinuxError(errno, this.text(errno));
  }
}

/** Throws a user's mistake that says what could not be done, and the kernel's reason. */
export function refuse(calls: LinuxCalls, what: string, error: unknown): never {
  if (error instanceof LinuxError) throw new UserError(`${what}: ${error.message}`);
  const { errno } = error as NodeJS.ErrnoException;
  if (errno !== undefined) throw new UserError(`${what}: ${calls.text(Math.abs(errno))}`);
  throw error;
}
