/** Finds translated code: the jump cache, then the block hash through the fetch TLB. */
import { codePageBits, type Frontend } from '../frontend.ts';
import type { Value } from '../ir/builder.ts';
import { defineHelper } from '../ir/helper.ts';
import { COMMON, FAULT } from '../state.ts';
import { FETCH } from './layout.ts';
import { blockHashEntry, hostNumber, jumpEntry, jumpExtra, jumpFilter } from './tables.ts';
import type { Translation } from './translation.ts';

/** Makes the helpers that look up blocks. */
export function createLookup(frontend: Frontend, { translate }: Translation) {
  /** Host offset of the instruction at `state.pc`; NOT_RAM; or FAULTED. */
  const fetchHost = defineHelper('fetchHost', [], 'i64', (b) =>
    b.call(translate, b.get(COMMON.pc), b.i32(FETCH), frontend.fetchMmu(b)),
  );

  /** The same for TypeScript. */
  const fetchHostNumber = defineHelper('fetchHostNumber', [], 'f64', (b) => hostNumber(b, b.call(fetchHost)));

  /** The regime of fetches, for TypeScript. */
  const fetchMmu = defineHelper('fetchMmu', [], 'i32', (b) => frontend.fetchMmu(b));

  /** Translated code for `state.pc` in `state.mode`, or 0; enters it into the jump cache. */
  const lookup = defineHelper('lookup', [], 'i32', (b) => {
    const pc = b.get(COMMON.pc);
    const mode = b.get(COMMON.mode);
    const jump = jumpEntry(b, pc);
    const extra = frontend.usesExtra === true;
    let hit = b.and(
      b.eq(b.hostLoad(jump, { size: 8 }), pc),
      b.eq(b.hostLoad(b.add(jump, b.i32(8)), { size: 4, ty: 'i32' }), mode),
    );
    if (extra) hit = b.and(hit, b.eq(b.hostLoad(jumpExtra(b, jump), { size: 8 }), b.get(COMMON.extra)));
    b.if(hit, () => b.return_(b.hostLoad(b.add(jump, b.i32(12)), { size: 4, ty: 'i32' })));
    const host = b.call(fetchHost);
    b.if(b.ltS(host, b.i64(0)), () => {
      b.set(COMMON.fault, b.i32(FAULT.none));
      b.return_(b.i32(0));
    });
    const found = b.local('i32', blockHashEntry(b, host, pc));
    const isAt = (at: Value, of: Value): Value => {
      const entry = b.getLocal(found);
      const same = b.and(
        b.and(b.eq(b.hostLoad(entry, { size: 8 }), at), b.eq(b.hostLoad(b.add(entry, b.i32(8)), { size: 8 }), of)),
        b.eq(b.hostLoad(b.add(entry, b.i32(16)), { size: 4, ty: 'i32' }), mode),
      );
      if (!extra) return same;
      return b.and(same, b.eq(b.hostLoad(b.add(entry, b.i32(24)), { size: 8 }), b.get(COMMON.extra)));
    };
    b.if(b.eqz(isAt(pc, host)), () => {
      const inPage = b.and(pc, b.i64(2 ** codePageBits(frontend) - 1));
      b.setLocal(found, blockHashEntry(b, host, inPage));
      b.if(b.eqz(isAt(inPage, b.xor(host, b.i64(-1)))), () => b.return_(b.i32(0)));
    });
    const entry = b.getLocal(found);
    if (extra) b.hostStore(jumpExtra(b, jump), b.get(COMMON.extra), { size: 8 });
    const ip = b.hostLoad(b.add(entry, b.i32(20)), { size: 4, ty: 'i32' });
    b.hostStore(jump, pc, { size: 8 });
    b.hostStore(b.add(jump, b.i32(8)), mode, { size: 4 });
    b.hostStore(b.add(jump, b.i32(12)), ip, { size: 4 });
    b.hostStore(jumpFilter(b, frontend.pageBits, pc), b.i32(1), { size: 1 });
    return ip;
  });

  return { fetchHostNumber, fetchMmu, lookup } as const;
}
