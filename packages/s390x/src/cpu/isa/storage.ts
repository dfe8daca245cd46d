/**
 * Semantics of the instructions that work on storage: moves, comparisons, logic, translation of bytes, strings. Principles of
 * Operation, SA22-7832, chapter "General Instructions". The long ones run in steps of at most a page and start again where they
 * stopped, so that they can be interrupted.
 */
import { defineHelper, ENGINE, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { CC } from '../condition.ts';
import {
  andBytes,
  compareBytes,
  leaveOnFault,
  loadByte,
  moveBytes,
  moveInverse,
  moveNumerics,
  moveRightToLeft,
  moveZones,
  orBytes,
  STORE,
  storeByte,
  times,
  toPageEnd,
  translateBytes,
  translateTest,
  twoSpaces,
  xorBytes,
} from '../memory.ts';
import { block } from '../state.ts';
import { type Emitter, type Insn, slotOf } from './insn.ts';

const spaces = (i: Insn): Value => twoSpaces(i.b, i.space(i.f.b1), i.space(i.f.b2));

/** Calls a helper of (first, second, bytes, spaces) for an instruction with a length in its second byte. */
const storageToStorage =
  (helper: IrHelper, done?: (i: Insn, result: Value) => void): Emitter =>
  (i) => {
    const { b } = i;
    const [to, from] = [i.address1(), i.address2()];
    const result = i.call(helper, to, from, b.i32(i.f.l1 + 1), spaces(i));
    done?.(i, result);
  };

/** The condition code is whether the result is zero. */
const nonZero = (i: Insn, result: Value): void => i.setCc(CC.nonZero, i.b.extend32U(result));
const asCc = (i: Insn, result: Value): void => i.setCcValue(result);

/** XC of an operand with itself clears it, which is what it is mostly for. */
const exclusiveOr: Emitter = (i) => storageToStorage(xorBytes, nonZero)(i);

/** Short moves within one register's reach are loads and stores: lengths of 1, 2, 4 and 8. */
const move: Emitter = (i) => {
  const { b } = i;
  const bytes = i.f.l1 + 1;
  const [to, from] = [i.address1(), i.address2()];
  if (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) {
    // Operands that overlap are copied byte by byte: what lies less than the length behind its source.
    if (bytes === 1) return i.store(to, i.f.b1, i.load(from, i.f.b2, 1), 1);
    b.if(
      b.ltU(b.sub(b.sub(to, from), b.i64(1)), b.i64(bytes - 1)),
      () => void i.call(moveBytes, to, from, b.i32(bytes), spaces(i)),
      () => i.store(to, i.f.b1, i.load(from, i.f.b2, bytes), bytes),
    );
    return;
  }
  i.call(moveBytes, to, from, b.i32(bytes), spaces(i));
};

const translateAndTest =
  (backwards: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const [first, table] = [i.address1(), i.address2()];
    const bytes = i.f.l1 + 1;
    const both = b.or(spaces(i), b.i32(backwards ? 0x100 : 0));
    const found = b.local('i64', i.call(translateTest, first, table, b.i32(bytes), both));
    const hit = b.ltS(b.getLocal(found), b.i64(0));
    const at = b.extract(b.getLocal(found), 8, 8);
    const last = b.eq(at, b.i64(bytes - 1));
    b.if(hit, () => {
      const place = i.wrap(backwards ? b.sub(first, at) : b.add(first, at));
      if (i.amode === 3) i.set64(1, place);
      else if (i.amode === 1) i.set32(1, b.or(b.and(i.get64(1), b.i64(0x8000_0000)), place));
      else i.set64(1, b.deposit(i.get64(1), 0, 24, place));
      i.set64(2, b.deposit(i.get64(2), 0, 8, b.getLocal(found)));
    });
    i.setCcValue(b.select(hit, b.add(b.i32(1), last), b.i32(0)));
  };

// --- long moves and comparisons ---

/** Results of a step: addresses and lengths that are left. */
const [OUT_A1, OUT_L1, OUT_A2, OUT_L2] = [0, 1, 2, 3] as const;
const out = (n: number) => slotOf(block, n);

const minimum = (b: Insn['b'], x: Value, y: Value): Value => b.select(b.ltU(x, y), x, y);

/**
 * One step of MVCL and MVCLE: at most what lies in one page of each. Takes `block` 0 to 3 (first address, length, second address,
 * length) and changes them: (pad, spaces).
 */
const moveLongStep = defineHelper('s390_mvcl', ['i32', 'i32'], undefined, (b, pad, both) => {
  const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
  const page1 = b.extend32U(toPageEnd(b, a1));
  const first = b.and(both, b.i32(15));
  b.if(b.eqz(l1), () => b.return_());
  const bytes = b.local('i64', minimum(b, l1, page1));
  b.if(
    b.ne(l2, b.i64(0)),
    () => {
      b.setLocal(bytes, minimum(b, minimum(b, b.getLocal(bytes), l2), b.extend32U(toPageEnd(b, a2))));
      const n = b.getLocal(bytes);
      b.call(moveBytes, a1, a2, b.wrap(n), both);
      leaveOnFault(b);
      b.set(out(OUT_A2), b.add(a2, n));
      b.set(out(OUT_L2), b.sub(l2, n));
    },
    () => {
      const n = b.wrap(b.getLocal(bytes));
      b.call(ENGINE.probe, a1, n, b.i32(STORE), first);
      leaveOnFault(b);
      const host = b.call(ENGINE.translate, a1, b.i32(STORE), first);
      leaveOnFault(b);
      b.hostFill(host, pad, n);
    },
  );
  b.set(out(OUT_A1), b.add(a1, b.getLocal(bytes)));
  b.set(out(OUT_L1), b.sub(l1, b.getLocal(bytes)));
});

/** One step of CLCL and CLCLE, as the move's: -> condition code where they differ, else 0. The shorter is padded. */
const compareLongStep = defineHelper('s390_clcl', ['i32', 'i32'], 'i32', (b, pad, both) => {
  const zero = b.i32(0);
  const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
  const longest = b.select(b.gtU(l1, l2), l1, l2);
  const count = b.wrap(minimum(b, longest, b.i64(2048)));
  const cc = b.local('i32', zero);
  const done = b.local('i64', b.i64(0));
  const padByte = b.extend32U(b.and(pad, b.i32(255)));
  times(b, count, (n, breakIf) => {
    const at = b.extend32U(n);
    const x = b.local('i64', padByte);
    const y = b.local('i64', padByte);
    b.if(b.ltU(at, l1), () => b.setLocal(x, loadByte(b, b.add(a1, at), b.and(both, b.i32(15)), zero)));
    b.if(b.ltU(at, l2), () => b.setLocal(y, loadByte(b, b.add(a2, at), b.and(b.shr(both, b.i32(4)), b.i32(15)), zero)));
    const [p, q] = [b.getLocal(x), b.getLocal(y)];
    b.if(b.ne(p, q), () => b.setLocal(cc, b.select(b.ltU(p, q), b.i32(1), b.i32(2))));
    breakIf(b.getLocal(cc));
    b.setLocal(done, b.add(at, b.i64(1)));
  });
  const n = b.getLocal(done);
  const [n1, n2] = [minimum(b, n, l1), minimum(b, n, l2)];
  b.set(out(OUT_A1), b.add(a1, n1));
  b.set(out(OUT_L1), b.sub(l1, n1));
  b.set(out(OUT_A2), b.add(a2, n2));
  b.set(out(OUT_L2), b.sub(l2, n2));
  return b.getLocal(cc);
});

/** Address in a register of a pair that instructions advance. */
const setAddress = (i: Insn, n: number, value: Value): void => {
  if (i.amode === 3) i.set64(n, value);
  else i.set32(n, i.wrap(value));
};
/** Length of MVCL and CLCL: 24 bits; the byte in front of it stays. */
const get24 = (i: Insn, n: number): Value => i.b.zext(i.get64(n), 24);
const set24 = (i: Insn, n: number, v: Value): void => i.set64(n, i.b.deposit(i.get64(n), 0, 24, v));
/** Length of the extended forms: 64 bits, or in the smaller modes 32. */
const getLong = (i: Insn, n: number): Value => (i.amode === 3 ? i.get64(n) : i.get32u(n));
const setLong = (i: Insn, n: number, v: Value): void => {
  if (i.amode === 3) i.set64(n, v);
  else i.set32(n, v);
};

/** Puts addresses and lengths of two pairs into `block`. */
function setBlock(i: Insn, first: number, second: number, length: (i: Insn, n: number) => Value): void {
  const { b } = i;
  b.set(out(OUT_A1), i.wrap(i.get64(first)));
  b.set(out(OUT_L1), length(i, first + 1));
  b.set(out(OUT_A2), i.wrap(i.get64(second)));
  b.set(out(OUT_L2), length(i, second + 1));
}

/** Takes them back into the registers. */
function getBlock(i: Insn, first: number, second: number, set: (i: Insn, n: number, v: Value) => void): void {
  const { b } = i;
  setAddress(i, first, b.get(out(OUT_A1)));
  set(i, first + 1, b.get(out(OUT_L1)));
  setAddress(i, second, b.get(out(OUT_A2)));
  set(i, second + 1, b.get(out(OUT_L2)));
}

const bothRegisters = (i: Insn, second: number): Value => twoSpaces(i.b, i.space(i.f.r1), i.space(second));

/** Goes on at this instruction while a condition holds: it is interruptible here. */
function again(i: Insn, more: Value): void {
  const here = i.b.i64x(i.pcLo, i.pcHi);
  i.b.if(more, () => i.b.gotoIndirect(here));
}

const compareValues = (i: Insn, x: Value, y: Value): void => {
  const { b } = i;
  i.setCcValue(b.select(b.eq(x, y), b.i32(0), b.select(b.ltU(x, y), b.i32(1), b.i32(2))));
};

const moveLong: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r1, r2);
  setBlock(i, r1, r2, get24);
  const [a1, l1, a2, l2] = [OUT_A1, OUT_L1, OUT_A2, OUT_L2].map((n) => b.local('i64', b.get(out(n)))) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const v = (n: Value): Value => b.getLocal(n);
  // Destructive overlap: the first operand begins within what is still to be moved.
  const moved = minimum(b, v(l1), v(l2));
  const behind = b.sub(v(a1), v(a2));
  const overlap = b.and(b.gtU(moved, b.i64(1)), b.and(b.ne(behind, b.i64(0)), b.ltU(behind, moved)));
  const pad = b.wrap(b.extract(i.get64(r2 + 1), 24, 8));
  const both = bothRegisters(i, r2);
  b.if(b.eqz(overlap), () => {
    i.call(moveLongStep, pad, both);
    getBlock(i, r1, r2, set24);
    again(i, b.ne(b.get(out(OUT_L1)), b.i64(0)));
  });
  const equal = b.select(b.ltU(v(l1), v(l2)), b.i32(1), b.i32(2));
  const cc = b.select(b.eq(v(l1), v(l2)), b.i32(0), equal);
  i.setCcValue(b.select(overlap, b.i32(3), cc));
};

