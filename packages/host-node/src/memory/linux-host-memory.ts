// Real memory mappings on Linux, through koffi. WebAssembly code reaches only its own memory, so that a mapping is built elsewhere
// and then moved into it: mremap(2) takes contents, policy, huge pages and advice along.

import { closeSync } from 'node:fs';
import type {
  FileSource,
  HostMapping,
  HostMemory,
  MapRequest,
  MemorySource,
  NoHostMemory,
  RamSpace,
} from '@boardwalk/core';
import { nativeLibraryNow } from '../file/native.ts';
import { type Backing, openFile, openMemfd, openShm } from './backing.ts';
import * as linux from './linux-calls.ts';
import { LinuxCalls, refuse } from './linux-calls.ts';
import { LinuxMapping, type MappingTrace } from './linux-mapping.ts';

/** Transparent huge pages are of this size, or the kernel does without. */
const HUGE = 2 ** 21;

/** How {@link openHostMemory} makes one. */
export interface HostMemoryOptions {
  /** Hears of every step, in order. */
  readonly trace?: MappingTrace;
}

/** The mappings of this host, or why there are none. */
export async function openHostMemory(options: HostMemoryOptions = {}): Promise<HostMemory | NoHostMemory> {
  return openHostMemoryNow(options);
}

/** As {@link openHostMemory}, when the first backend asks: what nobody needs is not loaded. */
export function hostMemoryOnDemand(options: HostMemoryOptions = {}): () => HostMemory | NoHostMemory {
  let opened: HostMemory | NoHostMemory | undefined;
  return () => {
    opened ??= openHostMemoryNow(options);
    return opened;
  };
}

function openHostMemoryNow(options: HostMemoryOptions): HostMemory | NoHostMemory {
  if (process.platform !== 'linux') return { unavailable: 'memory mappings of the host need Linux' };
  const library = nativeLibraryNow();
  if (!library) {
    return { unavailable: 'memory mappings of the host need the npm package koffi, which cannot be loaded' };
  }
  return new LinuxHostMemory(new LinuxCalls(library), options.trace);
}

class LinuxHostMemory implements HostMemory {
  readonly #calls: LinuxCalls;
  readonly #trace: MappingTrace | undefined;
  readonly #spaces = new WeakMap<RamSpace, number>();

  constructor(calls: LinuxCalls, trace: MappingTrace | undefined) {
    this.#calls = calls;
    this.#trace = trace;
  }

  addressOf(space: RamSpace): number {
    const known = this.#spaces.get(space);
    if (known !== undefined) return known;
    const address = this.#calls.addressOf(space.u8);
    this.#spaces.set(space, address);
    space.zeroWith((offset, length) => this.#zero(address + offset, length));
    return address;
  }

  map(request: MapRequest): HostMapping {
    const { name, source } = request;
    const backing = this.#open(request);
    const pageSize = backing?.pageSize ?? this.#calls.pageSize;
    const size = backing?.size ?? Math.ceil(request.size / pageSize) * pageSize;
    const wanted = source.kind === 'file' ? source.align : 0;
    const align = Math.max(pageSize, wanted, size >= HUGE ? HUGE : 0);
    const rom = source.kind === 'file' && source.rom;
    let at: number;
    try {
      at = this.#stage(size, align, request, backing);
    } catch (error) {
      backing?.undo();
      if (backing) closeSync(backing.fd);
      return refuse(this.#calls, whatFailed(request), error);
    }
    this.#trace?.({ step: 'map', name, detail: source.kind });
    const addressOf = (space: RamSpace): number => this.addressOf(space);
    const shared = (mapFlags(source) & linux.MAP_PRIVATE) === 0;
    const parts = { name, at, size, pageSize, align, backing, shared, rom, addressOf, trace: this.#trace };
    return new LinuxMapping(this.#calls, parts);
  }

  #open(request: MapRequest): Backing | undefined {
    const { source } = request;
    switch (source.kind) {
      case 'anonymous':
        return undefined;
      case 'file':
        return openFile(this.#calls, request, source);
      case 'memfd':
        return openMemfd(this.#calls, request, source);
      case 'shm':
        return openShm(this.#calls, request);
    }
  }

  /** Maps at an aligned address if one can be had, so that huge pages stay whole when they are moved. */
  #stage(size: number, align: number, request: MapRequest, backing: Backing | undefined): number {
    const flags = mapFlags(request.source) | (request.reserve ? 0 : linux.MAP_NORESERVE);
    const offset = request.source.kind === 'file' ? request.source.offset : 0;
    const map = (hint: number): number =>
      this.#calls.mmap(hint, size, linux.PROT_READ_WRITE, flags, backing?.fd ?? -1, offset);
    for (let attempt = 0; attempt < 3 && align > this.#calls.pageSize; attempt++) {
      const at = map(this.#alignedGap(size, align));
      if (at % align === 0) return at;
      this.#calls.munmap(at, size);
    }
    return map(0);
  }

  /** An aligned address where nothing is mapped just now. Somebody else may take it: it is only good for a hint. */
  #alignedGap(size: number, align: number): number {
    const flags = linux.MAP_PRIVATE | linux.MAP_ANONYMOUS | linux.MAP_NORESERVE;
    const gap = this.#calls.mmap(0, size + align, linux.PROT_NONE, flags);
    this.#calls.munmap(gap, size + align);
    return Math.ceil(gap / align) * align;
  }

  #zero(at: number, bytes: number): boolean {
    const { pageSize } = this.#calls;
    if (at % pageSize !== 0 || bytes % pageSize !== 0) return false;
    this.#calls.madvise(at, bytes, linux.MADV_DONTNEED);
    return true;
  }
}

function mapFlags(source: MemorySource): number {
  switch (source.kind) {
    case 'anonymous':
      return linux.MAP_ANONYMOUS | (source.share ? linux.MAP_SHARED : linux.MAP_PRIVATE);
    case 'file':
      return fileFlags(source);
    case 'memfd':
      return source.share ? linux.MAP_SHARED : linux.MAP_PRIVATE;
    case 'shm':
      return linux.MAP_SHARED;
  }
}

/**
 * Memory that is only read is a private mapping all the same: it sees what others write as long as nobody writes here, and a write
 * that should not be leaves the file alone and does not kill the process.
 */
function fileFlags({ share, rom, pmem }: FileSource): number {
  if (!share || rom) return linux.MAP_PRIVATE;
  return pmem ? linux.MAP_SHARED_VALIDATE | linux.MAP_SYNC : linux.MAP_SHARED;
}

function whatFailed({ name, source }: MapRequest): string {
  if (source.kind === 'anonymous') return `cannot set up guest memory '${name}'`;
  if (source.kind === 'file' && source.pmem) return `${source.path} cannot be mapped as persistent memory`;
  return 'unable to map backing store for guest RAM';
}
