/**
 * Physical memory protection: 16 entries, grain of four bytes. RISC-V Privileged Architecture, "Physical Memory Protection".
 *
 * Writes of pmpcfg and pmpaddr (rare) turn the entries into ranges; the checks (at every miss of the translation cache) compare
 * against those. An answer holds for a whole page where no entry ends inside it, otherwise for the aligned block around the
 * address that no entry divides.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { csr, pmp } from './state.ts';

/** Number of entries. */
export const PMP_ENTRIES = 16;

/** Rights as the translator counts them. */
export const PROT_R = 1;
export const PROT_W = 2;
export const PROT_X = 4;
export const PROT_ALL = PROT_R | PROT_W | PROT_X;

const PAGE_BITS = 12;
/** Bits of a physical address. */
const PHYSICAL_BITS = 56;
/** log2 of the answer's extent stands above the rights. */
export const PMP_BITS_SHIFT = 8;

const TOR = 1;
const NA4 = 2;
const NAPOT = 3;
const LOCKED = 0x80;

/** The configuration byte of an entry, an i32. */
export function configByte(b: IrBuilder, entry: number): Value {
  const word = csr.pmpcfg[entry >>> 3];
  if (word === undefined) throw new Error(`no PMP entry ${entry}`);
  return b.wrap(b.extract(b.get(word), (entry & 7) * 8, 8));
}

function entrySlots(entry: number) {
  const [lo, hi, addr] = [pmp.lo[entry], pmp.hi[entry], csr.pmpaddr[entry]];
  if (lo === undefined || hi === undefined || addr === undefined) throw new Error(`no PMP entry ${entry}`);
  return { lo, hi, addr };
}

/** Recomputes the ranges from pmpcfg and pmpaddr. */
export const updatePmp: IrHelper = defineHelper('pmp_update', [], undefined, (b) => {
  const two = b.i64(2);
  b.set(pmp.active, b.i32(0));
  for (let entry = 0; entry < PMP_ENTRIES; entry++) {
    const { lo, hi, addr } = entrySlots(entry);
    const matching = b.extract(configByte(b, entry), 3, 2);
    const address = b.get(addr);
    const base = b.shl(address, two);
    b.set(lo, b.i64(-1));
    b.set(hi, b.i64(0));
    b.if(matching, () => b.set(pmp.active, b.i32(entry + 1)));
    b.if(b.eq(matching, b.i32(TOR)), () => {
      b.set(lo, entry === 0 ? b.i64(0) : b.shl(b.get(entrySlots(entry - 1).addr), two));
      b.set(hi, base);
    });
    b.if(b.eq(matching, b.i32(NA4)), () => {
      b.set(lo, base);
      b.set(hi, b.add(base, b.i64(4)));
    });
    b.if(b.eq(matching, b.i32(NAPOT)), () => {
      const ones = b.xor(address, b.add(address, b.i64(1)));
      const start = b.shl(b.and(address, b.not(ones)), two);
      b.set(lo, start);
      b.set(hi, b.add(start, b.shl(b.add(ones, b.i64(1)), two)));
    });
  }
});

/** The rights that an entry grants: machine mode is bound only by locked ones. */
function granted(b: IrBuilder, entry: number, machine: Value): Value {
  const config = configByte(b, entry);
  const free = b.and(machine, b.eqz(b.and(config, b.i32(LOCKED))));
  return b.select(free, b.i32(PROT_ALL), b.and(config, b.i32(PROT_ALL)));
}

/** What holds where no entry matches: machine mode may do anything, the others nothing. */
function unmatched(b: IrBuilder, machine: Value): Value {
  return b.select(machine, b.i32(PROT_ALL), b.i32(0));
}

