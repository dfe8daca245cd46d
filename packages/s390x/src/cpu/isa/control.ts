/**
 * Semantics of the control instructions, and of the general ones that look at the machine: PSW, control registers, keys, address
 * spaces, clocks, SIGP. Principles of Operation, SA22-7832, chapter "Control Instructions".
 */
import { defineHelper, ENGINE, type IrHelper, type Value } from '@boardwalk/translator';
import { CR0, PGM, PSW } from '../bits.ts';
import { CC } from '../condition.ts';
import { leaveOnFault, moveBytes, twoSpaces } from '../memory.ts';
import { MMU_EXPLICIT, MMU_REAL } from '../mode.ts';
import { loadPsw, updateMode, updateSpaces } from '../psw.ts';
import { spaceOf } from '../spaces.ts';
import { ar, block, common, cpuCount, cr, explicit, prefix, primaryMmu, pswMask, secondaryMmu } from '../state.ts';
import { keyAt, toAbsolute, walk } from '../translation.ts';
import { type Emitter, type Insn, slotOf } from './insn.ts';
import type { PortHelpers } from './port.ts';

const cr0 = slotOf(cr, 0);

/** Sets bits of the PSW that change how translation goes on, and leaves the block. */
function changeMask(i: Insn, mask: Value): void {
  const { b } = i;
  b.set(pswMask, mask);
  b.call(updateMode);
  b.if(b.get(common.pendingIrq), () => b.requestExit());
  i.exit();
}

const SYSTEM_MASK = 0xffn << 56n;

/** The system mask: the first byte of the PSW. A bit that must be zero is an early specification exception. */
function setSystemMask(i: Insn, byte: Value): void {
  const { b } = i;
  const mask = b.or(b.and(b.get(pswMask), b.big(~SYSTEM_MASK)), b.shl(byte, b.i64(56)));
  b.call(loadPsw, i.withCc(mask), i.next());
  b.exitToLookup();
  i.kind = undefined;
  i.ended = true;
}

const setSystemMaskFromStorage: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  i.raiseIf(b.ne(b.and(b.get(cr0), b.big(CR0.SSM_SUPPRESSION)), b.i64(0)), PGM.specialOperation);
  setSystemMask(i, i.load2(1));
};

/** STNSM and STOSM: the old mask is stored, then and-ed or or-ed with the immediate. */
const storeThenMask =
  (op: 'and' | 'or'): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const old = b.shr(b.get(pswMask), b.i64(56));
    i.store(i.address1(), i.f.b1, old, 1);
    setSystemMask(i, b[op](old, b.i64(i.f.i2 & 255)));
  };

const loadPswExtended: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 8);
  const mask = i.load(address, i.f.b2, 8);
  const at = i.load(i.wrap(b.add(address, b.i64(8))), i.f.b2, 8);
  b.call(loadPsw, mask, at);
  b.exitToLookup();
  i.ended = true;
};

/** LPSW: an ESA/390 PSW, whose bit 12 is one. */
const loadPswShort: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 8);
  const word = i.load(address, i.f.b2, 8);
  const high = b.and(word, b.big(0xffff_ffff_8000_0000n));
  // A short PSW has bit 12 one: without it, the bit becomes one, which is invalid in a long one.
  b.call(loadPsw, b.xor(high, b.big(PSW.SHORT)), b.and(word, b.i64(0x7fff_ffff)));
  b.exitToLookup();
  i.ended = true;
};

const extractPsw: Emitter = (i) => {
  const { b } = i;
  const mask = i.withCc(b.get(pswMask));
  i.set32(i.f.r1, b.shr(mask, b.i64(32)));
  if (i.f.r2 !== 0) i.set32(i.f.r2, mask);
};

const insertProgramMask: Emitter = (i) => {
  const { b } = i;
  const byte = b.or(b.shl(b.extend32U(i.cc()), b.i64(4)), b.extract(b.get(pswMask), 40, 4));
  i.set64(i.f.r1, b.deposit(i.get64(i.f.r1), 24, 8, byte));
};

