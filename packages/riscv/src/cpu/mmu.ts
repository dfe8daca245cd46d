/**
 * Address translation: Sv39, Sv48 and Sv57 page tables, superpages, accessed and dirty bits, and physical memory protection of
 * the page and of the tables. RISC-V Privileged Architecture, "Virtual Address Translation Process" and the chapters of Svade
 * and Svadu.
 */
import {
  defineHelper,
  defineTsHelper,
  type IrBuilder,
  type IrHelper,
  type Local,
  type TsHelper,
  type Value,
} from '@boardwalk/translator';
import {
  CAUSE_FETCH_ACCESS,
  CAUSE_FETCH_PAGE,
  CAUSE_LOAD_ACCESS,
  CAUSE_LOAD_PAGE,
  CAUSE_STORE_ACCESS,
  CAUSE_STORE_PAGE,
  MENVCFG_ADUE,
} from './bits.ts';
import { MMU_M, MMU_MXR, MMU_S, MMU_S_SUM } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { noPmpCheck, noPmpSpan, PMP_BITS_SHIFT, PROT_ALL, PROT_R, PROT_W, PROT_X, pmpCheck, pmpSpan } from './pmp.ts';
import { common, csr } from './state.ts';

/** Access kinds of the translator. */
const STORE = 1;
const FETCH = 2;

/** Page-table entry: flags, and the bits that must be zero (reserved, and Svpbmt and Svnapot, which are absent). */
const PTE_V = 1n << 0n;
const PTE_R = 1n << 1n;
const PTE_W = 1n << 2n;
const PTE_X = 1n << 3n;
const PTE_U = 1n << 4n;
const PTE_G = 1n << 5n;
const PTE_A = 1n << 6n;
const PTE_D = 1n << 7n;
const PTE_RESERVED = 0x3ffn << 54n;
const PTE_BYTES = 8;
const PTE_PPN_SHIFT = 10;
const PPN_BITS = 44;
const PAGE_BITS = 12;
/** Bits of address that each level of the tables translates. */
const LEVEL_BITS = 9;
/** satp.MODE is the number of levels plus this. */
const SATP_MODE_LEVELS = 5;

/** The accesses of one walk, and how it fails. */
interface Walk {
  readonly b: IrBuilder;
  readonly va: Value;
  readonly access: Value;
  readonly mmu: Value;
  readonly check: IrHelper;
  /** Where harts run on threads: not zero once an entry was found to have changed since it was read. */
  readonly changed: Local | undefined;
}

function bit(b: IrBuilder, word: Value, flag: bigint): Value {
  return b.ne(b.and(word, b.big(flag)), b.i64(0));
}

/** Ends the walk with an exception: `fetch`, `load` or `store` is its code. */
function fault({ b, va, access }: Walk, fetch: number, load: number, store: number): void {
  const data = b.select(b.eq(access, b.i32(STORE)), b.i32(store), b.i32(load));
  b.set(common.excCode, b.select(b.eq(access, b.i32(FETCH)), b.i32(fetch), data));
  b.set(common.excValue, va);
  b.return_(b.i32(1));
}

const pageFault = (w: Walk): void => fault(w, CAUSE_FETCH_PAGE, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE);
const accessFault = (w: Walk): void => fault(w, CAUSE_FETCH_ACCESS, CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS);

/** The right that the access needs: 1 R, 2 W, 4 X. */
function needed({ b, access }: Walk): Value {
  return b.shl(b.i32(1), access);
}

/**
 * Finishes the walk at a physical address with the rights of the page, of 2^`bits` bytes, less what PMP takes away. PMP's answer
 * is for 4 KiB at most, and only so much is cached; but the translator has to know the page.
 */
function finish(w: Walk, pa: Value, prot: Value, machine: Value, bits: Value): void {
  const { b } = w;
  const answer = b.call(w.check, pa, b.get(common.accessBytes), machine);
  const rights = b.and(b.and(answer, prot), b.i32(PROT_ALL));
  b.if(b.eqz(b.and(rights, needed(w))), () => accessFault(w));
  b.set(common.walkPa, pa);
  b.set(common.walkProt, rights);
  const extent = b.shr(answer, b.i32(PMP_BITS_SHIFT));
  b.set(common.walkBits, b.select(b.ltS(extent, b.i32(PAGE_BITS)), extent, bits));
  b.return_(b.i32(0));
}

