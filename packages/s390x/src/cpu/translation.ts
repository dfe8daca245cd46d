/**
 * Dynamic address translation, low-address protection, prefixing and storage keys: the page walk. Principles of Operation,
 * SA22-7832, chapter "Storage".
 *
 * Spaces have regimes from a pool (psw.ts): a control register that changes between designations that others have, as at each entry
 * to a kernel and each return, flushes nothing; one that changes to another space flushes the one before. A walk sets the reference and change bits of the storage key when a page
 * enters the translation cache; whoever resets them flushes it.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Local, type Value } from '@boardwalk/translator';
import { CR0, PGM, PSW } from './bits.ts';
import { MMU_EXPLICIT, MMU_KEYED_FETCH, MMU_REAL } from './mode.ts';
import {
  common,
  cpuCount,
  cr,
  explicit,
  homeMmu,
  ilc,
  invalidEntry,
  KEYS_REFERENCED,
  KEYS_SEEN,
  KEYS_UNSEEN,
  keyCount,
  keyTable,
  keyUse,
  poolAsce,
  prefix,
  primaryMmu,
  pswMask,
  secondaryMmu,
} from './state.ts';

export const ACCESS_STORE = 1;
export const ACCESS_FETCH = 2;

export const PAGE_BITS = 12;
/** Of a physical address, at most. */
const ADDRESS_BITS = 52;
/** A page that is not to be cached: smaller than a page of the translator's. */
const UNCACHED_BITS = 9;

const ASCE_PRIVATE = 0x100;
export const ASCE_REAL = 0x20;
export const ENTRY_INVALID = 0x20;
export const ENTRY_PROTECTED = 0x200;
export const ENTRY_FORMAT = 0x400;
const SEGMENT_COMMON = 0x10;
export const PAGE_INVALID = 0x400;
export const PAGE_MUST_BE_ZERO = 0x800;

const KEY_FETCH = 0x08;
const KEY_REFERENCED = 0x04;
const KEY_CHANGED = 0x02;

/** Exceptions by the type of the table whose entry is missing: segment, region third, second, first. */
const MISSING = [PGM.segment, PGM.regionThird, PGM.regionSecond, PGM.regionFirst] as const;

const cr0 = cr[0];
if (cr0 === undefined) throw new Error('no control register 0');
const CR_0 = cr0;

const bits = (b: IrBuilder, word: Value, mask: number | bigint): Value =>
  b.ne(b.and(word, typeof mask === 'bigint' ? b.big(mask) : b.i64(mask)), b.i64(0));

/** One walk: where it is, and what it may do. */
interface Walk {
  readonly b: IrBuilder;
  readonly va: Value;
  readonly access: Value;
  readonly mmu: Value;
}

/** Address-space control that the exception's identification tells. */
function space({ b, mmu, access }: Walk): Value {
  const psw = b.wrap(b.extract(b.get(pswMask), PSW.AS_SHIFT, 2));
  const fetch = b.eq(access, b.i32(ACCESS_FETCH));
  // Instructions come from the primary space unless the home space is current.
  const ofFetch = b.select(b.eq(psw, b.i32(3)), b.i32(3), b.i32(0));
  // MVCOS and others reach spaces that are not the current one: the regime says which.
  const current = b.select(
    b.eq(psw, b.i32(3)),
    b.get(homeMmu),
    b.select(b.eq(psw, b.i32(2)), b.get(secondaryMmu), b.get(primaryMmu)),
  );
  const other = b.select(
    b.eq(mmu, b.get(secondaryMmu)),
    b.i32(2),
    b.select(b.eq(mmu, b.get(primaryMmu)), b.i32(0), b.i32(3)),
  );
  const ofPool = b.select(b.or(b.eq(mmu, current), b.eq(mmu, b.i32(MMU_REAL))), psw, other);
  return b.select(fetch, ofFetch, b.select(b.eq(mmu, b.i32(MMU_EXPLICIT)), b.get(explicit.as), ofPool));
}

/** Ends the walk with an exception; `more` are bits of its translation-exception identification. */
function fail(w: Walk, code: Value, more: Value): void {
  const { b, va, access } = w;
  const kind = b.select(b.eq(access, b.i32(ACCESS_STORE)), b.i64(0x400), b.i64(0x800));
  const id = b.or(b.and(va, b.i64(-4096)), b.or(kind, b.extend32U(space(w))));
  b.set(common.excCode, code);
  b.set(common.excValue, b.or(id, more));
  // The instruction that was to be fetched has no length yet.
  b.if(b.eq(access, b.i32(ACCESS_FETCH)), () => b.set(ilc, b.i32(2)));
  b.return_(b.i32(1));
}