const setProgramMask: Emitter = (i) => {
  const { b } = i;
  const byte = b.extract(i.get64(i.f.r1), 24, 6);
  i.setCc(CC.value, b.shr(byte, b.i64(4)));
  changeMask(i, b.deposit(b.get(pswMask), 40, 4, byte));
};

/** SPKA: a key from the address; the problem state needs the PSW-key mask. */
const setKey: Emitter = (i) => {
  const { b } = i;
  const key = b.extract(i.address(i.f.b2, i.f.d2), 4, 4);
  if (i.isProblem) {
    const allowed = b.and(b.shr(b.get(slotOf(cr, 3)), b.sub(b.i64(31), key)), b.i64(1));
    i.raiseIf(b.eqz(allowed), PGM.privileged);
  }
  changeMask(i, b.deposit(b.get(pswMask), PSW.KEY_SHIFT, 4, key));
};

const insertKey: Emitter = (i) => {
  const { b } = i;
  if (i.isProblem) i.raiseIf(b.eqz(b.and(b.get(cr0), b.big(CR0.EXTRACTION))), PGM.privileged);
  i.set64(2, b.deposit(i.get64(2), 0, 8, b.shl(b.extract(b.get(pswMask), PSW.KEY_SHIFT, 4), b.i64(4))));
};

/** SAC and SACF: the codes of the address and of the PSW have their middle values swapped. */
const setAddressSpace: Emitter = (i) => {
  const { b } = i;
  const code = b.extract(i.address(i.f.b2, i.f.d2), 8, 4);
  i.raiseIf(b.gtU(code, b.i64(3)), PGM.specification);
  i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
  const home = b.eq(code, b.i64(3));
  i.raiseIf(b.and(b.eqz(home), b.eqz(b.ne(b.and(b.get(cr0), b.big(CR0.SECONDARY)), b.i64(0)))), PGM.specialOperation);
  if (i.isProblem) i.raiseIf(home, PGM.privileged);
  const as = b.select(b.eq(code, b.i64(1)), b.i64(2), b.select(b.eq(code, b.i64(2)), b.i64(1), code));
  changeMask(i, b.deposit(b.get(pswMask), PSW.AS_SHIFT, 2, as));
};

const insertAddressSpace: Emitter = (i) => {
  const { b } = i;
  i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
  if (i.isProblem) i.raiseIf(b.eqz(b.and(b.get(cr0), b.big(CR0.EXTRACTION))), PGM.privileged);
  const as = b.extract(b.get(pswMask), PSW.AS_SHIFT, 2);
  const code = b.select(b.eq(as, b.i64(1)), b.i64(2), b.select(b.eq(as, b.i64(2)), b.i64(1), as));
  i.set64(i.f.r1, b.deposit(i.get64(i.f.r1), 8, 8, code));
  i.setCcValue(b.wrap(code));
};

// --- control registers ---

/** Control registers that translation depends on. */
const SPACES = new Set([1, 7, 13]);

function controlRange(i: Insn): readonly number[] {
  const count = ((i.f.r3 - i.f.r1) & 15) + 1;
  return Array.from({ length: count }, (_, n) => (i.f.r1 + n) & 15);
}

const loadControl =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, size);
    const numbers = controlRange(i);
    const values = numbers.map((_, n) => i.load(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, size));
    for (const [n, number] of numbers.entries()) {
      const slot = slotOf(cr, number);
      const value = values[n] ?? b.i64(0);
      const old = b.get(slot);
      const next = size === 8 ? value : b.or(b.and(old, b.big(0xffff_ffff_0000_0000n)), value);
      // Of control register 0, low-address protection and EDAT are in what is cached.
      if (number === 0)
        b.if(b.ne(b.and(b.xor(old, next), b.big(CR0.LOW_PROTECTION | CR0.EDAT)), b.i64(0)), () => b.tlbFlush());
      b.set(slot, next);
    }
    if (numbers.some((n) => SPACES.has(n))) b.call(updateSpaces);
    else if (numbers.includes(0)) b.call(updateMode);
    b.if(b.get(common.pendingIrq), () => b.requestExit());
    i.exit();
  };

