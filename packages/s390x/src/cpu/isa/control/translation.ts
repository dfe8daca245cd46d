/**
 * Semantics of the instructions that translate addresses and change translation tables. Principles of Operation, SA22-7832, chapter
 * "Control Instructions".
 */
import { defineHelper } from '@boardwalk/translator';
import { PGM, PSW } from '../../bits.ts';
import { CC } from '../../condition.ts';
import { MMU_EXPLICIT, MMU_REAL } from '../../mode.ts';
import { forgetSpace, updateMode } from '../../psw.ts';
import { block, common, cpuCount, cr, explicit, invalidEntry, pswMask } from '../../state.ts';
import { toAbsolute, walk } from '../../translation.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import type { PortHelpers } from '../port.ts';

/** Tells every other CPU to forget translations as well, where there are any. */
export function flushOthers(i: Insn, helpers: PortHelpers): void {
  const { b } = i;
  b.if(b.gtU(b.get(cpuCount), b.i32(1)), () => void b.call(helpers.flushOthers));
}

/**
 * (va, regime) -> condition code of LRA, with what it loads in `block` 0: 0 the real address, 1 and 2 the address of a segment- or
 * page-table entry that is invalid, 3 the code of the exception.
 */
const loadReal = defineHelper('s390_lra', ['i64', 'i32'], 'i32', (b, va, mmu) => {
  const result = slotOf(block, 0);
  b.set(common.accessBytes, b.i32(1));
  b.set(invalidEntry, b.i64(0));
  b.if(b.eqz(b.call(walk, va, b.i32(0), mmu)), () => {
    // The walk gives an absolute address; the real one is its counterpart.
    b.set(result, b.call(toAbsolute, b.get(common.walkPa)));
    b.return_(b.i32(0));
  });
  const code = b.get(common.excCode);
  const entry = b.get(invalidEntry);
  b.if(b.ne(entry, b.i64(0)), () => {
    b.set(result, entry);
    b.if(b.eq(code, b.i32(PGM.segment)), () => b.return_(b.i32(1)));
    b.if(b.eq(code, b.i32(PGM.page)), () => b.return_(b.i32(2)));
  });
  b.set(result, b.or(b.i64(0x8000_0000), b.extend32U(code)));
  return b.i32(3);
});

const loadRealAddress: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  // It translates whether DAT is on or not.
  const as = b.extract(b.get(pswMask), PSW.AS_SHIFT, 2);
  const home = b.get(slotOf(cr, 13));
  const asce = b.select(
    b.eq(as, b.i64(2)),
    b.get(slotOf(cr, 7)),
    b.select(b.eq(as, b.i64(3)), home, b.get(slotOf(cr, 1))),
  );
  b.set(explicit.asce, asce);
  b.set(explicit.key, b.i32(0));
  b.set(explicit.real, b.i32(0));
  const cc = b.local('i32', b.call(loadReal, address, b.i32(MMU_EXPLICIT)));
  b.call(updateMode);
  const result = b.get(slotOf(block, 0));
  // In the shorter modes, and of an exception, the left half of the register stays.
  if (i.amode === 3)
    b.if(
      b.ltU(b.getLocal(cc), b.i32(3)),
      () => i.set64(i.f.r1, result),
      () => i.set32(i.f.r1, result),
    );
  else i.set32(i.f.r1, result);
  i.setCcValue(b.getLocal(cc));
};

/** IPTE: (page-table origin, va, count - 1). Marks entries invalid and forgets what was made of them. */
const invalidatePages = defineHelper('s390_ipte', ['i64', 'i64', 'i32'], undefined, (b, origin, va, more) => {
  const left = b.local('i32', more);
  const at = b.local('i64', va);
  b.loop((breakIf) => {
    const index = b.extract(b.getLocal(at), 12, 8);
    const host = b.ramHost(b.add(b.and(origin, b.i64(-2048)), b.shl(index, b.i64(3))));
    b.if(b.ne(host, b.i64(-1)), () => {
      // Bit 53 is in the seventh byte.
      b.hostRmw('or', b.add(host, b.i64(6)), b.i64(4), 1);
    });
    b.tlbFlushPage(b.and(b.getLocal(at), b.i64(-4096)));
    breakIf(b.eqz(b.getLocal(left)));
    b.setLocal(left, b.sub(b.getLocal(left), b.i32(1)));
    b.setLocal(at, b.add(b.getLocal(at), b.i64(4096)));
  });
});

const invalidatePage =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const count = i.f.r3 === 0 ? b.i32(0) : b.and(i.get32(i.f.r3), b.i32(255));
    const va = i.get64(i.f.r2);
    b.call(invalidatePages, i.get64(i.f.r1), va, count);
    flushOthers(i, helpers);
    i.exit();
  };