function failWith(w: Walk, code: number, more = 0): void {
  fail(w, w.b.i32(code), w.b.i64(more));
}

/** Real to absolute: the prefix area and the first 8 KiB change places. */
export const toAbsolute: IrHelper = defineHelper('s390_absolute', ['i64'], 'i64', (b, real) => {
  const area = b.get(prefix);
  const block = b.and(real, b.i64(-8192));
  const offset = b.and(real, b.i64(8191));
  b.if(b.eqz(block), () => b.return_(b.or(area, offset)));
  b.if(b.eq(block, area), () => b.return_(offset));
  return real;
});

/** Host offset of the key of the page at an absolute address, or 0 where there is no storage. */
export const keyAt: IrHelper = defineHelper('s390_key', ['i64'], 'i32', (b, absolute) => {
  const page = b.shr(absolute, b.i64(PAGE_BITS));
  b.if(b.geU(page, b.extend32U(b.get(keyCount))), () => b.return_(b.i32(0)));
  return b.add(b.get(keyTable), b.wrap(page));
});

/** Finishes at a real address. */
function finish(w: Walk, real: Value, isProtected: Local, size: Local): void {
  const { b, va, access, mmu } = w;
  const store = b.eq(access, b.i32(ACCESS_STORE));
  b.if(b.and(store, b.getLocal(isProtected)), () => failWith(w, PGM.protection, 4));
  const absolute = b.local('i64', b.call(toAbsolute, real));
  const key = b.call(keyAt, b.getLocal(absolute));
  b.if(key, () => {
    const value = b.local('i32', b.hostLoad(key, { size: 1, ty: 'i32' }));
    const keyed = b.or(b.eq(mmu, b.i32(MMU_EXPLICIT)), b.eq(mmu, b.i32(MMU_KEYED_FETCH)));
    b.if(keyed, () => {
      const mine = b.get(explicit.key);
      const theirs = b.shr(b.getLocal(value), b.i32(4));
      const control = b.get(CR_0);
      const match = b.or(b.eqz(mine), b.eq(mine, theirs));
      const open = b.or(
        b.eqz(b.and(b.getLocal(value), b.i32(KEY_FETCH))),
        b.and(bits(b, control, CR0.FETCH_OVERRIDE), b.ltU(va, b.i64(2048))),
      );
      const mayFetch = b.and(open, b.eqz(store));
      const override = b.and(bits(b, control, CR0.STORE_OVERRIDE), b.eq(theirs, b.i32(9)));
      b.if(b.eqz(b.or(match, b.or(mayFetch, override))), () => failWith(w, PGM.protection));
    });
    const wanted = b.select(store, b.i32(KEY_REFERENCED | KEY_CHANGED), b.i32(KEY_REFERENCED));
    b.if(b.ne(b.and(b.getLocal(value), wanted), wanted), () => b.hostRmw('or', key, b.extend32U(wanted), 1));
  });
  b.set(common.walkPa, b.getLocal(absolute));
  b.set(common.walkProt, b.select(b.getLocal(isProtected), b.i32(5), b.i32(7)));
  b.set(common.walkBits, b.getLocal(size));
  b.return_(b.i32(0));
}

/** Stores into the first 512 bytes of each of the two pages of the prefix area are refused where control register 0 says so. */
function lowAddressProtection(w: Walk, isPrivate: Value, size: Local): void {
  const { b, va, access } = w;
  const low = b.and(b.eq(access, b.i32(ACCESS_STORE)), b.ltU(va, b.i64(8192)));
  b.if(b.and(low, b.and(bits(b, b.get(CR_0), CR0.LOW_PROTECTION), b.eqz(isPrivate))), () => {
    b.if(b.ltU(b.and(va, b.i64(4095)), b.i64(512)), () => failWith(w, PGM.protection));
    b.setLocal(size, b.i32(UNCACHED_BITS));
  });
}

/** Reads an entry of a table. */
function entryAt(w: Walk, address: Value): Value {
  const { b } = w;
  const host = b.ramHost(address);
  b.if(b.eq(host, b.i64(-1)), () => failWith(w, PGM.addressing));
  return b.hostLoad(host, { size: 8, endian: 'big' });
}

