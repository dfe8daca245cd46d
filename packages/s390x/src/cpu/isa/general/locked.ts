/**
 * Semantics of COMPARE AND SWAP AND STORE and PERFORM LOCKED OPERATION. Principles of Operation, SA22-7832, chapter "General
 * Instructions". They are atomic because the CPUs of a machine take turns between instructions; on threads of their own the others
 * wait meanwhile.
 */
import {
  accessDescriptor,
  defineHelper,
  ENGINE,
  type IrBuilder,
  type IrHelper,
  type Value,
} from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault, raiseFrom, STORE, twoSpaces } from '../../memory.ts';
import { MODE_AR } from '../../mode.ts';
import type { CpuConfig } from '../../models.ts';
import { spaceOf } from '../../spaces.ts';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';

/** A number of up to 16 bytes: two i64. */
interface Wide {
  readonly high: Value;
  readonly low: Value;
}

const [HIGH, LOW] = [slotOf(block, 10), slotOf(block, 11)];
const big = (size: 1 | 2 | 4 | 8): number => accessDescriptor({ size, endian: 'big' });

function refuseIf(b: IrBuilder, condition: Value): void {
  b.if(condition, () => raiseFrom(b, b.i32(PGM.specification), b.i64(0), b.i32(0)));
}

/** (address, bytes, regime): loads 1 to 16 bytes into `block` 10 and 11, as a number. */
const loadWide = defineHelper('s390_load_wide', ['i64', 'i32', 'i32'], undefined, (b, address, bytes, mmu) => {
  b.set(HIGH, b.i64(0));
  const part = (at: Value, size: 1 | 2 | 4 | 8): Value => {
    const value = b.call(ENGINE.load, at, b.i32(big(size)), mmu);
    leaveOnFault(b);
    return value;
  };
  for (const size of [1, 2, 4, 8] as const) {
    b.if(b.eq(bytes, b.i32(size)), () => {
      b.set(LOW, part(address, size));
      b.return_();
    });
  }
  b.set(HIGH, part(address, 8));
  b.set(LOW, part(b.add(address, b.i64(8)), 8));
});

/** (address, bytes, regime, high, low): stores it. */
const storeWide = defineHelper(
  's390_store_wide',
  ['i64', 'i32', 'i32', 'i64', 'i64'],
  undefined,
  (b, address, bytes, mmu, high, low) => {
    for (const size of [1, 2, 4, 8] as const) {
      b.if(b.eq(bytes, b.i32(size)), () => {
        b.call(ENGINE.store, address, low, b.i32(big(size)), mmu);
        b.return_();
      });
    }
    b.call(ENGINE.store, address, high, b.i32(big(8)), mmu);
    leaveOnFault(b);
    b.call(ENGINE.store, b.add(address, b.i64(8)), low, b.i32(big(8)), mmu);
  },
);

/** An operand in storage, within a helper that leaves with an i32 where it faults. */
interface Place {
  readonly at: Value;
  readonly bytes: Value;
  readonly mmu: Value;
}

/** What leaves a helper that gives a condition code, where it faults. */
const NONE = 0;

function load(b: IrBuilder, { at, bytes, mmu }: Place): Wide {
  b.call(loadWide, at, bytes, mmu);
  leaveOnFault(b, b.i32(NONE));
  return { high: b.get(HIGH), low: b.get(LOW) };
}

function store(b: IrBuilder, { at, bytes, mmu }: Place, { high, low }: Wide): void {
  b.call(storeWide, at, bytes, mmu, high, low);
  leaveOnFault(b, b.i32(NONE));
}

const isSame = (b: IrBuilder, x: Wide, y: Wide): Value => b.and(b.eq(x.high, y.high), b.eq(x.low, y.low));

function probe(b: IrBuilder, { at, bytes, mmu }: Place, access: number): void {
  b.call(ENGINE.probe, at, bytes, b.i32(access), mmu);
  leaveOnFault(b, b.i32(NONE));
}

function requireAligned(b: IrBuilder, { at, bytes }: Place): void {
  refuseIf(b, b.wrap(b.and(at, b.extend32U(b.sub(bytes, b.i32(1))))));
}

/** What registers hold goes to the helpers in `block`, two slots each, and comes back there. */
const wideOf = (b: IrBuilder, n: number): Wide => ({
  high: b.get(slotOf(block, 2 * n)),
  low: b.get(slotOf(block, 2 * n + 1)),
});
const setWide = (b: IrBuilder, n: number, { high, low }: Wide): void => {
  b.set(slotOf(block, 2 * n), high);
  b.set(slotOf(block, 2 * n + 1), low);
};

