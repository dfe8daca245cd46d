/** Services of the engine that helpers and frontends call by name; each engine binds them to its own when it links. */
import type { ImportHelper } from './helper.ts';

/** The services; `IrBuilder.ramHost`, `tlbFlush`, `tlbFlushSpace`, `tlbFlushRegime` and `tlbFlushPage` call them. What can fault is called with `callChecked` in blocks. */
export const ENGINE = {
  /** (physical address) -> host offset of RAM or ROM there, or -1. */
  ramHost: { kind: 'import', name: 'engine.ramHost', params: ['i64'], result: 'i64' },
  tlbFlush: { kind: 'import', name: 'engine.tlbFlush', params: [], result: undefined },
  tlbFlushSpace: { kind: 'import', name: 'engine.tlbFlushSpace', params: [], result: undefined },
  tlbFlushRegime: { kind: 'import', name: 'engine.tlbFlushRegime', params: ['i32'], result: undefined },
  tlbFlushPage: { kind: 'import', name: 'engine.tlbFlushPage', params: ['i64'], result: undefined },
  /**
   * (va, access, mmu) -> host offset of a byte of guest memory; `NOT_RAM`, or `FAULTED` with `state.fault` set. It serves up to
   * the end of the page. A store must have been probed, so that whoever watches the page knows.
   */
  translate: { kind: 'import', name: 'engine.translate', params: ['i64', 'i32', 'i32'], result: 'i64' },
  /** (va, length up to a page, access, mmu): sets `state.fault` if any of the bytes could not be accessed now. */
  probe: { kind: 'import', name: 'engine.probe', params: ['i64', 'i32', 'i32', 'i32'], result: undefined },
  /** (va, descriptor, mmu) -> value: a load of 1 to 8 bytes; `accessDescriptor` says what is in the descriptor. */
  load: { kind: 'import', name: 'engine.load', params: ['i64', 'i32', 'i32'], result: 'i64' },
  /** (va, value, descriptor, mmu): a store; where it faults nothing is written and `state.fault` is set. */
  store: { kind: 'import', name: 'engine.store', params: ['i64', 'i64', 'i32', 'i32'], result: undefined },
  /**
   * 1: every other vCPU waits at a safe point from now on, 0: they go on. For what no atomic access can do; nothing where vCPUs take
   * turns in one thread.
   */
  alone: { kind: 'import', name: 'engine.alone', params: ['i32'], result: undefined },
} as const satisfies Record<string, ImportHelper>;
