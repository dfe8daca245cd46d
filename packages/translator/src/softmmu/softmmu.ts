/**
 * The software MMU, in the IR's own language: TLB refill through the frontend's page walk, slow loads and stores (page
 * crossing, misaligned, device, read-only, pages with translated code), atomics, probes, flushes, and block lookup.
 * Values cross this interface raw: as the little-endian number of their bytes, zero-extended.
 */
import type { Frontend } from '../frontend.ts';
import { defineHelper } from '../ir/helper.ts';
import { createSlowAccess } from './access.ts';
import { createAtomics } from './atomics.ts';
import { createFlushes } from './flush.ts';
import { IMPORTS } from './imports.ts';
import type { EngineLayout } from './layout.ts';
import { createLookup } from './lookup.ts';
import { createRemote } from './remote.ts';
import { createTranslation } from './translation.ts';
import { createWideAccess } from './wide.ts';

export type SoftMmu = ReturnType<typeof createSoftMmu>;

/** Makes the helpers for one frontend and one engine's tables. */
export function createSoftMmu(frontend: Frontend, layout: EngineLayout) {
  const translation = createTranslation(frontend, layout);
  const access = createSlowAccess(frontend, translation, layout);
  const { atomicHost, cached, ...atomics } = createAtomics(frontend, translation, access);
  const wide = createWideAccess({
    ...access,
    frontend,
    translateAccess: translation.translateAccess,
    watch: translation.watch,
    atomicHost,
    isThreaded: layout.isThreaded === true,
    cached,
  });
  const alone = defineHelper('alone.threads', ['i32'], undefined, (b, begins) => {
    if (layout.isThreaded === true) b.call(IMPORTS.alone, begins);
  });
  const { physFind, ramHost, translate, translateNumber, debugAddress } = translation;
  const { slowLoad, slowStore, probe } = access;
  return {
    frontend,
    physFind,
    ramHost,
    translate,
    translateNumber,
    debugAddress,
    slowLoad,
    slowStore,
    probe,
    alone,
    ...atomics,
    ...wide,
    ...createFlushes(frontend),
    ...createRemote(frontend),
    ...createLookup(frontend, translation),
  } as const;
}