const storeControl =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, size);
    for (const [n, number] of controlRange(i).entries()) {
      i.store(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, b.get(slotOf(cr, number)), size);
    }
  };

const loadAccess: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 4);
  const numbers = controlRange(i);
  const values = numbers.map((_, n) => i.load(i.wrap(b.add(address, b.i64(n * 4))), i.f.b2, 4));
  for (const [n, number] of numbers.entries()) b.set(slotOf(ar, number), b.wrap(values[n] ?? b.i64(0)));
};
const storeAccess: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 4);
  for (const [n, number] of controlRange(i).entries()) {
    i.store(i.wrap(b.add(address, b.i64(n * 4))), i.f.b2, b.extend32U(b.get(slotOf(ar, number))), 4);
  }
};

/** LOAD ADDRESS EXTENDED: the access register gets the token of the space that the address is of. */
const loadAddressExtended: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  const base = i.f.b2;
  const as = b.extract(b.get(pswMask), PSW.AS_SHIFT, 2);
  const ofRegister = base === 0 ? b.i32(0) : b.get(slotOf(ar, base));
  const token = b.select(
    b.eq(as, b.i64(2)),
    b.i32(1),
    b.select(b.eq(as, b.i64(3)), b.i32(2), b.select(b.eq(as, b.i64(1)), ofRegister, b.i32(0))),
  );
  b.set(slotOf(ar, i.f.r1), token);
  if (i.amode === 3) i.set64(i.f.r1, address);
  else i.set32(i.f.r1, address);
};

// --- translation and keys ---

/** Tells every other CPU to forget translations as well, where there are any. */
function flushOthers(i: Insn, helpers: PortHelpers): void {
  const { b } = i;
  b.if(b.gtU(b.get(cpuCount), b.i32(1)), () => void b.call(helpers.flushOthers));
}

/** (va, regime) -> condition code of LRA: 0 translated (address in `block` 0), 1 to 3 the level that is not (code in `block` 1). */
const loadReal = defineHelper('s390_lra', ['i64', 'i32'], 'i32', (b, va, mmu) => {
  b.set(common.accessBytes, b.i32(1));
  b.if(b.eqz(b.call(walk, va, b.i32(0), mmu)), () => {
    // The walk gives an absolute address; the real one is its counterpart.
    b.set(slotOf(block, 0), b.call(toAbsolute, b.get(common.walkPa)));
    b.return_(b.i32(0));
  });
  const code = b.get(common.excCode);
  b.set(slotOf(block, 1), b.extend32U(code));
  b.if(b.eq(code, b.i32(PGM.segment)), () => b.return_(b.i32(1)));
  b.if(b.eq(code, b.i32(PGM.page)), () => b.return_(b.i32(2)));
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
  const real = b.get(slotOf(block, 0));
  const failed = b.or(b.i64(0x8000_0000), b.get(slotOf(block, 1)));
  b.if(
    b.eqz(b.getLocal(cc)),
    () => {
      if (i.amode === 3) i.set64(i.f.r1, real);
      else i.set32(i.f.r1, real);
    },
    () => i.set32(i.f.r1, failed),
  );
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
      const entry = b.hostLoad(host, { size: 8, endian: 'big' });
      b.hostStore(host, b.or(entry, b.i64(0x400)), { size: 8, endian: 'big' });
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
      const entry = b.hostLoad(host, { size: 8, endian: 'big' });
      b.hostStore(host, b.or(entry, b.i64(0x20)), { size: 8, endian: 'big' });
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
    b.if(b.eqz(b.and(second, b.i64(0x800))), () => void b.call(invalidateEntries, i.get64(i.f.r1), second));
    b.tlbFlush();
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
    b.if(b.wrap(b.and(b.xor(i.get64(r2), b.i64(0)), b.i64(3))), () => b.tlbFlush());
    flushOthers(i, helpers);
    i.exit();
  };

/** Host offset of the key of a real address in a register; an address without storage is an addressing exception. */
function keyOf(i: Insn, real: Value): Value {
  const { b } = i;
  const key = b.local('i32', b.call(keyAt, b.call(toAbsolute, i.wrap(real))));
  i.raiseIf(b.eqz(b.getLocal(key)), PGM.addressing);
  return b.getLocal(key);
}

/** Reads a key: (host offset) -> byte. */
const readKey = defineHelper('s390_read_key', ['i32'], 'i64', (b, host) => b.hostLoad(host, { size: 1 }));
const writeKey = defineHelper('s390_write_key', ['i32', 'i64'], undefined, (b, host, value) => {
  b.hostStore(host, value, { size: 1 });
});

const insertStorageKey: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const key = b.call(readKey, keyOf(i, i.get64(i.f.r2)));
  i.set64(i.f.r1, b.deposit(i.get64(i.f.r1), 0, 8, b.and(key, b.i64(0xfe))));
};

