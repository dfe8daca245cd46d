/**
 * Spans: runs of memory without pages in between, which tier 1 finds by one comparison in place of a look into the TLB. Where
 * nothing is translated, as in machine mode or without an MMU, that is all of RAM; for stores what lies between pages with
 * flags. Each regime has one for loads and one for stores, found when the TLB is refilled.
 */
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Local, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { COMMON } from '../state.ts';
import { type EngineLayout, LOAD, PHYS_READ, PHYS_WRITE, STORE, TLB_SPAN_LEAST, TLB_SPAN_TAIL } from './layout.ts';
import { spanOf } from './tables.ts';

const PAGE_BITS = 12;
/** Page flags that are looked at at once. */
const FLAGS_AT_ONCE = 64;

/** (va, access, mmu): after a page walk, finds the span around the address. Undefined for a frontend that has none. */
export function createNoteSpan(frontend: Frontend, layout: EngineLayout, physFind: IrHelper): IrHelper | undefined {
  const { span } = frontend;
  if (span === undefined) return undefined;
  return defineHelper('noteSpan', ['i64', 'i32', 'i32'], undefined, (b, va, access, mmu) => {
    // Flags that another thread sets would have to be seen by all who use the span.
    if (layout.isThreaded === true) b.if(b.eq(access, b.i32(STORE)), () => b.return_());
    const bits = b.call(span, va, access, mmu);
    b.if(b.ltU(bits, b.i32(Math.log2(TLB_SPAN_LEAST))), () => b.return_());
    const pa = b.get(COMMON.walkPa);
    const range = b.call(physFind, pa);
    b.if(b.eqz(range), () => b.return_());
    const writable = b.i32(PHYS_READ | PHYS_WRITE);
    const flags = b.hostLoad(b.add(range, b.i32(24)), { size: 4, ty: 'i32' });
    b.if(b.ne(b.and(flags, writable), writable), () => b.return_());
    const offset = b.sub(b.shl(b.i64(1), b.extend32U(bits)), b.i64(1));
    const base = b.hostLoad(range, { size: 8 });
    const low = most(b, b.and(pa, b.not(offset)), base);
    const high = least(b, b.or(pa, offset), b.hostLoad(b.add(range, b.i32(8)), { size: 8 }));
    const toHost = b.sub(b.hostLoad(b.add(range, b.i32(16)), { size: 8 }), base);
    const first = b.local('i64', b.add(low, toHost));
    const last = b.local('i64', b.add(high, toHost));
    const host = b.add(pa, toHost);
    b.if(b.eq(access, b.i32(STORE)), () => narrow(b, layout, host, first, last));
    const bytes = b.add(b.sub(b.getLocal(last), b.getLocal(first)), b.i64(1));
    b.if(b.ltS(bytes, b.i64(TLB_SPAN_LEAST)), () => b.return_());
    const entry = spanOf(b, access, mmu);
    // One for each regime: one that is not much larger does not take another's place.
    const known = b.hostLoad(b.add(entry, b.i32(8)), { size: 8 });
    b.if(b.ltU(bytes, b.shl(known, b.i64(2))), () => b.return_());
    b.hostStore(entry, b.sub(va, b.sub(host, b.getLocal(first))), { size: 8 });
    b.hostStore(b.add(entry, b.i32(8)), b.sub(bytes, b.i64(TLB_SPAN_TAIL)), { size: 8 });
    b.hostStore(b.add(entry, b.i32(16)), b.sub(host, va), { size: 8 });
  });
}