/** A helper that gives a condition code, with the other CPUs' threads at safe points. */
function alone(helper: IrHelper): IrHelper {
  return defineHelper(`${helper.name}_alone`, helper.params, 'i32', (b, ...args) => {
    b.call(ENGINE.alone, b.i32(1));
    const cc = b.local('i32', b.call(helper, ...args));
    b.call(ENGINE.alone, b.i32(0));
    return b.getLocal(cc);
  });
}

// --- COMPARE AND SWAP AND STORE ---

/** Function codes: operands of 4, 8, 16 bytes; storage characteristics: 1 to 16 bytes. What is beyond is of the second facility. */
const MOST = { first: { code: 1, store: 3 }, second: { code: 2, store: 4 } } as const;

/**
 * (first address, second, parameter list, function | characteristic << 8, spaces | that of the list << 8) -> condition code.
 * Operand 3 is `block` 0, where what was found goes.
 */
const compareSwapStore = alone(
  defineHelper('s390_csst', ['i64', 'i64', 'i64', 'i32', 'i32'], 'i32', (b, first, second, list, kind, spaces) => {
    const space = (shift: number): Value => b.and(b.shr(spaces, b.i32(shift)), b.i32(15));
    const bytes1 = b.shl(b.i32(4), b.and(kind, b.i32(255)));
    const bytes2 = b.shl(b.i32(1), b.shr(kind, b.i32(8)));
    const operand1 = { at: first, bytes: bytes1, mmu: space(0) };
    const operand2 = { at: second, bytes: bytes2, mmu: space(4) };
    requireAligned(b, operand1);
    requireAligned(b, operand2);
    const replacement = load(b, { at: list, bytes: bytes1, mmu: space(8) });
    const stored = load(b, { at: b.add(list, b.i64(16)), bytes: bytes2, mmu: space(8) });
    probe(b, operand2, STORE);
    probe(b, operand1, STORE);
    const old = load(b, operand1);
    b.if(isSame(b, old, wideOf(b, 0)), () => {
      store(b, operand1, replacement);
      store(b, operand2, stored);
      b.return_(b.i32(0));
    });
    setWide(b, 0, old);
    return b.i32(1);
  }),
);

const compareAndSwapAndStore =
  (facilities: 'first' | 'second'): Emitter =>
  (i) => {
    const { b } = i;
    const { r3 } = i.f;
    const most = MOST[facilities];
    const code = b.and(i.get32(0), b.i32(255));
    const characteristic = b.and(b.shr(i.get32(0), b.i32(8)), b.i32(255));
    i.raiseIf(b.or(b.gtU(code, b.i32(most.code)), b.gtU(characteristic, b.i32(most.store))), PGM.specification);
    const isPair = b.eq(code, b.i32(2));
    if (r3 % 2 !== 0) i.raiseIf(isPair, PGM.specification);
    const [word, long] = [i.get32u(r3), i.get64(r3)];
    const single = b.select(b.eqz(code), word, long);
    setWide(b, 0, {
      high: b.select(isPair, long, b.i64(0)),
      low: b.select(isPair, i.get64(r3 | 1), single),
    });
    const list = i.wrap(b.and(i.get64(1), b.i64(-16)));
    const spaces = b.or(twoSpaces(b, i.space(i.f.b1), i.space(i.f.b2)), b.shl(i.space(1), b.i32(8)));
    const kind = b.or(code, b.shl(characteristic, b.i32(8)));
    const cc = i.call(compareSwapStore, i.address1(), i.address2(), list, kind, spaces);
    const found = wideOf(b, 0);
    b.if(cc, () => {
      b.if(isPair, () => {
        i.set64(r3, found.high);
        i.set64(r3 | 1, found.low);
      });
      b.if(b.eqz(code), () => i.set32(r3, found.low));
      b.if(b.eq(code, b.i32(1)), () => i.set64(r3, found.low));
    });
    i.setCcValue(cc);
  };

// --- PERFORM LOCKED OPERATION ---

/**
 * A function code is four times one of these, plus how wide operands are and where: 0 words in registers, 1 doublewords in the
 * parameter list, 2 doublewords in registers, 3 sixteen bytes in the list.
 */
const COMPARE_AND_LOAD = 0;
const COMPARE_AND_SWAP = 1;
const DOUBLE_COMPARE_AND_SWAP = 2;
const COMPARE_AND_SWAP_AND_DOUBLE_STORE = 4;
const FUNCTIONS = 24;

/** Operands of the parameter list: each at the end of 16 bytes. */
const LIST = {
  comparison1: 0,
  replacement1: 16,
  comparison3: 32,
  replacement3: 48,
  operand5: 80,
  operand7: 112,
} as const;
/** Where the list has an address, four bytes behind its access-list-entry token. */
const ADDRESS = { operand4: 72, operand6: 104, operand8: 136 } as const;