/** Descends the tables from a designation. Every path ends the walk. */
function walkTables(w: Walk, asce: Value, isProtected: Local, size: Local): void {
  const { b, va } = w;
  const edat = bits(b, b.get(CR_0), CR0.EDAT);
  const type = b.wrap(b.extract(asce, 2, 2));
  // The first table covers 31 bits of address, and 11 more a level.
  const reach = b.extend32U(b.add(b.i32(31), b.mul(type, b.i32(11))));
  b.if(b.and(b.ne(type, b.i32(3)), b.ne(b.shr(va, reach), b.i64(0))), () => failWith(w, PGM.asceType));
  const table = b.local('i64', b.and(asce, b.i64(-4096)));
  const offset = b.local('i64', b.i64(0));
  const length = b.local('i64', b.and(asce, b.i64(3)));
  const level = b.local('i32', type);
  const entry = b.local('i64');
  b.loop((breakIf) => {
    const at = b.getLocal(level);
    const shift = b.extend32U(b.add(b.i32(20), b.mul(at, b.i32(11))));
    const index = b.extract(b.shr(va, shift), 0, 11);
    const missing = MISSING.slice(1).reduce<Value>(
      (code, other, n) => b.select(b.eq(at, b.i32(n + 1)), b.i32(other), code),
      b.i32(MISSING[0]),
    );
    const quarter = b.shr(index, b.i64(9));
    const outside = b.or(b.ltU(quarter, b.getLocal(offset)), b.gtU(quarter, b.getLocal(length)));
    b.if(outside, () => fail(w, missing, b.i64(0)));
    const place = b.add(b.getLocal(table), b.shl(index, b.i64(3)));
    b.setLocal(entry, entryAt(w, place));
    const found = b.getLocal(entry);
    b.if(bits(b, found, ENTRY_INVALID), () => {
      b.set(invalidEntry, place);
      fail(w, missing, b.i64(0));
    });
    b.if(b.ne(b.wrap(b.extract(found, 2, 2)), at), () => failWith(w, PGM.translationSpecification));
    breakIf(b.eqz(at));
    b.if(edat, () => {
      b.setLocal(isProtected, b.or(b.getLocal(isProtected), bits(b, found, ENTRY_PROTECTED)));
      const large = b.and(b.eq(at, b.i32(1)), bits(b, found, ENTRY_FORMAT));
      b.if(large, () => {
        const mask = b.i64(0x7fff_ffff);
        finish(w, b.or(b.and(found, b.not(mask)), b.and(va, mask)), isProtected, size);
      });
    });
    b.setLocal(table, b.and(found, b.i64(-4096)));
    b.setLocal(offset, b.extract(found, 6, 2));
    b.setLocal(length, b.and(found, b.i64(3)));
    b.setLocal(level, b.sub(at, b.i32(1)));
  });
  const segment = b.getLocal(entry);
  const common1 = b.and(bits(b, segment, SEGMENT_COMMON), bits(b, asce, ASCE_PRIVATE));
  b.if(common1, () => failWith(w, PGM.translationSpecification));
  b.setLocal(isProtected, b.or(b.getLocal(isProtected), bits(b, segment, ENTRY_PROTECTED)));
  b.if(b.and(edat, bits(b, segment, ENTRY_FORMAT)), () => {
    const mask = b.i64(0xf_ffff);
    finish(w, b.or(b.and(segment, b.not(mask)), b.and(va, mask)), isProtected, size);
  });
  const pages = b.and(segment, b.i64(-2048));
  const place = b.add(pages, b.shl(b.extract(va, PAGE_BITS, 8), b.i64(3)));
  const page = b.local('i64', entryAt(w, place));
  b.if(bits(b, b.getLocal(page), PAGE_INVALID), () => {
    b.set(invalidEntry, place);
    failWith(w, PGM.page);
  });
  b.if(bits(b, b.getLocal(page), PAGE_MUST_BE_ZERO), () => failWith(w, PGM.translationSpecification));
  b.setLocal(isProtected, b.or(b.getLocal(isProtected), bits(b, b.getLocal(page), ENTRY_PROTECTED)));
  finish(w, b.or(b.and(b.getLocal(page), b.i64(-4096)), b.and(va, b.i64(4095))), isProtected, size);
}

/** The designation that a regime translates by. */
function designation({ b, mmu }: Walk): Value {
  const pool = poolAsce.reduceRight<Value>(
    (other, slot, n) => b.select(b.eq(mmu, b.i32(n + 1)), b.get(slot), other),
    b.get(explicit.asce),
  );
  const [primary, home] = [cr[1], cr[13]];
  if (primary === undefined || home === undefined) throw new Error('no control register 1 or 13');
  const psw = b.wrap(b.extract(b.get(pswMask), PSW.AS_SHIFT, 2));
  const ofFetch = b.select(b.eq(psw, b.i32(3)), b.get(home), b.get(primary));
  return b.select(b.eq(mmu, b.i32(MMU_KEYED_FETCH)), ofFetch, pool);
}