const setStorageKey =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const host = keyOf(i, i.get64(i.f.r2));
    // The translation cache is what reference and change bits are set by: it starts anew.
    const old = b.call(readKey, host);
    const next = b.and(i.get64(i.f.r1), b.i64(0xfe));
    b.if(b.ne(old, next), () => {
      b.call(writeKey, host, next);
      b.tlbFlush();
      flushOthers(i, helpers);
    });
    i.exit();
  };

/** RRBE: the reference bit goes; the condition code is what reference and change bit were. */
const resetReference =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const host = keyOf(i, i.get64(i.f.r2));
    const old = b.local('i64', b.call(readKey, host));
    b.call(writeKey, host, b.and(b.getLocal(old), b.i64(0xfb)));
    i.setCcValue(b.wrap(b.extract(b.getLocal(old), 1, 2)));
    b.tlbFlush();
    flushOthers(i, helpers);
    i.exit();
  };

/** TPROT: (va, key, regime's explicit) -> condition code. */
const testProtection = defineHelper('s390_tprot', ['i64', 'i32'], 'i32', (b, va, mmu) => {
  b.set(common.accessBytes, b.i32(1));
  b.if(b.eqz(b.call(walk, va, b.i32(1), mmu)), () => b.return_(b.i32(0)));
  const failed = (code: Value): void => {
    b.if(b.eq(code, b.i32(PGM.protection)), () => b.return_(b.i32(2)));
    b.if(b.eq(code, b.i32(PGM.addressing)), () => b.return_(b.i32(4)));
    b.return_(b.i32(3));
  };
  b.if(b.ne(b.get(common.excCode), b.i32(PGM.protection)), () => failed(b.get(common.excCode)));
  b.if(b.eqz(b.call(walk, va, b.i32(0), mmu)), () => b.return_(b.i32(1)));
  failed(b.get(common.excCode));
  return b.i32(3);
});

const testProtect: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const [address, second] = [i.address1(), i.address2()];
  b.set(explicit.key, b.wrap(b.extract(second, 4, 4)));
  const cc = b.local('i32', b.call(testProtection, address, b.i32(MMU_EXPLICIT)));
  const found = b.local('i32', b.call(storageAt));
  b.call(updateMode);
  i.raiseIf(
    b.or(b.eq(b.getLocal(cc), b.i32(4)), b.and(b.ltU(b.getLocal(cc), b.i32(3)), b.eqz(b.getLocal(found)))),
    PGM.addressing,
  );
  i.setCcValue(b.getLocal(cc));
};

