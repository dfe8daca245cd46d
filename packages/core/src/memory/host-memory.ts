// What a host with real memory mappings does for memory backends: the seam between the backends here and a package that calls the
// kernel (host-node on Linux). A mapping is built at an address of its own, gets its advice, its policy and its pages there, in
// this order, and is then moved into the RAM space.

import type { RamSpace } from './ram-space.ts';

/** On which nodes of the host pages may lie (QEMU's HostMemPolicy). */
export const MEMORY_POLICIES = ['default', 'preferred', 'bind', 'interleave'] as const;
export type MemoryPolicy = (typeof MEMORY_POLICIES)[number];

/** What the kernel is told about a mapping (madvise(2)). `remove` gives the bytes of a file back. */
export type MemoryAdvice = 'huge-pages' | 'mergeable' | 'unmergeable' | 'dump' | 'no-dump' | 'remove';

/** Memory of this process alone, or with `share` of its children too. */
export interface AnonymousSource {
  readonly kind: 'anonymous';
  readonly share: boolean;
}

/** A part of a file. */
export interface FileSource {
  readonly kind: 'file';
  /** A file, which is made if it is not there, or a folder for a file without a name. */
  readonly path: string;
  readonly share: boolean;
  /** Alignment of the mapping in bytes; 0: that of the file system's pages. */
  readonly align: number;
  /** Where in the file the memory begins, in bytes. */
  readonly offset: number;
  /** The file is opened for reading alone. */
  readonly readonly: boolean;
  /** Nobody writes: what other processes write to the file is seen. */
  readonly rom: boolean;
  /** Persistent memory: writes must survive a loss of power (MAP_SYNC). */
  readonly pmem: boolean;
}

/** A file without a name, in memory (memfd_create(2)). */
export interface MemfdSource {
  readonly kind: 'memfd';
  readonly share: boolean;
  readonly hugetlb: boolean;
  /** Bytes; 0: the host's default size of huge pages. */
  readonly hugetlbSize: number;
  /** Nobody may grow or shrink it. */
  readonly seal: boolean;
}

/** POSIX shared memory (shm_open(3)), without a name once it is open. */
export interface ShmSource {
  readonly kind: 'shm';
}

export type MemorySource = AnonymousSource | FileSource | MemfdSource | ShmSource;

/** What {@link HostMemory.map} maps. */
export interface MapRequest {
  /** The RAM block's name, for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Whether the kernel sets swap space aside. */
  readonly reserve: boolean;
  readonly source: MemorySource;
}

/** A mapping's policy as the kernel has it. */
export interface PolicyReport {
  readonly policy: MemoryPolicy;
  readonly nodes: readonly number[];
}

/** How much of a mapping lies on a node of the host. */
export interface NodeShare {
  readonly node: number;
  /** Bytes of pages that are there. */
  readonly bytes: number;
}

/** A mapping, staged or in a RAM space. Everything throws UserError with the kernel's reason. */
export interface HostMapping {
  /** Bytes, whole pages. */
  readonly size: number;
  /** Bytes of the pages behind it. */
  readonly pageSize: number;
  /** Alignment that its address must have, in bytes. */
  readonly align: number;
  /** The file descriptor by which another process can map the same memory, where there is one. */
  readonly fd: number | undefined;
  advise(advice: MemoryAdvice): void;
  /** Binds the pages that are not there yet to nodes of the host. */
  bind(policy: MemoryPolicy, nodes: readonly number[]): void;
  /** Asks the kernel what policy there is. */
  policy(): PolicyReport;
  /** Asks the kernel on which nodes the pages are that are there, by node. Without it nobody knows. */
  placement?(): readonly NodeShare[];
  /** Makes every page be there, with several threads. */
  populate(threads: number): void;
  /** Makes whole pages of a range zero, and gives them back to the host; of a shared file too. Without it the range is overwritten. */
  discard?(offset: number, bytes: number): void;
  /** Moves the mapping to its place in a RAM space. */
  attach(space: RamSpace, hostOffset: number): void;
  /** Ends the mapping. Where it was in a RAM space there is plain zeroed memory afterwards. */
  release(): void;
  /** As {@link release}, and takes back a file that was made for it. */
  abandon(): void;
}

/** Memory mappings of the host. */
export interface HostMemory {
  /**
   * Why what a kernel does with a mapping (pages from the start, policies, merging, dumps, reservation) cannot be had here. A host that
   * gives a reason provides contents alone: properties that ask for more are refused with it.
   */
  readonly contentsOnly?: string;
  /** Where a space's host offset 0 lies. */
  addressOf(space: RamSpace): number;
  /** Maps memory at an address of its own. @throws UserError with the kernel's reason; nothing is left behind then */
  map(request: MapRequest): HostMapping;
}

/** Why there are no real memory mappings. */
export interface NoHostMemory {
  readonly unavailable: string;
}

/** Where nobody said anything about the host. */
export const NO_HOST_MEMORY: NoHostMemory = { unavailable: 'this host has no memory mappings of its own' };