/** (virtual address, access, regime) -> 0 with the absolute address, or 1 with the exception in the state. */
export const walk: IrHelper = defineHelper('s390_walk', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
  const w: Walk = { b, va, access, mmu };
  const isProtected = b.local('i32', b.i32(0));
  const keyed = b.or(b.eq(mmu, b.i32(MMU_EXPLICIT)), b.eq(mmu, b.i32(MMU_KEYED_FETCH)));
  const size = b.local('i32', b.select(keyed, b.i32(UNCACHED_BITS), b.i32(PAGE_BITS)));
  const real = b.or(b.eq(mmu, b.i32(MMU_REAL)), b.and(keyed, b.get(explicit.real)));
  const asce = b.local('i64', b.select(real, b.i64(0), designation(w)));
  const isPrivate = b.and(b.eqz(real), bits(b, b.getLocal(asce), ASCE_PRIVATE));
  lowAddressProtection(w, isPrivate, size);
  b.if(b.or(real, bits(b, b.getLocal(asce), ASCE_REAL)), () => finish(w, va, isProtected, size));
  walkTables(w, b.getLocal(asce), isProtected, size);
  return b.i32(1);
});

/** Sets the reference bits of all pages. */
function referenceAll(b: IrBuilder): void {
  const at = b.local('i32', b.get(keyTable));
  const end = b.add(b.get(keyTable), b.get(keyCount));
  const bits = b.big(0x0101_0101_0101_0101n * BigInt(KEY_REFERENCED));
  b.loop((breakIf) => {
    breakIf(b.gtU(b.add(b.getLocal(at), b.i32(8)), end));
    b.hostStore(b.getLocal(at), b.or(b.hostLoad(b.getLocal(at), { size: 8 }), bits), { size: 8 });
    b.setLocal(at, b.add(b.getLocal(at), b.i32(8)));
  });
  b.loop((breakIf) => {
    breakIf(b.geU(b.getLocal(at), end));
    const key = b.hostLoad(b.getLocal(at), { size: 1, ty: 'i32' });
    b.hostStore(b.getLocal(at), b.or(key, b.i32(KEY_REFERENCED)), { size: 1 });
    b.setLocal(at, b.add(b.getLocal(at), b.i32(1)));
  });
}

/** What stores that are made without a walk leave in a key (`Frontend.storeMarks`). */
export const storeMarks = {
  table: keyTable,
  count: keyCount,
  pageBits: PAGE_BITS,
  value: KEY_REFERENCED | KEY_CHANGED,
} as const;

/**
 * How far a walk's answer goes (`Frontend.span`): accesses to real storage, without a prefix, reach all of it. Reference bits need not
 * be accurate ("Reference Recording": they may be set for what the program did not use), so loads set all of them; a program that has
 * looked at keys or set one gets them exact from then on. Change bits are always exact: stores in a span are marked in the keys, which
 * have no other bits as long as the program has set none. Low-address protection is looked for at each store: there is no span with it.
 */
export const span: IrHelper = defineHelper('s390_span', ['i64', 'i32', 'i32'], 'i32', (b, _va, access, mmu) => {
  const isData = b.leU(access, b.i32(ACCESS_STORE));
  const isPlain = b.and(b.eq(mmu, b.i32(MMU_REAL)), b.and(isData, b.eqz(b.wrap(b.get(prefix)))));
  const isAlone = b.and(b.eq(b.get(cpuCount), b.i32(1)), b.ne(b.get(keyUse), b.i32(KEYS_SEEN)));
  b.if(b.eqz(b.and(isPlain, isAlone)), () => b.return_(b.i32(PAGE_BITS)));
  b.if(b.eq(access, b.i32(ACCESS_STORE)), () => {
    b.return_(b.select(bits(b, b.get(CR_0), CR0.LOW_PROTECTION), b.i32(PAGE_BITS), b.i32(ADDRESS_BITS)));
  });
  b.if(b.eq(b.get(keyUse), b.i32(KEYS_UNSEEN)), () => {
    referenceAll(b);
    b.set(keyUse, b.i32(KEYS_REFERENCED));
  });
  return b.i32(ADDRESS_BITS);
});