/** Whether what the last walk found is storage. */
const storageAt = defineHelper('s390_storage_at', [], 'i32', (b) => b.ne(b.ramHost(b.get(common.walkPa)), b.i64(-1)));

/** TB: clears the page and says that it is usable. */
const testBlock: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = b.and(i.wrap(i.get64(i.f.r2)), b.i64(-4096));
  i.call(clearPage, address, b.i32(MMU_REAL));
  i.set64(0, b.i64(0));
  i.setCcValue(b.i32(0));
};

const clearPage = defineHelper('s390_clear_page', ['i64', 'i32'], undefined, (b, address, mmu) => {
  b.call(ENGINE.probe, address, b.i32(4096), b.i32(1), mmu);
  leaveOnFault(b);
  const host = b.call(ENGINE.translate, address, b.i32(1), mmu);
  leaveOnFault(b);
  b.hostFill(host, b.i32(0), b.i32(4096));
});

/** PFMF: clears frames and sets keys, one frame or up to the end of a segment. */
const performFrameManagement =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const { r1, r2 } = i.f;
    const flags = i.get64(r1);
    i.raiseIf(b.ne(b.and(flags, b.big(0xfffc_0101n)), b.i64(0)), PGM.specification);
    const size = b.wrap(b.extract(flags, 12, 3));
    i.raiseIf(b.gtU(size, b.i32(1)), PGM.specification);
    const address = b.and(i.wrap(i.get64(r2)), b.i64(-4096));
    const toEnd = b.sub(b.i32(256), b.wrap(b.extract(address, 12, 8)));
    const count = b.local('i32', b.select(size, toEnd, b.i32(1)));
    const next = b.local('i64', b.add(address, b.shl(b.extend32U(b.getLocal(count)), b.i64(12))));
    i.call(manageFrames, address, flags, b.getLocal(count));
    b.if(size, () => {
      if (i.amode === 3) i.set64(r2, b.getLocal(next));
      else i.set32(r2, i.wrap(b.getLocal(next)));
    });
    b.tlbFlush();
    flushOthers(i, helpers);
    i.exit();
  };

/** (address, flags, frames). */
const manageFrames = defineHelper('s390_pfmf', ['i64', 'i64', 'i32'], undefined, (b, address, flags, count) => {
  const at = b.local('i64', address);
  const left = b.local('i32', count);
  b.loop((breakIf) => {
    // A single frame is at a real address, several are at absolute ones.
    const absolute = b.select(b.extract(b.wrap(flags), 12, 3), b.getLocal(at), b.call(toAbsolute, b.getLocal(at)));
    const key = b.call(keyAt, absolute);
    b.if(b.eqz(key), () => {
      b.set(common.excCode, b.i32(PGM.addressing));
      b.set(common.excValue, b.i64(0));
      b.set(common.fault, b.i32(1));
      b.return_();
    });
    b.if(b.ne(b.and(flags, b.i64(0x10000)), b.i64(0)), () => {
      b.call(clearPage, b.call(toAbsolute, absolute), b.i32(MMU_REAL));
      leaveOnFault(b);
    });
    b.if(b.ne(b.and(flags, b.i64(0x20000)), b.i64(0)), () => b.hostStore(key, b.and(flags, b.i64(0xfe)), { size: 1 }));
    b.setLocal(at, b.add(b.getLocal(at), b.i64(4096)));
    b.setLocal(left, b.sub(b.getLocal(left), b.i32(1)));
    breakIf(b.eqz(b.getLocal(left)));
  });
});

// --- moves with keys and spaces ---

/** Access by an explicit space and key: (to, from, bytes, operand: 1 the first, 0 the second). One page of each at most. */
function moveExplicit(i: Insn, bytes: Value, spaces: Value): void {
  i.call(moveBytes, i.address1(), i.address2(), bytes, spaces);
}