/** Rights that a leaf grants in this regime, where its accessed and dirty bits allow them. */
function leafRights({ b, mmu }: Walk, pte: Value): Value {
  const regime = b.and(mmu, b.i32(3));
  const user = bit(b, pte, PTE_U);
  const supervisor = b.or(b.eq(regime, b.i32(MMU_S)), b.eq(regime, b.i32(MMU_S_SUM)));
  const readable = b.or(bit(b, pte, PTE_R), b.and(b.ne(b.and(mmu, b.i32(MMU_MXR)), b.i32(0)), bit(b, pte, PTE_X)));
  const data = b.or(readable, b.shl(bit(b, pte, PTE_W), b.i32(1)));
  const all = b.or(data, b.shl(bit(b, pte, PTE_X), b.i32(2)));
  // Supervisor mode: no page of the user's, but for data with SUM. User mode: only pages of the user's.
  const sum = b.eq(regime, b.i32(MMU_S_SUM));
  const ofUser = b.select(supervisor, b.select(sum, data, b.i32(0)), all);
  return b.select(user, ofUser, b.select(supervisor, all, b.i32(0)));
}

/** Sets accessed (and dirty, for a store) in the entry at `pteAddress`, or faults where software is to do it. */
function updateAccessed(w: Walk, config: CpuConfig, pte: Local, pteAddress: Value, host: Value): void {
  const { b } = w;
  const store = b.eq(w.access, b.i32(STORE));
  const wanted = b.or(b.big(PTE_A), b.select(store, b.big(PTE_D), b.i64(0)));
  const stale = b.ne(b.and(b.getLocal(pte), wanted), wanted);
  b.if(stale, () => {
    if (!config.extensions.has('svadu')) {
      pageFault(w);
      return;
    }
    b.if(b.eqz(bit(b, b.get(csr.menvcfg), MENVCFG_ADUE)), () => pageFault(w));
    const rights = b.call(w.check, pteAddress, b.i32(PTE_BYTES), b.i32(0));
    b.if(b.eqz(b.and(rights, b.i32(PROT_W))), () => accessFault(w));
    if (w.changed === undefined) {
      b.setLocal(pte, b.or(b.getLocal(pte), wanted));
      b.hostStore(host, b.getLocal(pte), { size: 8 });
      return;
    }
    const before = b.local('i64', b.getLocal(pte));
    b.setLocal(pte, b.or(b.getLocal(before), wanted));
    const found = b.hostCas(host, b.getLocal(before), b.getLocal(pte), 8);
    b.setLocal(w.changed, b.ne(found, b.getLocal(before)));
  });
}

/** A leaf at `level` was found: checks it and finishes the walk. */
function leaf(w: Walk, config: CpuConfig, pte: Local, pteAddress: Value, host: Value, shift: Value): void {
  const { b } = w;
  const rights = leafRights(w, b.getLocal(pte));
  b.if(b.eqz(b.and(rights, needed(w))), () => pageFault(w));
  const frame = b.shl(b.extract(b.getLocal(pte), PTE_PPN_SHIFT, PPN_BITS), b.i64(PAGE_BITS));
  const offsetMask = b.sub(b.shl(b.i64(1), shift), b.i64(1));
  b.if(b.ne(b.and(frame, offsetMask), b.i64(0)), () => pageFault(w));
  updateAccessed(w, config, pte, pteAddress, host);
  const end = (): void => {
    b.set(common.walkLocal, b.eqz(bit(b, b.getLocal(pte), PTE_G)));
    // A page that is not dirty is not yet writable: the first store walks again and sets the bit.
    const dirty = bit(b, b.getLocal(pte), PTE_D);
    const prot = b.select(dirty, rights, b.and(rights, b.i32(PROT_R | PROT_X)));
    finish(w, b.or(frame, b.and(w.va, offsetMask)), prot, b.i32(0), b.wrap(shift));
  };
  if (w.changed === undefined) end();
  else b.if(b.eqz(b.getLocal(w.changed)), end);
}

/** Forgets every translation. */
export function flushTranslations(b: IrBuilder): void {
  b.tlbFlush();
}

/** Forgets the translation of an address, and whatever else a superpage around it might have made. */
export const flushTranslation: IrHelper = defineHelper('riscv_flush_translation', ['i64'], undefined, (b, va) =>
  b.tlbFlushPage(va),
);

/** Descends the tables from the root that satp names. Every path returns. */
function walkTables(w: Walk, config: CpuConfig, satp: Value): void {
  const { b, va } = w;
  const levels = b.sub(b.extract(satp, 60, 4), b.i64(SATP_MODE_LEVELS));
  const vaBits = b.add(b.mul(levels, b.i64(LEVEL_BITS)), b.i64(PAGE_BITS));
  const unused = b.sub(b.i64(64), vaBits);
  b.if(b.ne(b.sar(b.shl(va, unused), unused), va), () => pageFault(w));

  const table = b.local('i64', b.shl(b.extract(satp, 0, PPN_BITS), b.i64(PAGE_BITS)));
  const shift = b.local('i64', b.sub(vaBits, b.i64(LEVEL_BITS)));
  if (w.changed === undefined) {
    descend(w, config, table, shift);
    pageFault(w);
    return;
  }
  const { changed } = w;
  b.loop(() => {
    b.setLocal(changed, b.i32(0));
    descend(w, config, table, shift);
    b.if(b.eqz(b.getLocal(changed)), () => pageFault(w));
    b.setLocal(table, b.shl(b.extract(satp, 0, PPN_BITS), b.i64(PAGE_BITS)));
    b.setLocal(shift, b.sub(vaBits, b.i64(LEVEL_BITS)));
  });
}