const compareLong: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r1, r2);
  setBlock(i, r1, r2, get24);
  const pad = b.wrap(b.extract(i.get64(r2 + 1), 24, 8));
  const cc = b.local('i32', i.call(compareLongStep, pad, bothRegisters(i, r2)));
  getBlock(i, r1, r2, set24);
  const left = b.or(b.get(out(OUT_L1)), b.get(out(OUT_L2)));
  again(i, b.and(b.eqz(b.getLocal(cc)), b.ne(left, b.i64(0))));
  i.setCcValue(b.getLocal(cc));
};

const moveLongExtended: Emitter = (i) => {
  const { b } = i;
  const { r1, r3 } = i.f;
  i.evenOdd(r1, r3);
  const pad = b.wrap(i.address(i.f.b2, i.f.d2));
  setBlock(i, r1, r3, getLong);
  const l1 = b.local('i64', b.get(out(OUT_L1)));
  const l2 = b.local('i64', b.get(out(OUT_L2)));
  i.call(moveLongStep, pad, bothRegisters(i, r3));
  getBlock(i, r1, r3, setLong);
  again(i, b.ne(b.get(out(OUT_L1)), b.i64(0)));
  compareValues(i, b.getLocal(l1), b.getLocal(l2));
};

const compareLongExtended: Emitter = (i) => {
  const { b } = i;
  const { r1, r3 } = i.f;
  i.evenOdd(r1, r3);
  const pad = b.wrap(i.address(i.f.b2, i.f.d2));
  setBlock(i, r1, r3, getLong);
  const cc = b.local('i32', i.call(compareLongStep, pad, bothRegisters(i, r3)));
  getBlock(i, r1, r3, setLong);
  const left = b.or(b.get(out(OUT_L1)), b.get(out(OUT_L2)));
  again(i, b.and(b.eqz(b.getLocal(cc)), b.ne(left, b.i64(0))));
  i.setCcValue(b.getLocal(cc));
};

