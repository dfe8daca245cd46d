// One mapping: staged at an address of its own, later in a RAM space, in the end plain memory again.

import { closeSync } from 'node:fs';
import {
  type HostMapping,
  MEMORY_POLICIES,
  type MemoryAdvice,
  type MemoryPolicy,
  type NodeShare,
  type PolicyReport,
  type RamSpace,
  UserError,
} from '@boardwalk/core';
import type { Backing } from './backing.ts';
import * as linux from './linux-calls.ts';
import { type LinuxCalls, LinuxError, refuse } from './linux-calls.ts';
import { populate } from './populate.ts';

/** A step in the life of a mapping, for {@link LinuxHostMemory}'s trace. */
export interface MappingEvent {
  readonly step: 'map' | 'advise' | 'bind' | 'populate' | 'attach' | 'release';
  /** The RAM block. */
  readonly name: string;
  /** The advice, the policy with its nodes, or the number of threads that made pages. */
  readonly detail?: string | number;
}

export type MappingTrace = (event: MappingEvent) => void;

interface Advice {
  readonly number: number;
  /** What the kernel cannot do with this mapping does no harm: it only costs speed or memory. */
  readonly hint: boolean;
}

const ADVICE: Readonly<Record<MemoryAdvice, Advice>> = {
  'huge-pages': { number: linux.MADV_HUGEPAGE, hint: true },
  mergeable: { number: linux.MADV_MERGEABLE, hint: true },
  unmergeable: { number: linux.MADV_UNMERGEABLE, hint: true },
  dump: { number: linux.MADV_DODUMP, hint: false },
  'no-dump': { number: linux.MADV_DONTDUMP, hint: false },
  remove: { number: linux.MADV_REMOVE, hint: true },
};

/** Modes of policies (mbind(2)) by name; a preference for several nodes has a mode of its own. */
const MODES: Readonly<Record<MemoryPolicy, number>> = { default: 0, preferred: 1, bind: 2, interleave: 3 };
const PREFERRED_MANY = 5;
/** A preference without nodes: where the thread runs. */
const LOCAL = 4;
const MPOL_MF_STRICT_MOVE = 3;

/** Pages that the kernel is asked about in one call. */
const PAGES_AT_ONCE = 65536;

/** What a mapping is made of. */
export interface MappingParts {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly pageSize: number;
  readonly align: number;
  readonly backing: Backing | undefined;
  /** Others see what is written here. */
  readonly shared: boolean;
  /** Its pages are only read. */
  readonly rom: boolean;
  readonly addressOf: (space: RamSpace) => number;
  readonly trace: MappingTrace | undefined;
}

/** A mapping of the kernel's. */
export class LinuxMapping implements HostMapping {
  readonly size: number;
  readonly pageSize: number;
  readonly align: number;
  readonly #calls: LinuxCalls;
  readonly #parts: MappingParts;
  #at: number;
  #hostOffset = 0;
  /** Keeps the space's memory where it is as long as the mapping lies in it. */
  #space: RamSpace | undefined;
  #released = false;

  constructor(calls: LinuxCalls, parts: MappingParts) {
    this.#calls = calls;
    this.#parts = parts;
    this.#at = parts.at;
    this.size = parts.size;
    this.pageSize = parts.pageSize;
    this.align = parts.align;
  }

  get fd(): number | undefined {
    return this.#parts.backing?.fd;
  }

  /** Address of its first byte in this process. */
  get address(): number {
    return this.#at;
  }

