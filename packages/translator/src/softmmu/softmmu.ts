/**
 * The software MMU, in the IR's own language: TLB refill through the frontend's page walk, slow loads and stores (page
 * crossing, misaligned, device, read-only, pages with translated code), atomics, probes, flushes, and block lookup.
 * Values cross this interface raw: as the little-endian number of their bytes, zero-extended.
 */
import type { Frontend } from '../frontend.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import type { RmwOp } from '../ir/nodes.ts';
import { createSlowAccess } from './access.ts';
import { createAtomics } from './atomics.ts';
import { createFlushes } from './flush.ts';
import { IMPORTS } from './imports.ts';
import type { EngineLayout } from './layout.ts';
import { createLookup } from './lookup.ts';
import { createRemote } from './remote.ts';
import { createTranslation } from './translation.ts';
import { createWideAccess } from './wide.ts';

/** Names that the helpers for atomic accesses of host memory have. */
const HOST_ATOMIC = /^(rmw|cas)Host\.(?:(\w+)\.)?(\d+)([su]?)(\.big)?$/;

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
  /** `rmwHost` or `casHost` by its name: regions of an earlier run call them by that. */
  const hostAtomicNamed = (name: string): IrHelper | undefined => {
    const [, kind, op, digits, sign, big] = HOST_ATOMIC.exec(name) ?? [];
    const size = Number(digits) as 1 | 2 | 4 | 8 | 16;
    const [isSigned, isBig] = [sign === 's', big !== undefined];
    if (kind === 'cas') return size === 16 ? wide.casHost128(isBig) : atomics.casHost(size, isSigned, isBig);
    if (kind !== 'rmw') return undefined;
    return size === 16 ? wide.rmwHost128(op as RmwOp, isBig) : atomics.rmwHost(op as RmwOp, size, isSigned, isBig);
  };
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
    hostAtomicNamed,
    ...atomics,
    ...wide,
    ...createFlushes(frontend),
    ...createRemote(frontend),
    ...createLookup(frontend, translation),
  } as const;
}