/** IDTE: (designation or table origin, second operand's flags and number, va): invalidates entries of a region or segment table. */
const invalidateEntries = defineHelper('s390_idte', ['i64', 'i64'], undefined, (b, first, second) => {
  const type = b.wrap(b.extract(first, 2, 2));
  const shift = b.extend32U(b.add(b.i32(20), b.mul(type, b.i32(11))));
  const index = b.local('i64', b.extract(b.shr(second, shift), 0, 11));
  const left = b.local('i64', b.and(second, b.i64(0x7ff)));
  b.loop((breakIf) => {
    const host = b.ramHost(b.add(b.and(first, b.i64(-4096)), b.shl(b.getLocal(index), b.i64(3))));
    b.if(b.ne(host, b.i64(-1)), () => {
      b.hostRmw('or', b.add(host, b.i64(7)), b.i64(0x20), 1);
    });
    breakIf(b.eqz(b.getLocal(left)));
    b.setLocal(left, b.sub(b.getLocal(left), b.i64(1)));
    b.setLocal(index, b.and(b.add(b.getLocal(index), b.i64(1)), b.i64(0x7ff)));
  });
});

const invalidateTable =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const second = i.get64(i.f.r2);
    // Bit 52 of the second operand: clearing by designation alone.
    b.if(
      b.eqz(b.and(second, b.i64(0x800))),
      () => {
        b.call(invalidateEntries, i.get64(i.f.r1), second);
        b.tlbFlush();
      },
      () => {
        if (i.f.r3 === 0) b.tlbFlush();
        else b.call(forgetSpace, i.get64(i.f.r3));
      },
    );
    flushOthers(i, helpers);
    i.exit();
  };

/** CRDTE: compare and replace a doubleword of a table, then forget what was made of it. */
const compareAndReplace =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    i.evenOdd(i.f.r1, i.f.r2);
    const type = b.zext(i.get64(i.f.r2), 5);
    const table = b.and(i.get64(i.f.r2), b.i64(-4096));
    const pageTable = b.and(i.get64(i.f.r2), b.i64(-2048));
    const va = i.get64(i.f.r2 + 1);
    const level = b.extract(type, 2, 2);
    // The designated-table type: 16 and the table's type of regions and segments, 0 of pages.
    const isPage = b.eqz(b.and(type, b.i64(16)));
    const shift = b.add(b.i64(20), b.mul(level, b.i64(11)));
    const ofRegion = b.add(table, b.shl(b.extract(b.shr(va, shift), 0, 11), b.i64(3)));
    const ofPage = b.add(pageTable, b.shl(b.extract(va, 12, 8), b.i64(3)));
    const at = b.select(isPage, ofPage, ofRegion);
    const expected = i.get64(i.f.r1);
    const old = b.atomicCas(at, expected, i.get64(i.f.r1 + 1), { size: 8, endian: 'big', mmu: MMU_REAL });
    b.tlbFlush();
    flushOthers(i, helpers);
    i.setCc(CC.nonZero, b.xor(old, expected));
    i.set64(i.f.r1, old);
    i.exit();
  };

const purge: Emitter = (i) => {
  i.supervisor();
  i.b.tlbFlush();
  i.exit();
};

/** CSP and CSPG: a compare and swap after which translations may be forgotten everywhere. */
const compareSwapPurge =
  (size: 4 | 8, helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const { r1, r2 } = i.f;
    i.evenOdd(r1);
    const address = i.wrap(b.and(i.get64(r2), b.i64(-size)));
    const expected = size === 4 ? i.get32u(r1) : i.get64(r1);
    const old = i.compareSwap(address, r2, expected, i.get64(r1 + 1), size);
    i.setCc(CC.nonZero, b.xor(old, expected));
    if (size === 4) i.set32(r1, old);
    else i.set64(r1, old);
    b.if(b.wrap(b.and(i.get64(r2), b.i64(3))), () => b.tlbFlush());
    flushOthers(i, helpers);
    i.exit();
  };

const loadReal64 =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.wrap(i.get64(i.f.r2));
    i.aligned(address, size);
    const value = b.load(address, { size, endian: 'big', mmu: MMU_REAL });
    if (size === 8) i.set64(i.f.r1, value);
    else i.set32(i.f.r1, value);
  };

const storeReal =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.wrap(i.get64(i.f.r2));
    i.aligned(address, size);
    b.store(address, i.get64(i.f.r1), { size, endian: 'big', mmu: MMU_REAL });
  };

/** STRAG: the real address of the second operand into the first. */
const storeRealAddress: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const [at, second] = [i.address1(), i.address2()];
  i.aligned(at, 8);
  const cc = b.local('i32', b.call(loadReal, second, b.i32(i.mmu)));
  i.raiseIf(b.ne(b.getLocal(cc), b.i32(0)), PGM.page);
  i.store(at, i.f.b1, b.get(slotOf(block, 0)), 8);
};

export function translationSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    lra: loadRealAddress,
    lray: loadRealAddress,
    lrag: loadRealAddress,
    ipte: invalidatePage(helpers),
    idte: invalidateTable(helpers),
    crdte: compareAndReplace(helpers),
    ptlb: purge,
    palb: purge,
    csp: compareSwapPurge(4, helpers),
    cspg: compareSwapPurge(8, helpers),
    lura: loadReal64(4),
    lurag: loadReal64(8),
    stura: storeReal(4),
    sturg: storeReal(8),
    strag: storeRealAddress,
  };
}