  advise(advice: MemoryAdvice): void {
    const { number, hint } = ADVICE[advice];
    try {
      this.#calls.madvise(this.#at, this.size, number);
    } catch (error) {
      if (!hint) refuse(this.#calls, `cannot advise the host on guest memory '${this.#parts.name}' (${advice})`, error);
    }
    this.#tell('advise', advice);
  }

  bind(policy: MemoryPolicy, nodes: readonly number[]): void {
    const mask = Buffer.alloc(24);
    for (const node of nodes) mask.writeUInt8(mask.readUInt8(node >> 3) | (1 << (node & 7)), node >> 3);
    const mode = policy === 'preferred' && nodes.length > 1 ? PREFERRED_MANY : MODES[policy];
    // One more than the highest: the kernel takes the number of bits less one.
    const maxNode = (nodes.at(-1) ?? -1) + 2;
    try {
      this.#calls.mbind(this.#at, this.size, mode, mask, maxNode, MPOL_MF_STRICT_MOVE);
    } catch (error) {
      refuse(this.#calls, 'cannot bind memory to host NUMA nodes', error);
    }
    this.#tell('bind', `${policy}:${nodes.join(',')}`);
  }

  policy(): PolicyReport {
    const mask = Buffer.alloc(512);
    try {
      const mode = this.#calls.getMempolicy(this.#at, mask) & 0xff;
      const nodes = Array.from({ length: mask.length * 8 }, (_, node) => node);
      return {
        policy:
          mode === PREFERRED_MANY ? 'preferred' : mode === LOCAL ? 'default' : (MEMORY_POLICIES[mode] ?? 'default'),
        nodes: nodes.filter((node) => (mask.readUInt8(node >> 3) & (1 << (node & 7))) !== 0),
      };
    } catch (error) {
      return refuse(this.#calls, 'cannot read the NUMA policy of guest memory', error);
    }
  }

  placement(): readonly NodeShare[] {
    const shares = new Map<number, number>();
    try {
      for (let first = 0; first < this.size; first += PAGES_AT_ONCE * this.pageSize) {
        const count = Math.min(PAGES_AT_ONCE, Math.ceil((this.size - first) / this.pageSize));
        const pages = BigUint64Array.from({ length: count }, (_, i) => BigInt(this.#at + first + i * this.pageSize));
        for (const node of this.#calls.nodesOfPages(pages)) {
          if (node >= 0) shares.set(node, (shares.get(node) ?? 0) + this.pageSize);
        }
      }
    } catch (error) {
      refuse(this.#calls, 'cannot read where guest memory is', error);
    }
    return [...shares].map(([node, bytes]) => ({ node, bytes })).sort((a, b) => a.node - b.node);
  }

  populate(threads: number): void {
    const { pageSize, rom } = this.#parts;
    const advice = rom ? linux.MADV_POPULATE_READ : linux.MADV_POPULATE_WRITE;
    try {
      const used = populate(this.#calls, { at: this.#at, bytes: this.size, advice, pageSize, threads });
      this.#tell('populate', used);
    } catch (error) {
      const old = error instanceof LinuxError && error.errno === linux.EINVAL ? ' (it needs Linux 5.14)' : '';
      refuse(this.#calls, `preallocating memory failed${old}`, error);
    }
  }

  discard(offset: number, bytes: number): void {
    try {
      // A private mapping of a file would show the file's bytes again, so that it is overwritten.
      const { shared, backing } = this.#parts;
      if (!shared && backing) throw new LinuxError(linux.EINVAL, '');
      this.#calls.madvise(this.#at + offset, bytes, shared ? linux.MADV_REMOVE : linux.MADV_DONTNEED);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      this.#space?.u8.fill(0, this.#hostOffset + offset, this.#hostOffset + offset + bytes);
    }
  }

  attach(space: RamSpace, hostOffset: number): void {
    const to = this.#parts.addressOf(space) + hostOffset;
    try {
      this.#calls.move(this.#at, this.size, to);
    } catch (error) {
      // The kernel may have cleared the place before it failed: nothing of anybody else's must come to lie there.
      this.#putPlainMemory(to);
      refuse(this.#calls, `cannot set up guest memory '${this.#parts.name}'`, error);
    }
    this.#at = to;
    this.#hostOffset = hostOffset;
    this.#space = space;
    this.#tell('attach');
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#space) this.#putPlainMemory(this.#at);
    else this.#calls.munmap(this.#at, this.size);
    this.#space = undefined;
    const { backing } = this.#parts;
    if (backing) closeSync(backing.fd);
    this.#tell('release');
  }

  abandon(): void {
    if (!this.#released) this.#parts.backing?.undo();
    this.release();
  }

  #putPlainMemory(at: number): void {
    const flags = linux.MAP_PRIVATE | linux.MAP_ANONYMOUS | linux.MAP_NORESERVE | linux.MAP_FIXED;
    try {
      this.#calls.mmap(at, this.size, linux.PROT_READ_WRITE, flags);
    } catch (error) {
      throw new UserError(`cannot give back guest memory '${this.#parts.name}': ${String(error)}`);
    }
  }

  #tell(step: MappingEvent['step'], detail?: string | number): void {
    this.#parts.trace?.({ step, name: this.#parts.name, ...(detail === undefined ? {} : { detail }) });
  }
}