/** True length of MVCK, MVCP, MVCS: up to 256 bytes; condition code 3 where more was asked for. */
function keyedLength(i: Insn): { bytes: Value; isMore: Value } {
  const { b } = i;
  const length = i.amode === 3 ? i.get64(i.f.r1) : i.get32u(i.f.r1);
  const isMore = b.gtU(length, b.i64(256));
  return { bytes: b.wrap(b.select(isMore, b.i64(256), length)), isMore };
}

/** The key in a register, which the problem state needs the PSW-key mask for. */
function checkedKey(i: Insn, register: number): Value {
  const { b } = i;
  const key = b.extract(i.get64(register), 4, 4);
  if (i.isProblem) {
    const allowed = b.and(b.shr(b.get(slotOf(cr, 3)), b.sub(b.i64(31), key)), b.i64(1));
    i.raiseIf(b.eqz(allowed), PGM.privileged);
  }
  return b.wrap(key);
}

/** The explicit regime for a space: 0 primary, 2 secondary; with key 0 the cached one will do. */
function useKey(i: Insn, key: Value, secondary: boolean, cached: Value): Value {
  const { b } = i;
  b.set(explicit.key, key);
  b.set(explicit.as, b.i32(secondary ? 2 : 0));
  b.set(explicit.asce, b.get(slotOf(cr, secondary ? 7 : 1)));
  b.set(explicit.real, b.eqz(i.psw(PSW.DAT)));
  return b.select(key, b.i32(MMU_EXPLICIT), cached);
}

const moveBetweenSpaces =
  (toPrimary: boolean): Emitter =>
  (i) => {
    const { b } = i;
    i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
    i.raiseIf(b.eqz(b.ne(b.and(b.get(cr0), b.big(CR0.SECONDARY)), b.i64(0))), PGM.specialOperation);
    const as = b.extract(b.get(pswMask), PSW.AS_SHIFT, 2);
    i.raiseIf(b.ne(b.and(as, b.i64(1)), b.i64(0)), PGM.specialOperation);
    const key = checkedKey(i, i.f.r3);
    const { bytes, isMore } = keyedLength(i);
    const more = b.local('i32', isMore);
    // The key is that of the secondary space's operand.
    const secondary = useKey(i, key, true, b.get(secondaryMmu));
    const primary = b.get(primaryMmu);
    const spaces = toPrimary ? twoSpaces(b, primary, secondary) : twoSpaces(b, secondary, primary);
    b.if(b.ne(bytes, b.i32(0)), () => moveExplicit(i, bytes, spaces));
    b.call(updateMode);
    i.setCcValue(b.mul(b.getLocal(more), b.i32(3)));
  };

const moveWithKey: Emitter = (i) => {
  const { b } = i;
  const key = checkedKey(i, i.f.r3);
  const { bytes, isMore } = keyedLength(i);
  const more = b.local('i32', isMore);
  const second = useKey(i, key, false, i.space(i.f.b2));
  b.if(b.ne(bytes, b.i32(0)), () => moveExplicit(i, bytes, twoSpaces(b, i.space(i.f.b1), second)));
  b.call(updateMode);
  i.setCcValue(b.mul(b.getLocal(more), b.i32(3)));
};

/** MVCSK and MVCDK: the key of the source or the destination is in register 1, the length in register 0. */
const moveWithOneKey =
  (ofDestination: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const key = checkedKey(i, 1);
    const bytes = b.add(b.and(i.get32(0), b.i32(255)), b.i32(1));
    const keyed = useKey(i, key, false, b.i32(i.mmu));
    const plain = b.i32(i.mmu);
    const spaces = ofDestination ? twoSpaces(b, keyed, plain) : twoSpaces(b, plain, keyed);
    moveExplicit(i, bytes, spaces);
    b.call(updateMode);
  };