/** Moves the ends of a range of host memory to the pages with flags that are next to an offset in it. */
function narrow(b: IrBuilder, layout: EngineLayout, host: Value, first: Local, last: Local): void {
  const flagOf = (at: Value): Value => b.add(b.wrap(b.shr(at, b.i64(PAGE_BITS))), b.i32(layout.pageFlags));
  const here = flagOf(host);
  const [bottom, top] = [flagOf(b.getLocal(first)), flagOf(b.getLocal(last))];
  b.if(b.hostLoad(here, { size: 1, ty: 'i32' }), () => b.return_());
  const hostOf = (flag: Value): Value => b.shl(b.extend32U(b.sub(flag, b.i32(layout.pageFlags))), b.i64(PAGE_BITS));
  // The lowest page without flags, and the one behind the highest.
  const lowest = b.local('i32', here);
  const behind = b.local('i32', b.add(here, b.i32(1)));
  b.loop((breakIf) => {
    const at = b.getLocal(lowest);
    breakIf(b.leU(at, bottom));
    const before = b.sub(at, b.i32(FLAGS_AT_ONCE));
    const many = b.and(areClear(b, before), b.geU(before, bottom));
    const one = b.hostLoad(b.sub(at, b.i32(1)), { size: 1, ty: 'i32' });
    breakIf(b.and(b.eqz(many), b.ne(one, b.i32(0))));
    b.setLocal(lowest, b.sub(at, b.select(many, b.i32(FLAGS_AT_ONCE), b.i32(1))));
  });
  b.loop((breakIf) => {
    const at = b.getLocal(behind);
    breakIf(b.gtU(at, top));
    const after = b.add(at, b.i32(FLAGS_AT_ONCE));
    const many = b.and(areClear(b, at), b.leU(after, top));
    breakIf(b.and(b.eqz(many), b.ne(b.hostLoad(at, { size: 1, ty: 'i32' }), b.i32(0))));
    b.setLocal(behind, b.add(at, b.select(many, b.i32(FLAGS_AT_ONCE), b.i32(1))));
  });
  b.setLocal(first, most(b, b.getLocal(first), hostOf(b.getLocal(lowest))));
  b.setLocal(last, least(b, b.getLocal(last), b.sub(hostOf(b.getLocal(behind)), b.i64(1))));
}

/** Whether `FLAGS_AT_ONCE` pages have no flags, an i32. */
function areClear(b: IrBuilder, at: Value): Value {
  let flags = b.hostLoad(at, { size: 8 });
  for (let n = 8; n < FLAGS_AT_ONCE; n += 8) flags = b.or(flags, b.hostLoad(b.add(at, b.i32(n)), { size: 8 }));
  return b.eqz(flags);
}

function most(b: IrBuilder, x: Value, y: Value): Value {
  return b.select(b.gtU(x, y), x, y);
}

function least(b: IrBuilder, x: Value, y: Value): Value {
  return b.select(b.ltU(x, y), x, y);
}

/** Forgets a regime's spans. */
export function forgetSpans(b: IrBuilder, mmu: Value): void {
  for (const access of [LOAD, STORE]) {
    b.hostStore(b.add(spanOf(b, b.i32(access), mmu), b.i32(8)), b.i64(0), { size: 8 });
  }
}

/** Forgets a regime's spans that reach an address. */
export function forgetSpansAt(b: IrBuilder, va: Value, mmu: Value): void {
  for (const access of [LOAD, STORE]) {
    const span = spanOf(b, b.i32(access), mmu);
    const count = b.hostLoad(b.add(span, b.i32(8)), { size: 8 });
    // An access in front may touch the page too.
    const from = b.sub(va, b.hostLoad(span, { size: 8 }));
    b.if(b.ltU(from, b.add(count, b.i64(TLB_SPAN_TAIL))), () =>
      b.hostStore(b.add(span, b.i32(8)), b.i64(0), { size: 8 }),
    );
  }
}

/** Takes the host page at an offset out of a regime's span for stores: the larger part in front of it or behind is left. */
export function cutSpan(b: IrBuilder, host: Value, mmu: Value): void {
  const span = spanOf(b, b.i32(STORE), mmu);
  const count = b.hostLoad(b.add(span, b.i32(8)), { size: 8 });
  b.if(b.ne(count, b.i64(0)), () => {
    const tail = b.i64(TLB_SPAN_TAIL);
    const page = b.and(host, b.i64(-(2 ** PAGE_BITS)));
    const first = b.hostLoad(span, { size: 8 });
    const start = b.add(first, b.hostLoad(b.add(span, b.i32(16)), { size: 8 }));
    const before = b.sub(page, start);
    const after = b.sub(b.sub(b.add(count, tail), before), b.i64(2 ** PAGE_BITS));
    const isOutside = b.or(b.leS(before, b.i64(-(2 ** PAGE_BITS))), b.leS(after, b.i64(-(2 ** PAGE_BITS))));
    b.if(b.eqz(isOutside), () => {
      const isAfter = b.gtS(after, before);
      b.if(isAfter, () => b.hostStore(span, b.add(first, b.add(before, b.i64(2 ** PAGE_BITS))), { size: 8 }));
      const left = b.sub(b.select(isAfter, after, before), tail);
      b.hostStore(b.add(span, b.i32(8)), b.select(b.gtS(left, b.i64(0)), left, b.i64(0)), { size: 8 });
    });
  });
}