/** Bits of the helper's last argument, above the spaces of operands 2 and 4. */
const IN_AR_MODE = 0x100;
const ADDRESS_SHIFT = 9;

/**
 * (address of operand 2, of operand 4 or the list, function code, spaces and modes) -> condition code. Registers: `block` slots 0
 * the first comparison value, 1 the first replacement, 2 the third comparison value or operand 3, 3 the third replacement; what is
 * found replaces the comparison value that it is not, or operand 3.
 */
const lockedOperation = alone(
  defineHelper('s390_plo', ['i64', 'i64', 'i32', 'i32'], 'i32', (b, second, fourth, code, packed) => {
    const kind = b.shr(code, b.i32(2));
    const is = (k: number): Value => b.eq(kind, b.i32(k));
    const width = b.and(code, b.i32(3));
    const bytes = b.select(b.eqz(width), b.i32(4), b.select(b.eq(width, b.i32(3)), b.i32(16), b.i32(8)));
    const listMmu = b.and(b.shr(packed, b.i32(4)), b.i32(15));
    const isListed = b.and(width, b.i32(1));
    // What is stored two or three times is in the list whatever the width.
    const hasStores = b.geU(kind, b.i32(COMPARE_AND_SWAP_AND_DOUBLE_STORE));
    const usesList = b.or(isListed, hasStores);
    const ofList = (at: number): Place => ({
      at: b.add(fourth, b.sub(b.i64(at + 16), b.extend32U(bytes))),
      bytes,
      mmu: listMmu,
    });
    const value = (n: number, at: number, listed: Value): Wide => {
      const [high, low] = [b.local('i64', wideOf(b, n).high), b.local('i64', wideOf(b, n).low)];
      b.if(listed, () => {
        const found = load(b, ofList(at));
        b.setLocal(high, found.high);
        b.setLocal(low, found.low);
      });
      return { high: b.getLocal(high), low: b.getLocal(low) };
    };
    /** An operand that is found goes where the other was. */
    const giveBack = (n: number, at: number, found: Wide): void => {
      setWide(b, n, found);
      b.if(isListed, () => store(b, ofList(at), found));
    };
    /** An operand whose address the list has. */
    const far = (at: number): Place => {
      const address = b.call(ENGINE.load, b.add(fourth, b.i64(at)), b.i32(big(8)), listMmu);
      leaveOnFault(b, b.i32(NONE));
      const mmu = b.local('i32', listMmu);
      b.if(b.and(packed, b.i32(IN_AR_MODE)), () => {
        const token = b.call(ENGINE.load, b.add(fourth, b.i64(at - 4)), b.i32(big(4)), listMmu);
        leaveOnFault(b, b.i32(NONE));
        b.setLocal(mmu, b.call(spaceOf, b.wrap(token)));
        leaveOnFault(b, b.i32(NONE));
      });
      const amode = b.shr(packed, b.i32(ADDRESS_SHIFT));
      const short = b.select(b.eqz(amode), b.i64(0xff_ffff), b.i64(0x7fff_ffff));
      const place = {
        at: b.select(b.eq(amode, b.i32(3)), address, b.and(address, short)),
        bytes,
        mmu: b.getLocal(mmu),
      };
      requireAligned(b, place);
      return place;
    };
    const operand2 = { at: second, bytes, mmu: b.and(packed, b.i32(15)) };
    requireAligned(b, operand2);
    b.if(usesList, () => refuseIf(b, b.wrap(b.and(fourth, b.i64(7)))));
    const comparison = value(0, LIST.comparison1, isListed);
    const found = load(b, operand2);
    b.if(b.eqz(isSame(b, comparison, found)), () => {
      giveBack(0, LIST.comparison1, found);
      b.return_(b.i32(1));
    });
    const replacement = value(1, LIST.replacement1, isListed);
    b.if(is(COMPARE_AND_SWAP), () => {
      store(b, operand2, replacement);
      b.return_(b.i32(0));
    });
    const operand4 = ((): Place => {
      const [at, mmu] = [b.local('i64', fourth), b.local('i32', listMmu)];
      b.if(usesList, () => {
        const listed = far(ADDRESS.operand4);
        b.setLocal(at, listed.at);
        b.setLocal(mmu, listed.mmu);
      });
      return { at: b.getLocal(at), bytes, mmu: b.getLocal(mmu) };
    })();
    requireAligned(b, operand4);
    b.if(is(COMPARE_AND_LOAD), () => {
      giveBack(2, LIST.comparison3, load(b, operand4));
      b.return_(b.i32(0));
    });
    probe(b, operand2, STORE);
    b.if(is(DOUBLE_COMPARE_AND_SWAP), () => {
      const third = value(2, LIST.comparison3, isListed);
      const also = load(b, operand4);
      b.if(b.eqz(isSame(b, third, also)), () => {
        giveBack(2, LIST.comparison3, also);
        b.return_(b.i32(2));
      });
      const other = value(3, LIST.replacement3, isListed);
      store(b, operand4, other);
      store(b, operand2, replacement);
      b.return_(b.i32(0));
    });
    probe(b, operand4, STORE);
    const operand3 = value(2, LIST.replacement3, usesList);
    b.if(hasStores, () => {
      const operand6 = far(ADDRESS.operand6);
      probe(b, operand6, STORE);
      const operand5 = load(b, ofList(LIST.operand5));
      b.if(b.gtU(kind, b.i32(COMPARE_AND_SWAP_AND_DOUBLE_STORE)), () => {
        const operand8 = far(ADDRESS.operand8);
        probe(b, operand8, STORE);
        store(b, operand8, load(b, ofList(LIST.operand7)));
      });
      store(b, operand6, operand5);
    });
    store(b, operand4, operand3);
    store(b, operand2, replacement);
    return b.i32(0);
  }),
);