/** (operand-access control, base's access register) -> regime, with `explicit` set where a key has to be checked. */
const spaceByControl: IrHelper = defineHelper('s390_oac', ['i32', 'i32'], 'i32', (b, control, token) => {
  const mask = b.get(pswMask);
  const pswAs = b.wrap(b.extract(mask, PSW.AS_SHIFT, 2));
  const pswKey = b.wrap(b.extract(mask, PSW.KEY_SHIFT, 4));
  const as = b.select(b.and(control, b.i32(1)), b.and(b.shr(control, b.i32(6)), b.i32(3)), pswAs);
  const key = b.select(b.and(control, b.i32(2)), b.and(b.shr(control, b.i32(12)), b.i32(15)), pswKey);
  b.if(b.eqz(b.ne(b.and(mask, b.big(PSW.DAT)), b.i64(0))), () => {
    b.if(b.eqz(key), () => b.return_(b.i32(MMU_REAL)));
  });
  b.if(b.eq(as, b.i32(1)), () => b.return_(b.call(spaceOf, token)));
  const home = b.eq(as, b.i32(3));
  b.if(b.and(b.eqz(key), b.eqz(home)), () =>
    b.return_(b.select(b.eq(as, b.i32(2)), b.get(secondaryMmu), b.get(primaryMmu))),
  );
  const asce = b.select(
    home,
    b.get(slotOf(cr, 13)),
    b.select(b.eq(as, b.i32(2)), b.get(slotOf(cr, 7)), b.get(slotOf(cr, 1))),
  );
  b.set(explicit.key, key);
  b.set(explicit.as, as);
  b.set(explicit.asce, asce);
  return b.i32(MMU_EXPLICIT);
});

/**
 * MVCOS: (to, from, bytes, spaces): moves up to 4096 bytes, as far as both operands can be reached, page by page. -> bytes moved;
 * a fault before the first is the instruction's.
 */
const moveOptional = defineHelper('s390_mvcos', ['i64', 'i64', 'i32', 'i32'], 'i32', (b, to, from, bytes, spaces) => {
  b.call(moveBytes, to, from, bytes, spaces);
  leaveOnFault(b, b.i32(0));
  return bytes;
});

const moveWithOptionalSpecifications: Emitter = (i) => {
  const { b } = i;
  i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
  const controls = i.get32(0);
  const [to, from] = [i.address1(), i.address2()];
  const length = i.amode === 3 ? i.get64(i.f.r3) : i.get32u(i.f.r3);
  const isMore = b.gtU(length, b.i64(4096));
  const bytes = b.local('i32', b.wrap(b.select(isMore, b.i64(4096), length)));
  const more = b.local('i32', isMore);
  const token = (n: number): Value => (n === 0 ? b.i32(0) : b.get(slotOf(ar, n)));
  const oac1 = b.shr(controls, b.i32(16));
  const oac2 = b.and(controls, b.i32(0xffff));
  if (i.isProblem) {
    // Home space and foreign keys are the supervisor's.
    for (const oac of [oac1, oac2]) {
      const home = b.eq(b.and(oac, b.i32(0xc1)), b.i32(0xc1));
      i.raiseIf(home, PGM.specialOperation);
    }
  }
  const first = b.local('i32', i.call(spaceByControl, oac1, token(i.f.b1)));
  const second = b.local('i32', i.call(spaceByControl, oac2, token(i.f.b2)));
  b.if(b.getLocal(bytes), () => {
    i.call(moveOptional, to, from, b.getLocal(bytes), twoSpaces(b, b.getLocal(first), b.getLocal(second)));
  });
  b.call(updateMode);
  i.setCcValue(b.mul(b.getLocal(more), b.i32(3)));
};

/** MVPG: a page, with condition codes instead of exceptions where register 0 asks for them. */
const movePage: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  const to = b.and(i.wrap(i.get64(r1)), b.i64(-4096));
  const from = b.and(i.wrap(i.get64(r2)), b.i64(-4096));
  i.call(moveBytes, to, from, b.i32(4096), twoSpaces(b, i.space(r1), i.space(r2)));
  i.setCcValue(b.i32(0));
};

