// The seam between a machine whose vCPUs run on threads and the host that has threads: worker_threads in Node, workers in a browser.

import type { IndexBits } from '../memory/index.ts';

/** How the host's processor orders plain accesses of different addresses: by `tso` only a load passes an earlier store. */
export type HostOrder = 'tso' | 'weak';

/** All that a vCPU's thread is told at its start; it can be posted to a worker. Places are host offsets. */
export interface VcpuInit {
  readonly memory: WebAssembly.Memory;
  readonly indexBits: IndexBits;
  readonly pageFlags: number;
  /** The machine's block and this vCPU's (layout.ts). */
  readonly team: number;
  readonly block: number;
  /** The vCPU's state. */
  readonly state: number;
  /** Memory that the thread divides up for itself. */
  readonly slice: { readonly offset: number; readonly bytes: number };
  /** Bytes of its code cache. */
  readonly arenaBytes: number;
  readonly index: number;
  readonly cpus: number;
  /** Where the `exitRequest` words of all vCPUs are, and their blocks. */
  readonly all: readonly { readonly block: number; readonly state: number; readonly exitRequest: number }[];
  readonly arch: string;
  /** What the architecture's package makes the vCPU from. */
  readonly description: unknown;
  /** Code that the device thread's translator has already, and that of the vCPU can use. */
  readonly code: unknown;
  readonly tier1: 'off' | { readonly threshold: number } | undefined;
  readonly logCategories: readonly string[];
  readonly order: HostOrder;
}

/** A thread that runs a vCPU. */
export interface VcpuThreadHandle {
  /** The vCPU is made and waits to run. Rejects with what went wrong. */
  readonly ready: Promise<void>;
  /** Number of the thread, as the host's tools show it, where it is known. */
  readonly threadId: number | undefined;
  /** Ends the thread, whatever it does. */
  end(): Promise<void>;
}

/** What a thread's messages lead to on the device thread. */
export interface VcpuThreadEvents {
  /** The vCPU's block has a call for the device thread. */
  called(): void;
  /** Code of the thread threw. */
  failed(error: Error): void;
}

/** Starts threads. A host package makes one; a machine that has it runs each vCPU on a thread. */
export interface VcpuThreads {
  readonly order: HostOrder;
  /** Monotonic milliseconds, the same for every thread. */
  now(): number;
  start(init: VcpuInit, events: VcpuThreadEvents): VcpuThreadHandle;
}