// --- strings that end with a byte ---

/** Most bytes that one execution of a string instruction looks at; condition code 3 says that there is more. */
const STRING_STEP = 256;

/**
 * SRST: (from, end, byte, space) -> place of the byte, with `block[0]` the condition code: 1 found, 2 not, 3 go on there.
 */
const searchString = defineHelper('s390_srst', ['i64', 'i64', 'i64', 'i32'], 'i64', (b, from, end, byte, mmu) => {
  const at = b.local('i64', from);
  times(b, b.i32(4096), () => {
    const place = b.getLocal(at);
    b.if(b.eq(place, end), () => {
      b.set(out(0), b.i64(2));
      b.return_(place);
    });
    const found = loadByte(b, place, mmu, place);
    b.if(b.eq(found, byte), () => {
      b.set(out(0), b.i64(1));
      b.return_(place);
    });
    b.setLocal(at, b.add(place, b.i64(1)));
  });
  b.set(out(0), b.i64(3));
  return b.getLocal(at);
});

const search: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff00)), b.i64(0)), PGM.specification);
  const [from, end] = [i.wrap(i.get64(r2)), i.wrap(i.get64(r1))];
  const place = b.local('i64', i.call(searchString, from, end, b.zext(i.get64(0), 8), i.space(r2)));
  const cc = b.wrap(b.get(out(0)));
  b.if(b.eq(cc, b.i32(1)), () => setAddress(i, r1, b.getLocal(place)));
  b.if(b.eq(cc, b.i32(3)), () => setAddress(i, r2, b.getLocal(place)));
  i.setCcValue(cc);
};

