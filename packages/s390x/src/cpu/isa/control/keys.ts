/**
 * Semantics of storage keys, tests of protection, and frames. Principles of Operation, SA22-7832, chapter "Control Instructions".
 */
import { defineHelper, ENGINE, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault } from '../../memory.ts';
import { MMU_EXPLICIT, MMU_REAL } from '../../mode.ts';
import { updateMode } from '../../psw.ts';
import { common, explicit, KEYS_SEEN, keyUse } from '../../state.ts';
import { keyAt, toAbsolute, walk } from '../../translation.ts';
import type { Emitter, Insn } from '../insn.ts';
import type { PortHelpers } from '../port.ts';
import { flushOthers } from './translation.ts';

/** Host offset of the key of a real address in a register; an address without storage is an addressing exception. */
function keyOf(i: Insn, real: Value): Value {
  const { b } = i;
  const key = b.local('i32', b.call(keyAt, b.call(toAbsolute, i.wrap(real))));
  i.raiseIf(b.eqz(b.getLocal(key)), PGM.addressing);
  b.set(keyUse, b.i32(KEYS_SEEN));
  return b.getLocal(key);
}

/** Reads a key: (host offset) -> byte. */
const readKey = defineHelper('s390_read_key', ['i32'], 'i64', (b, host) => b.hostLoad(host, { size: 1 }));

const writeKey = defineHelper('s390_write_key', ['i32', 'i64'], undefined, (b, host, value) => {
  b.hostStore(host, value, { size: 1 });
});

/** Resets the reference bit of a key: (host offset) -> byte before. */
const forgetReference = defineHelper('s390_reset_reference', ['i32'], 'i64', (b, host) =>
  b.hostRmw('and', host, b.i64(0xfb), 1),
);

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
    const old = b.local('i64', b.call(forgetReference, host));
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
    b.if(b.ne(b.and(flags, b.i64(0x20000)), b.i64(0)), () => {
      b.set(keyUse, b.i32(KEYS_SEEN));
      b.hostStore(key, b.and(flags, b.i64(0xfe)), { size: 1 });
    });
    b.setLocal(at, b.add(b.getLocal(at), b.i64(4096)));
    b.setLocal(left, b.sub(b.getLocal(left), b.i32(1)));
    breakIf(b.eqz(b.getLocal(left)));
  });
});

export function keySemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    iske: insertStorageKey,
    sske: setStorageKey(helpers),
    rrbe: resetReference(helpers),
    tprot: testProtect,
    tb: testBlock,
    pfmf: performFrameManagement(helpers),
  };
}
