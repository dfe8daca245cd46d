/** What a thread asks of the TLB of a vCPU that runs on another. */
import type { Frontend } from '../frontend.ts';
import { defineHelper } from '../ir/helper.ts';
import { TLB, TLB_REGIME_BITS, TLB_TABLE_BYTES } from './layout.ts';

export function createRemote(frontend: Frontend) {
  const pageBytes = 2 ** frontend.pageBits;
  const slowBit = 2 ** (frontend.pageBits - 1);

  /** Whether the vCPU may store to guest pages that touch the host page at an offset without a look at its flags. */
  const storesTo = defineHelper('tlbStoresTo', ['f64'], 'i32', (b, offset) => {
    const host = b.truncSat(offset, 'i64', true);
    const before = b.sub(b.and(host, b.i64(-4096)), b.i64(pageBytes - 1));
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const entry = b.local('i32', b.add(b.cpuBase(), b.i32(TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_TABLE_BYTES)));
      const end = b.add(b.getLocal(entry), b.i32(TLB_TABLE_BYTES));
      b.loop((breakIf) => {
        const tag = b.hostLoad(b.getLocal(entry), { size: 8 });
        const first = b.and(tag, b.i64(-pageBytes));
        const at = b.add(first, b.hostLoad(b.add(b.getLocal(entry), b.i32(8)), { size: 8 }));
        const touches = b.ltU(b.sub(at, before), b.i64(4096 + pageBytes - 1));
        b.if(b.and(touches, b.eqz(b.and(tag, b.i64(slowBit)))), () => b.return_(b.i32(1)));
        b.setLocal(entry, b.add(b.getLocal(entry), b.i32(16)));
        breakIf(b.geU(b.getLocal(entry), end));
      });
    }
    return b.i32(0);
  });

  return { storesTo } as const;
}