/** log2 of the largest aligned block around `pa` that no boundary of an entry divides, at most `most`. */
function uniformBits(b: IrBuilder, pa: Value, most: number): Value {
  const bits = b.local('i32', b.i32(most));
  for (let entry = 0; entry < PMP_ENTRIES; entry++) {
    const { lo, hi } = entrySlots(entry);
    for (const boundary of [b.get(lo), b.get(hi)]) {
      // Blocks too small to hold both the address and the boundary, or that start at the boundary, are not divided.
      const apart = b.sub(b.i64(63), b.clz(b.xor(boundary, pa)));
      const aligned = b.ctz(boundary);
      const limit = b.wrap(b.select(b.gtS(apart, aligned), apart, aligned));
      const now = b.getLocal(bits);
      b.setLocal(bits, b.select(b.ltS(limit, now), limit, now));
    }
  }
  return b.getLocal(bits);
}

/** As `pmpCheck`, where an entry ends inside the page. The first entry that has any byte of the access must have them all. */
const checkDivided: IrHelper = defineHelper(
  'pmp_check_divided',
  ['i64', 'i32', 'i32'],
  'i32',
  (b, pa, size, machine) => {
    const extent = b.shl(uniformBits(b, pa, PAGE_BITS), b.i32(PMP_BITS_SHIFT));
    const end = b.add(pa, b.extend32U(size));
    for (let entry = 0; entry < PMP_ENTRIES; entry++) {
      const [first, past] = [b.get(entrySlots(entry).lo), b.get(entrySlots(entry).hi)];
      const touches = b.and(b.and(b.ltU(first, end), b.ltU(pa, past)), b.ltU(first, past));
      b.if(touches, () => {
        const covers = b.and(b.leU(first, pa), b.leU(end, past));
        b.return_(b.or(b.select(covers, granted(b, entry, machine), b.i32(0)), extent));
      });
    }
    return b.or(unmatched(b, machine), extent);
  },
);

/**
 * (physical address i64, bytes of the access i32, whether in machine mode i32) -> rights in bits 2:0, log2 of the bytes around
 * the address for which they hold above `PMP_BITS_SHIFT`. The access lies within a page.
 */
export const pmpCheck: IrHelper = defineHelper('pmp_check', ['i64', 'i32', 'i32'], 'i32', (b, pa, size, machine) => {
  const wholePage = b.i32(PAGE_BITS << PMP_BITS_SHIFT);
  const page = b.and(pa, b.i64(-4096));
  const end = b.add(page, b.i64(4096));
  const active = b.get(pmp.active);
  for (let entry = 0; entry < PMP_ENTRIES; entry++) {
    // Few entries are in use: look now and then whether the rest are off.
    if ((entry & (entry - 1)) === 0) {
      b.if(b.leS(active, b.i32(entry)), () => b.return_(b.or(unmatched(b, machine), wholePage)));
    }
    const { lo, hi } = entrySlots(entry);
    const first = b.get(lo);
    const past = b.get(hi);
    const overlaps = b.and(b.and(b.ltU(first, end), b.gtU(past, page)), b.ltU(first, past));
    b.if(overlaps, () => {
      const covers = b.and(b.leU(first, page), b.geU(past, end));
      b.if(b.eqz(covers), () => b.return_(b.call(checkDivided, pa, size, machine)));
      b.return_(b.or(granted(b, entry, machine), wholePage));
    });
  }
  return b.or(unmatched(b, machine), wholePage);
});

/** (physical address) -> log2 of the aligned bytes around it that have the same rights, above a page too. */
export const pmpSpan: IrHelper = defineHelper('pmp_span', ['i64'], 'i32', (b, pa) => {
  b.if(b.eqz(b.get(pmp.active)), () => b.return_(b.i32(PHYSICAL_BITS)));
  return uniformBits(b, pa, PHYSICAL_BITS);
});

/** The same for a hart without PMP: everything is allowed. */
export const noPmpSpan: IrHelper = defineHelper('pmp_absent_span', ['i64'], 'i32', (b) => b.i32(PHYSICAL_BITS));

/** `pmpCheck`: everything is allowed. */
export const noPmpCheck: IrHelper = defineHelper('pmp_absent', ['i64', 'i32', 'i32'], 'i32', (b) =>
  b.i32(PROT_ALL | (PAGE_BITS << PMP_BITS_SHIFT)),
);