/** MVST: (to, from, end byte, spaces) -> bytes moved, with `block[0]` the condition code: 1 the end was moved, 3 go on. */
const moveStringStep = defineHelper('s390_mvst', ['i64', 'i64', 'i64', 'i32'], 'i64', (b, to, from, end, both) => {
  const room = minimum(b, b.extend32U(toPageEnd(b, to)), b.extend32U(toPageEnd(b, from)));
  const none = b.i64(0);
  const mmu1 = b.and(both, b.i32(15));
  const mmu2 = b.and(b.shr(both, b.i32(4)), b.i32(15));
  times(b, b.wrap(room), (n) => {
    const at = b.extend32U(n);
    const byte = loadByte(b, b.add(from, at), mmu2, none);
    storeByte(b, b.add(to, at), byte, mmu1, none);
    b.if(b.eq(byte, end), () => {
      b.set(out(0), b.i64(1));
      b.return_(at);
    });
  });
  b.set(out(0), b.i64(3));
  return room;
});

const moveString: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff00)), b.i64(0)), PGM.specification);
  const [to, from] = [i.wrap(i.get64(r1)), i.wrap(i.get64(r2))];
  const both = bothRegisters(i, r2);
  const moved = b.local('i64', i.call(moveStringStep, to, from, b.zext(i.get64(0), 8), both));
  const cc = b.wrap(b.get(out(0)));
  setAddress(i, r1, b.add(to, b.getLocal(moved)));
  b.if(b.eq(cc, b.i32(3)), () => setAddress(i, r2, b.add(from, b.getLocal(moved))));
  i.setCcValue(cc);
};

/** CLST: (first, second, end byte, spaces) -> bytes that are the same, with `block[0]` the condition code. */
const compareStringStep = defineHelper(
  's390_clst',
  ['i64', 'i64', 'i64', 'i32'],
  'i64',
  (b, first, second, end, both) => {
    const none = b.i64(0);
    times(b, b.i32(STRING_STEP), (n) => {
      const at = b.extend32U(n);
      const x = loadByte(b, b.add(first, at), b.and(both, b.i32(15)), none);
      const y = loadByte(b, b.add(second, at), b.and(b.shr(both, b.i32(4)), b.i32(15)), none);
      const [endX, endY] = [b.eq(x, end), b.eq(y, end)];
      const finish = (cc: Value): void => {
        b.set(out(0), b.extend32U(cc));
        b.return_(at);
      };
      b.if(b.and(endX, endY), () => finish(b.i32(0)));
      // The ending byte is low against any other.
      b.if(endX, () => finish(b.i32(1)));
      b.if(endY, () => finish(b.i32(2)));
      b.if(b.ne(x, y), () => finish(b.select(b.ltU(x, y), b.i32(1), b.i32(2))));
    });
    b.set(out(0), b.i64(3));
    return b.i64(STRING_STEP);
  },
);

const compareString: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff00)), b.i64(0)), PGM.specification);
  const [first, second] = [i.wrap(i.get64(r1)), i.wrap(i.get64(r2))];
  const both = bothRegisters(i, r2);
  const same = b.local('i64', i.call(compareStringStep, first, second, b.zext(i.get64(0), 8), both));
  const cc = b.wrap(b.get(out(0)));
  b.if(b.ne(cc, b.i32(0)), () => {
    setAddress(i, r1, b.add(first, b.getLocal(same)));
    setAddress(i, r2, b.add(second, b.getLocal(same)));
  });
  i.setCcValue(cc);
};

// --- checksum ---