/** Goes down from a table to a leaf; comes back where the levels are used up, or an entry has changed meanwhile. */
function descend(w: Walk, config: CpuConfig, table: Local, shift: Local): void {
  const { b, va } = w;
  const pte = b.local('i64');
  b.loop((breakIf) => {
    const index = b.extract(b.shr(va, b.getLocal(shift)), 0, LEVEL_BITS);
    const pteAddress = b.add(b.getLocal(table), b.shl(index, b.i64(3)));
    const rights = b.call(w.check, pteAddress, b.i32(PTE_BYTES), b.i32(0));
    b.if(b.eqz(b.and(rights, b.i32(PROT_R))), () => accessFault(w));
    const host = b.ramHost(pteAddress);
    b.if(b.eq(host, b.i64(-1)), () => accessFault(w));
    b.setLocal(pte, b.hostLoad(host, { size: 8 }));

    const entry = b.getLocal(pte);
    const invalid = b.or(b.eqz(bit(b, entry, PTE_V)), bit(b, entry, PTE_RESERVED));
    const writeOnly = b.eq(b.and(entry, b.big(PTE_R | PTE_W)), b.big(PTE_W));
    b.if(b.or(invalid, writeOnly), () => pageFault(w));
    b.if(bit(b, entry, PTE_R | PTE_X), () => leaf(w, config, pte, pteAddress, host, b.getLocal(shift)));
    if (w.changed !== undefined) breakIf(b.getLocal(w.changed));

    b.if(bit(b, entry, PTE_A | PTE_D | PTE_U), () => pageFault(w));
    b.setLocal(table, b.shl(b.extract(entry, PTE_PPN_SHIFT, PPN_BITS), b.i64(PAGE_BITS)));
    b.setLocal(shift, b.sub(b.getLocal(shift), b.i64(LEVEL_BITS)));
    breakIf(b.ltS(b.getLocal(shift), b.i64(PAGE_BITS)));
  });
}

/** What hears of page walks, for logs. */
export interface WalkPort {
  /** A walk has ended: `arg0` to `arg3` are address, access, MMU index and whether it faulted. */
  walked(cpuBase: number): void;
}

/** Tells of a walk. */
export function defineWalked(port: WalkPort): TsHelper {
  return defineTsHelper('riscv_walked', ['i64', 'i32', 'i32', 'i32'], undefined, (base) => port.walked(base));
}

/** A walk that says so at each end. */
export function defineLoggedWalk(walk: IrHelper, walked: TsHelper): IrHelper {
  return defineHelper('riscv_logged_walk', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
    const fault = b.call(walk, va, access, mmu);
    b.call(walked, va, access, mmu, fault);
    return fault;
  });
}

/**
 * The page walk of a hart: (virtual address i64, access i32, MMU index i32) -> 0, or 1 with the exception in the state.
 * Addresses that are not translated (machine mode, satp off) go through PMP alone.
 * @param isThreaded other harts may change entries at any moment
 */
export function defineWalk(config: CpuConfig, isThreaded = false): IrHelper {
  const check = config.extensions.has('pmp') ? pmpCheck : noPmpCheck;
  return defineHelper('riscv_walk', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
    const changed = isThreaded ? b.local('i32', b.i32(0)) : undefined;
    const w: Walk = { b, va, access, mmu, check, changed };
    const machine = b.eq(mmu, b.i32(MMU_M));
    const satp = b.get(csr.satp);
    const bare = b.eqz(b.shr(satp, b.i64(60)));
    b.if(b.or(machine, bare), () => finish(w, va, b.i32(PROT_ALL), machine, b.i32(PAGE_BITS)));
    walkTables(w, config, satp);
    return b.i32(1);
  });
}

/**
 * How far the answer of a walk goes, as `Frontend.span` has it: where addresses are not translated, as far as no boundary of PMP.
 */
export function defineSpan(config: CpuConfig): IrHelper {
  const uniform = config.extensions.has('pmp') ? pmpSpan : noPmpSpan;
  return defineHelper('riscv_span', ['i64', 'i32', 'i32'], 'i32', (b, _va, _access, mmu) => {
    const bare = b.eqz(b.shr(b.get(csr.satp), b.i64(60)));
    b.if(b.or(b.eq(mmu, b.i32(MMU_M)), bare), () => b.return_(b.call(uniform, b.get(common.walkPa))));
    return b.i32(0);
  });
}
