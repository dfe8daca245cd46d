/** What the software MMU calls of the engine. */
import type { ImportHelper } from '../ir/helper.ts';

/** Functions of the engine that the softmmu imports; all take the vCPU's base first. */
export const IMPORTS = {
  /** Device load of `size` bytes at `state.pa`: result in ioLo and ioHi; gives 0, or the bus's error. */
  ioLoad: { kind: 'import', name: 'ioLoad', params: ['i32'], result: 'i32' },
  ioStore: { kind: 'import', name: 'ioStore', params: ['i32'], result: 'i32' },
  /** Whether `bytes` at `state.pa` can be reached in accesses of `size` bytes (0: any): bytes, size, access; 0 or the bus's error. */
  ioProbe: { kind: 'import', name: 'ioProbe', params: ['i32', 'i32', 'i32'], result: 'i32' },
  /** A write is about to hit a flagged page: host offset (as a number), bytes. Not 0: it must not happen now (`FAULT.codeWrite`). */
  flaggedWrite: { kind: 'import', name: 'flaggedWrite', params: ['f64', 'i32'], result: 'i32' },
  /** A write that `flaggedWrite` was told of has happened: host offset (as a number), bytes. Only where vCPUs run on threads. */
  flaggedWritten: { kind: 'import', name: 'flaggedWritten', params: ['f64', 'i32'], result: undefined },
  /** 1: every other vCPU waits from now on; 0: they go on. Only where vCPUs run on threads. */
  alone: { kind: 'import', name: 'alone', params: ['i32'], result: undefined },
  /** An access of a watched range, at `state.watchVa`: its kinds. Not 0: it must not happen now (`FAULT.codeWrite`). */
  watchHit: { kind: 'import', name: 'watchHit', params: ['i32'], result: 'i32' },
  /** Not 0: the instruction that reaches a device does not run alone: its number is not known, or others follow before interrupts are looked at. */
  isAmongOthers: { kind: 'import', name: 'isAmongOthers', params: [], result: 'i32' },
} as const satisfies Record<string, ImportHelper>;