/** Registers of an operand of words or doublewords, as a number. */
function fromRegister(i: Insn, isWord: Value, n: number): Wide {
  return { high: i.b.i64(0), low: i.b.select(isWord, i.get32u(n), i.get64(n)) };
}

function toRegister(i: Insn, isWord: Value, n: number, value: Value): void {
  i.set64(n, i.b.select(isWord, i.b.deposit(i.get64(n), 0, 32, value), value));
}

const performLockedOperation: Emitter = (i) => {
  const { b } = i;
  const { r1, r3 } = i.f;
  const control = i.get32(0);
  i.raiseIf(b.and(control, b.i32(0xffff_fe00 | 0)), PGM.specification);
  const code = b.and(control, b.i32(255));
  const isValid = b.ltU(code, b.i32(FUNCTIONS));
  const isTest = b.and(control, b.i32(256));
  const cc = b.local('i32', b.select(isValid, b.i32(0), b.i32(3)));
  const inRegisters = b.eqz(b.and(code, b.i32(1)));
  b.if(b.eqz(isTest), () => {
    i.raiseIf(b.eqz(isValid), PGM.specification);
    const kind = b.shr(code, b.i32(2));
    if (r1 % 2 !== 0) i.raiseIf(b.and(inRegisters, b.ne(kind, b.i32(COMPARE_AND_LOAD))), PGM.specification);
    if (r3 % 2 !== 0) {
      i.raiseIf(b.and(inRegisters, b.eq(kind, b.i32(DOUBLE_COMPARE_AND_SWAP))), PGM.specification);
    }
    if ((i.mode & MODE_AR) !== 0 && r3 === 0) {
      const isShort = b.and(inRegisters, b.ltU(kind, b.i32(COMPARE_AND_SWAP_AND_DOUBLE_STORE)));
      i.raiseIf(b.eqz(isShort), PGM.specification);
    }
    const isWord = b.eqz(b.and(code, b.i32(3)));
    for (const [n, register] of [r1, r1 | 1, r3, r3 | 1].entries()) setWide(b, n, fromRegister(i, isWord, register));
    const modes = ((i.mode & MODE_AR) !== 0 ? IN_AR_MODE : 0) | (i.amode << ADDRESS_SHIFT);
    const fourth = i.address(i.f.b4, i.f.d4);
    const packed = b.or(twoSpaces(b, i.space(i.f.b2), i.space(i.f.b4)), b.i32(modes));
    b.setLocal(cc, i.call(lockedOperation, i.address(i.f.b2, i.f.d2), fourth, code, packed));
    const [first, third] = [wideOf(b, 0).low, wideOf(b, 2).low];
    b.if(inRegisters, () => {
      b.if(b.eq(b.getLocal(cc), b.i32(1)), () => toRegister(i, isWord, r1, first));
      const loaded = b.and(b.eqz(kind), b.eqz(b.getLocal(cc)));
      b.if(b.or(loaded, b.eq(b.getLocal(cc), b.i32(2))), () => toRegister(i, isWord, r3, third));
    });
  });
  i.setCcValue(b.getLocal(cc));
};

export function lockedSemantics(config: CpuConfig): Readonly<Record<string, Emitter>> {
  return {
    csst: compareAndSwapAndStore(config.facilities.has('csst2') ? 'second' : 'first'),
    plo: performLockedOperation,
  };
}
