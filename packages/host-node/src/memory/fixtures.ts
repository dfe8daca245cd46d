// For tests of mappings: backends by name, and what /proc says about a range of addresses.

import { readdirSync, readFileSync } from 'node:fs';
import {
  Container,
  type HostMemory,
  MemoryBackend,
  type NoHostMemory,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
} from '@boardwalk/core';
import { openHostMemory } from './linux-host-memory.ts';
import type { MappingEvent } from './linux-mapping.ts';

export const MiB = 2 ** 20;

/** What one mapping of /proc/self/smaps is. */
export interface Vma {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly path: string;
  /** Bytes. */
  readonly resident: number;
  /** Bytes in transparent huge pages. */
  readonly huge: number;
  /** Two letters each: `mg` mergeable, `dd` not in dumps, `hg` huge pages wanted. */
  readonly flags: readonly string[];
}

/** The mappings that touch a range. */
export function vmasOf(address: number, bytes: number): Vma[] {
  const found: Vma[] = [];
  for (const block of readFileSync('/proc/self/smaps', 'latin1').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)/.exec(block);
    if (!head) continue;
    const start = Number.parseInt(head[1] ?? '', 16);
    const end = Number.parseInt(head[2] ?? '', 16);
    if (end <= address || start >= address + bytes) continue;
    const kib = (name: string): number =>
      Number(new RegExp(`^${name}: +([0-9]+) kB`, 'm').exec(block)?.[1] ?? 0) * 1024;
    found.push({
      start,
      end,
      permissions: head[3] ?? '',
      path: head[4] ?? '',
      resident: kib('Rss'),
      huge: kib('AnonHugePages') + kib('ShmemPmdMapped') + kib('FilePmdMapped'),
      flags: (/^VmFlags: (.*)$/m.exec(block)?.[1] ?? '').trim().split(/\s+/),
    });
  }
  return found;
}

/** The policy column of /proc/self/numa_maps for the mapping at an address; undefined where the kernel has no such file. */
export function policyInProc(address: number): string | undefined {
  try {
    const line = readFileSync('/proc/self/numa_maps', 'latin1')
      .split('\n')
      .find((text) => text.startsWith(`${address.toString(16).padStart(8, '0')} `));
    return line?.split(' ')[1];
  } catch {
    return undefined;
  }
}

/** What this process holds: address space in bytes, open files, and how many mappings are of files that backends make or use. */
export function holdings(folder: string) {
  const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
  const status = readFileSync('/proc/self/status', 'latin1');
  return {
    addressSpace: Number(/^VmSize:\s+([0-9]+) kB/m.exec(status)?.[1]) * 1024,
    files: readdirSync('/proc/self/fd').length,
    mappedFiles: maps.filter((line) => line.includes(folder) || /memory-backend|boardwalk/.test(line)).length,
  };
}

/** A RAM space with backends on this host; undefined where it has no mappings. */
export async function openWorkbench(bytes = 64 * MiB) {
  const events: MappingEvent[] = [];
  const opened = await openHostMemory({ trace: (event) => events.push(event) });
  if ('unavailable' in opened) return undefined;
  return new Workbench(opened, bytes, events);
}

export class Workbench {
  readonly host: HostMemory;
  readonly events: MappingEvent[];
  readonly space: RamSpace;
  readonly types = new TypeRegistry();
  readonly objects = new Container();

  constructor(host: HostMemory | NoHostMemory, bytes: number, events: MappingEvent[]) {
    if ('unavailable' in host) throw new Error(host.unavailable);
    this.host = host;
    this.events = events;
    this.space = RamSpace.create({ bytes });
    registerMemoryBackends(this.types, this.space, host);
  }

  /** Where the space lies. */
  get base(): number {
    return this.host.addressOf(this.space);
  }

  /** Makes a backend: `add('ram', { size: '1M' })`. */
  add(kind: string, props: Record<string, unknown>): MemoryBackend {
    const backend = this.types.create(`memory-backend-${kind}`, props, { parent: this.objects, id: 'm' });
    if (!(backend instanceof MemoryBackend)) throw new Error('no backend');
    return backend;
  }

  /** Ends a backend. */
  drop(backend: MemoryBackend): void {
    backend.remove();
    backend.dispose();
  }

  /** The address of a backend's first byte. */
  addressOf(backend: MemoryBackend): number {
    return this.base + (backend.region.block?.offset ?? 0);
  }

  vmas(backend: MemoryBackend): Vma[] {
    return vmasOf(this.addressOf(backend), backend.size);
  }

  resident(backend: MemoryBackend): number {
    return this.vmas(backend).reduce((sum, vma) => sum + vma.resident, 0);
  }

  /** Whether every page of the space is mapped, readable and writable. */
  isWhole(): boolean {
    let at = this.base;
    for (const vma of vmasOf(this.base, this.space.size)) {
      if (vma.start > at || !vma.permissions.startsWith('rw')) return false;
      at = vma.end;
    }
    return at >= this.base + this.space.size;
  }
}
