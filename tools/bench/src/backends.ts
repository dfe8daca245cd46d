// RAM from each kind of memory backend against plain memory whose pages are as large: a mapping of the host must cost nothing.
import { existsSync, readFileSync } from 'node:fs';
import { type Emulator, ourEmulator } from './emulators.ts';
import type { BenchOptions } from './options.ts';
import { BenchError, type Side } from './sample.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** A kind of backend, and what it is compared with. */
export interface BackendPair {
  readonly name: string;
  /** The backend's type and properties, without id and size; undefined: what a machine has without options, in pages of 4 KiB. */
  readonly backend: string | undefined;
  /** That of the other side. */
  readonly against: string | undefined;
  /** Bytes of huge pages that must be free on the host. */
  readonly hugePages?: number;
}

/**
 * Plain memory asks for no huge pages; memory-backend-ram does, and gets them where the kernel gives them to whoever asks. Memory files
 * get them only where /sys/kernel/mm/transparent_hugepage/shmem_enabled says so, which is rare.
 */
export const BACKEND_PAIRS: readonly BackendPair[] = [
  // Two that are the same: what the measurement itself is worth.
  { name: 'plain', backend: undefined, against: undefined },
  { name: 'memfd', backend: 'memory-backend-memfd', against: undefined },
  { name: 'memfd-prealloc', backend: 'memory-backend-memfd,prealloc=on', against: undefined },
  { name: 'memfd-bind', backend: 'memory-backend-memfd,policy=bind,host-nodes=0', against: undefined },
  { name: 'shm', backend: 'memory-backend-shm', against: undefined },
  { name: 'file-shared', backend: 'memory-backend-file,mem-path=/dev/shm,share=on', against: undefined },
  { name: 'file-private', backend: 'memory-backend-file,mem-path=/dev/shm,share=off', against: undefined },
  { name: 'ram-bind', backend: 'memory-backend-ram,policy=bind,host-nodes=0', against: 'memory-backend-ram' },
  { name: 'ram-prealloc', backend: 'memory-backend-ram,prealloc=on', against: 'memory-backend-ram' },
  {
    name: 'memfd-huge',
    backend: 'memory-backend-memfd,hugetlb=on,hugetlbsize=2M',
    against: 'memory-backend-ram',
    hugePages: 256 * 2 ** 20,
  },
];

/** The pairs that the user chose, all if he chose none. @throws BenchError for a name that none has */
export function chosenPairs({ pairs }: BenchOptions): readonly BackendPair[] {
  const names = BACKEND_PAIRS.map(({ name }) => name);
  for (const name of pairs) {
    if (!names.includes(name)) throw new BenchError(`--pairs ${name}: ${names.join(', ')} are there`);
  }
  return pairs.length === 0 ? BACKEND_PAIRS : BACKEND_PAIRS.filter(({ name }) => pairs.includes(name));
}

/** Why a pair cannot be compared on this host. @param meminfo of /proc/meminfo, undefined where there is none */
export function missing({ hugePages = 0 }: BackendPair, meminfo = readMeminfo()): string | undefined {
  const number = (name: string): number => Number(new RegExp(`^${name}: +([0-9]+)`, 'm').exec(meminfo)?.[1] ?? 0);
  const free = number('HugePages_Free') * number('Hugepagesize') * 1024;
  if (free >= hugePages) return undefined;
  return `it needs ${hugePages / 2 ** 20} MiB of free huge pages, and there are ${free / 2 ** 20} MiB`;
}

function readMeminfo(): string {
  return existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'latin1') : '';
}

/** What is run where the user names nothing. */
export const BACKEND_WORKLOADS: readonly string[] = ['integer', 'random-walk', 'boot'];

function withBackend(base: Emulator, backend: string | undefined): Emulator {
  if (backend === undefined) return { ...base, version: `${base.version} with plain memory` };
  return {
    ...base,
    version: `${base.version} with ${backend}`,
    memory: (size) => ['-object', `${backend},id=bench.ram,size=${size}`, '-M', 'memory-backend=bench.ram'],
  };
}

/** Both sides of a pair. @throws BenchError where Boardwalk cannot be run */
export function backendSides(options: BenchOptions, pair: BackendPair): Readonly<Record<Side, Emulator>> {
  const base = ourEmulator(options);
  return { ours: withBackend(base, pair.backend), peer: withBackend(base, pair.against) };
}

/** The workloads under a pair's name. @throws BenchError for a workload that has no run of its own to compare */
export function backendWorkloads(workloads: readonly Workload[], pair: BackendPair): Workload[] {
  const chosen = workloads === WORKLOADS ? workloads.filter(({ name }) => BACKEND_WORKLOADS.includes(name)) : workloads;
  if (chosen.length === 0) throw new BenchError('no workload is left');
  return chosen.map((workload) => ({ ...workload, name: `${pair.name} ${workload.name}` }));
}