/** CKSM: (sum, address, bytes (at most a page), space) -> the sum of words with end-around carry. */
const checksumStep = defineHelper('s390_cksm', ['i64', 'i64', 'i32', 'i32'], 'i64', (b, sum, address, bytes, mmu) => {
  const total = b.local('i64', sum);
  const word = b.local('i64', b.i64(0));
  times(b, bytes, (n) => {
    const byte = loadByte(b, b.add(address, b.extend32U(n)), mmu, sum);
    const shift = b.extend32U(b.shl(b.sub(b.i32(3), b.and(n, b.i32(3))), b.i32(3)));
    b.setLocal(word, b.shl(byte, shift));
    const added = b.add(b.getLocal(total), b.getLocal(word));
    b.setLocal(total, b.add(b.zext(added, 32), b.shr(added, b.i64(32))));
  });
  return b.getLocal(total);
});

const checksum: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r2);
  const address = i.wrap(i.get64(r2));
  const left = getLong(i, r2 + 1);
  const count = b.local('i64', minimum(b, left, b.i64(1024)));
  const sum = b.local('i64', i.call(checksumStep, i.get32u(r1), address, b.wrap(b.getLocal(count)), i.space(r2)));
  const rest = b.local('i64', b.sub(left, b.getLocal(count)));
  i.set32(r1, b.getLocal(sum));
  setAddress(i, r2, b.add(address, b.getLocal(count)));
  setLong(i, r2 + 1, b.getLocal(rest));
  again(i, b.ne(b.getLocal(rest), b.i64(0)));
  i.setCcValue(b.i32(0));
};

// --- pairs of doublewords, test and set ---

const loadPair: Emitter = (i) => {
  i.evenOdd(i.f.r1);
  const address = i.address2();
  i.aligned(address, 16);
  const [high, low] = [i.load(address, i.f.b2, 8), i.load(i.b.add(address, i.b.i64(8)), i.f.b2, 8)];
  i.set64(i.f.r1, high);
  i.set64(i.f.r1 + 1, low);
};
const storePair: Emitter = (i) => {
  i.evenOdd(i.f.r1);
  const address = i.address2();
  i.aligned(address, 16);
  i.store(address, i.f.b2, i.get64(i.f.r1), 8);
  i.store(i.b.add(address, i.b.i64(8)), i.f.b2, i.get64(i.f.r1 + 1), 8);
};

/** LPD and LPDG: two operands, interlocked where nobody changes them; condition code 0 says that they are. */
const loadPairDisjoint =
  (size: 4 | 8): Emitter =>
  (i) => {
    const { r3 } = i.f;
    i.evenOdd(r3);
    const [x, y] = [i.address1(), i.address2()];
    i.aligned(x, size);
    i.aligned(y, size);
    const [first, second] = [i.load(x, i.f.b1, size), i.load(y, i.f.b2, size)];
    if (size === 8) {
      i.set64(r3, first);
      i.set64(r3 + 1, second);
    } else {
      i.set32(r3, first);
      i.set32(r3 + 1, second);
    }
    i.setCcValue(i.b.i32(0));
  };

const testAndSet: Emitter = (i) => {
  const old = i.atomic('or', i.address2(), i.f.b2, i.b.i64(255), 1);
  // The byte becomes all ones, and its leftmost bit before is the condition code.
  i.setCcValue(i.b.wrap(i.b.shr(old, i.b.i64(7))));
};

export const storageSemantics: Readonly<Record<string, Emitter>> = {
  mvc: move,
  mvcin: storageToStorage(moveInverse),
  mvcrl: (i) => {
    const { b } = i;
    const bytes = b.add(b.and(i.get32(0), b.i32(255)), b.i32(1));
    i.call(moveRightToLeft, i.address1(), i.address2(), bytes, spaces(i));
  },
  mvn: storageToStorage(moveNumerics),
  mvz: storageToStorage(moveZones),
  nc: storageToStorage(andBytes, nonZero),
  oc: storageToStorage(orBytes, nonZero),
  xc: exclusiveOr,
  clc: storageToStorage(compareBytes, asCc),
  tr: storageToStorage(translateBytes),
  trt: translateAndTest(false),
  trtr: translateAndTest(true),
  mvcl: moveLong,
  clcl: compareLong,
  mvcle: moveLongExtended,
  clcle: compareLongExtended,
  srst: search,
  mvst: moveString,
  clst: compareString,
  cksm: checksum,
  lpq: loadPair,
  stpq: storePair,
  lpd: loadPairDisjoint(4),
  lpdg: loadPairDisjoint(8),
  ts: testAndSet,
};
