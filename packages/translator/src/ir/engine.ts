/** Services of the engine that helpers and frontends call by name; each engine binds them to its own when it links. */
import type { ImportHelper } from './helper.ts';

/** The services; `IrBuilder.ramHost`, `tlbFlush` and `tlbFlushPage` call them. */
export const ENGINE = {
  /** (physical address) -> host offset of RAM or ROM there, or -1. */
  ramHost: { kind: 'import', name: 'engine.ramHost', params: ['i64'], result: 'i64' },
  tlbFlush: { kind: 'import', name: 'engine.tlbFlush', params: [], result: undefined },
  tlbFlushPage: { kind: 'import', name: 'engine.tlbFlushPage', params: ['i64'], result: undefined },
} as const satisfies Record<string, ImportHelper>;