// --- real storage ---

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

// --- prefix, CPU identity ---

const setPrefix: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 4);
  const value = b.and(i.load(address, i.f.b2, 4), b.i64(0x7fff_e000));
  i.raiseIf(b.eq(b.ramHost(value), b.i64(-1)), PGM.addressing);
  b.set(prefix, value);
  b.tlbFlush();
  i.exit();
};
const storePrefix: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 4);
  i.store(address, i.f.b2, b.get(prefix), 4);
};

const copyAccess: Emitter = (i) => i.b.set(slotOf(ar, i.f.r1), i.b.get(slotOf(ar, i.f.r2)));
const setAccess: Emitter = (i) => i.b.set(slotOf(ar, i.f.r1), i.get32(i.f.r2));
const extractAccess: Emitter = (i) => i.set32(i.f.r1, i.b.extend32U(i.b.get(slotOf(ar, i.f.r2))));

/** EPAR, ESAR: address-space numbers. */
const extractAsn =
  (register: number): Emitter =>
  (i) => {
    const { b } = i;
    i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
    if (i.isProblem) i.raiseIf(b.eqz(b.and(b.get(cr0), b.big(CR0.EXTRACTION))), PGM.privileged);
    i.set32(i.f.r1, b.and(b.get(slotOf(cr, register)), b.i64(0xffff)));
  };

/** MONITOR CALL: an interruption where control register 8 enables the class. */
const monitorCall: Emitter = (i) => {
  const { b } = i;
  if (i.f.i2 > 15) i.refuse(PGM.specification);
  const enabled = b.and(b.shr(b.get(slotOf(cr, 8)), b.i64(15 - i.f.i2)), b.i64(1));
  b.if(b.wrap(enabled), () => {
    b.set(slotOf(block, 0), i.address1());
    i.raise(PGM.monitor, b.i64(i.f.i2 << 16));
  });
};

/** The control instructions that need nothing of the machine, and those that tell other CPUs. */
export function controlSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    ssm: setSystemMaskFromStorage,
    stnsm: storeThenMask('and'),
    stosm: storeThenMask('or'),
    lpsw: loadPswShort,
    lpswe: loadPswExtended,
    epsw: extractPsw,
    ipm: insertProgramMask,
    spm: setProgramMask,
    spka: setKey,
    ipk: insertKey,
    sac: setAddressSpace,
    sacf: setAddressSpace,
    iac: insertAddressSpace,
    lctl: loadControl(4),
    lctlg: loadControl(8),
    stctl: storeControl(4),
    stctg: storeControl(8),
    lam: loadAccess,
    lamy: loadAccess,
    stam: storeAccess,
    stamy: storeAccess,
    lae: loadAddressExtended,
    laey: loadAddressExtended,
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
    iske: insertStorageKey,
    sske: setStorageKey(helpers),
    rrbe: resetReference(helpers),
    tprot: testProtect,
    tb: testBlock,
    pfmf: performFrameManagement(helpers),
    mvcp: moveBetweenSpaces(true),
    mvcs: moveBetweenSpaces(false),
    mvck: moveWithKey,
    mvcsk: moveWithOneKey(false),
    mvcdk: moveWithOneKey(true),
    mvcos: moveWithOptionalSpecifications,
    mvpg: movePage,
    lura: loadReal64(4),
    lurag: loadReal64(8),
    stura: storeReal(4),
    sturg: storeReal(8),
    strag: storeRealAddress,
    spx: setPrefix,
    stpx: storePrefix,
    cpya: copyAccess,
    sar: setAccess,
    ear: extractAccess,
    epar: extractAsn(4),
    esar: extractAsn(3),
    mc: monitorCall,
  };
}
