/** vCPUs as threads: numbers from 1, and their texts in the protocol. GDB manual, "Packets", thread-id. */
import type { Cpu } from '@boardwalk/core';

/** All vCPUs are threads of one process. */
const PROCESS = 1n;

/** What a thread-id means: one vCPU, all of them, or any (whichever is at hand). */
export type ThreadId =
  | { readonly kind: 'cpu'; readonly cpu: Cpu }
  | { readonly kind: 'all' }
  | { readonly kind: 'any' };

export function threadText(cpu: Cpu, multiprocess: boolean): string {
  const thread = (cpu.index + 1).toString(16).padStart(2, '0');
  return multiprocess ? `p01.${thread}` : thread;
}

/** Reads a thread-id (`1`, `-1`, `0`, `p1.2`, `p1`); undefined where there is no such thread. */
export function parseThread(text: string, cpus: readonly Cpu[]): ThreadId | undefined {
  const [, process, thread] = /^(?:p(-1|[0-9a-fA-F]{1,8})(?:\.|$))?(-1|[0-9a-fA-F]{1,8})?$/.exec(text) ?? [];
  if (process === undefined && thread === undefined) return undefined;
  if (process !== undefined && process !== '-1' && BigInt(`0x${process}`) > PROCESS) return undefined;
  if (thread === undefined || thread === '-1') return { kind: 'all' };
  const number = Number.parseInt(thread, 16);
  if (number === 0) return { kind: 'any' };
  const cpu = cpus.find((c) => c.index === number - 1);
  return cpu === undefined ? undefined : { kind: 'cpu', cpu };
}
