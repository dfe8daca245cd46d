/**
 * Semantics of branches, EXECUTE, supervisor call, compare and trap. Principles of
 * Operation, SA22-7832, chapter "General Instructions".
 */
import type { Value } from '@boardwalk/translator';
import { DXC, PGM, PSW, SUPERVISOR_CALL } from '../bits.ts';
import { comparison } from '../condition.ts';
import { AMODE_24, AMODE_31, AMODE_64 } from '../mode.ts';
import { updateMode } from '../psw.ts';
import { common, pswMask } from '../state.ts';
import { executeHere, setExecute } from './execute.ts';
import type { Emitter, Insn } from './insn.ts';
import { byteSemantics } from './storage/bytes.ts';

/** Address of the next instruction as BRANCH AND SAVE leaves it: with the addressing mode in 31-bit mode. */
function linkValue(i: Insn): Value {
  return i.amode === AMODE_31 ? i.b.i64x(i.nextPc()[0] | 0x8000_0000, 0) : i.next();
}

/** Sets the link register: 64 bits, or in the smaller modes its right half. */
function setLink(i: Insn, n: number, value: Value): void {
  if (i.amode === AMODE_64) i.set64(n, value);
  else i.set32(n, value);
}

const branchOnCondition: Emitter = (i) => {
  const { m1 } = i.f;
  if (m1 === 0) return;
  if (m1 === 15) return i.jumpRelative();
  i.branchRelative(i.condition(m1));
};

/**
 * BCR with register 0: a mask of 14 or 15 serializes. Where CPUs take turns in one thread accesses are in order anyway. On threads of
 * their own a fetch passes an earlier store; and with 15 instructions that another CPU has changed must be seen.
 */
function serialize(i: Insn): void {
  const { b } = i;
  const { m1 } = i.f;
  if (m1 < 14 || !b.isConcurrent) return;
  b.fence();
  if (m1 === 15) i.exit();
}

const branchOnConditionTo = (target: (i: Insn) => Value, isNop: (i: Insn) => boolean): Emitter => {
  return (i) => {
    const { m1 } = i.f;
    if (isNop(i)) return serialize(i);
    if (m1 === 0) return;
    if (m1 === 15) return i.jump(target(i));
    const taken = i.condition(m1);
    i.branch(taken, target(i));
  };
};

const register2 = (i: Insn): Value => i.get64(i.f.r2);

/** BRAS, BRASL. */
const branchRelativeAndSave: Emitter = (i) => {
  setLink(i, i.f.r1, linkValue(i));
  i.jumpRelative();
};

/** BASR: register 0 as the target saves without a branch. */
const branchAndSaveRegister: Emitter = (i) => {
  const { r1, r2 } = i.f;
  const target = register2(i);
  setLink(i, r1, linkValue(i));
  if (r2 !== 0) i.jump(target);
};

const branchAndSave: Emitter = (i) => {
  const target = i.address2();
  setLink(i, i.f.r1, linkValue(i));
  i.jump(target);
};

/** What BRANCH AND LINK leaves in 24-bit mode: length, condition code and program mask in the left byte. */
function linkInformation(i: Insn): Value {
  if (i.amode !== AMODE_24) return linkValue(i);
  const { b } = i;
  const programMask = b.wrap(b.extract(b.get(pswMask), 40, 4));
  const byte = b.or(b.or(b.i32((i.length / 2) << 6), b.shl(i.cc(), b.i32(4))), programMask);
  return b.or(b.shl(b.extend32U(byte), b.i64(24)), b.i64(i.nextPc()[0]));
}

const branchAndLinkRegister: Emitter = (i) => {
  const { r1, r2 } = i.f;
  const target = register2(i);
  setLink(i, r1, linkInformation(i));
  if (r2 !== 0) i.jump(target);
};

const branchAndLink: Emitter = (i) => {
  const target = i.address2();
  setLink(i, i.f.r1, linkInformation(i));
  i.jump(target);
};

/** BRANCH ON COUNT: register `r1` less one, and whether that is not zero. */
function countDown(i: Insn, bits: 32 | 64): Value {
  const { b } = i;
  const { r1 } = i.f;
  if (bits === 64) {
    const left = b.sub(i.get64(r1), b.i64(1));
    i.set64(r1, left);
    return b.ne(left, b.i64(0));
  }
  const left = b.sub(i.get32(r1), b.i32(1));
  i.set32(r1, b.extend32U(left));
  return b.ne(left, b.i32(0));
}

const countRegister =
  (bits: 32 | 64): Emitter =>
  (i) => {
    const target = register2(i);
    const goOn = countDown(i, bits);
    if (i.f.r2 !== 0) i.branch(goOn, target);
  };
const countIndexed =
  (bits: 32 | 64): Emitter =>
  (i) => {
    const target = i.address2();
    i.branch(countDown(i, bits), target);
  };
const countHigh: Emitter = (i) => {
  const { b } = i;
  const left = b.zext(b.sub(i.getHigh(i.f.r1), b.i64(1)), 32);
  i.setHigh(i.f.r1, left);
  i.branchRelative(b.ne(left, b.i64(0)));
};

/** BRANCH ON INDEX: r1 + r3 against the odd register of r3's pair. */
function indexed(i: Insn, bits: 32 | 64, high: boolean): Value {
  const { b } = i;
  const { r1, r3 } = i.f;
  const read = (n: number): Value => (bits === 64 ? i.get64(n) : i.get32s(n));
  const limit = read(r3 | 1);
  const sum = b.add(read(r1), read(r3));
  const next = bits === 64 ? sum : b.sext(sum, 32);
  if (bits === 64) i.set64(r1, next);
  else i.set32(r1, next);
  return high ? b.gtS(next, limit) : b.leS(next, limit);
}

const onIndex =
  (bits: 32 | 64, high: boolean): Emitter =>
  (i) => {
    const target = i.address(i.f.b2, i.f.d2);
    i.branch(indexed(i, bits, high), target);
  };
const onIndexRelative =
  (bits: 32 | 64, high: boolean): Emitter =>
  (i) =>
    i.branchRelative(indexed(i, bits, high));

type Operand = (i: Insn) => Value;
/** Words compare as i32: half the operations of a comparison of what they are extended to. */
const r1w: Operand = (i) => i.get32(i.f.r1);
const r1g: Operand = (i) => i.get64(i.f.r1);
const r2w: Operand = (i) => i.get32(i.f.r2);
const r2g: Operand = (i) => i.get64(i.f.r2);
const signedByte: Operand = (i) => i.b.i64(i.f.i2);
const unsignedByte: Operand = (i) => i.b.i64(i.f.i2 & 255);
const signedHalf: Operand = (i) => i.b.i64(i.f.i2);
const unsignedHalf: Operand = (i) => i.b.i64(i.f.i2 & 0xffff);
const signedWord: Operand = (i) => i.b.i32(i.f.i2);
const byteWord: Operand = (i) => i.b.i32(i.f.i2 & 255);
const halfWord: Operand = (i) => i.b.i32(i.f.i2 & 0xffff);

/** Whether two operands compare as `m3` says: 8 equal, 4 low, 2 high. */
function compared(i: Insn, first: Operand, second: Operand, signed: boolean): Value {
  const [x, y] = [first(i), second(i)];
  const mask = i.f.m3 & 14;
  return comparison(i.b, mask, signed, x, y) ?? i.b.i32(mask === 0 ? 0 : 1);
}

const compareAndJump =
  (first: Operand, second: Operand, signed: boolean): Emitter =>
  (i) =>
    i.branchRelative(compared(i, first, second, signed));

const compareAndBranch =
  (first: Operand, second: Operand, signed: boolean): Emitter =>
  (i) => {
    const target = i.address(i.f.b4, i.f.d4);
    i.branch(compared(i, first, second, signed), target);
  };

const compareAndTrap =
  (first: Operand, second: Operand, signed: boolean): Emitter =>
  (i) => {
    const { b } = i;
    b.if(compared(i, first, second, signed), () => i.raise(PGM.data, b.i64(DXC.compareAndTrap)));
  };
/** The same where the second operand lies in storage. */
const m32 = (i: Insn): Value => i.load(i.address(i.f.b2, i.f.d2), i.f.b2, 4);
const m32w = (i: Insn): Value => i.b.wrap(m32(i));
const m64 = (i: Insn): Value => i.load(i.address(i.f.b2, i.f.d2), i.f.b2, 8);

/** LOAD AND TRAP: a zero traps, after it is loaded. */
const loadAndTrap =
  (load: (i: Insn) => Value, target: (i: Insn, v: Value) => void): Emitter =>
  (i) => {
    const { b } = i;
    const value = load(i);
    target(i, value);
    b.if(b.eqz(value), () => i.raise(PGM.data, b.i64(DXC.compareAndTrap)));
  };

/** Sets the addressing mode, as bits 31 and 32 of the PSW. */
function setAddressingMode(i: Insn, extended: Value, basic: Value): void {
  const { b } = i;
  const bits = b.or(b.shl(b.extend32U(extended), b.i64(32)), b.shl(b.extend32U(basic), b.i64(31)));
  b.set(pswMask, b.or(b.and(b.get(pswMask), b.big(~(PSW.EXTENDED | PSW.BASIC))), bits));
  b.call(updateMode);
}

/** SAM24, SAM31, SAM64: the present instruction must lie where the new mode reaches. */
const setMode =
  (amode: number): Emitter =>
  (i) => {
    const { b } = i;
    const reach = amode === AMODE_24 ? 0xff_ffff : 0x7fff_ffff;
    if (amode !== AMODE_64 && (i.pcHi !== 0 || i.pcLo >>> 0 > reach)) i.refuse(PGM.specification);
    setAddressingMode(i, b.i32(amode >> 1), b.i32(amode & 1));
    i.exit();
  };

/** What BSM and BASSM leave in a register: bit 63 in 64-bit mode, bit 32 else. */
function saveMode(i: Insn, n: number): void {
  const { b } = i;
  if (i.amode === AMODE_64) i.set64(n, b.or(i.get64(n), b.i64(1)));
  else i.set64(n, b.deposit(i.get64(n), 31, 1, b.i64(i.amode)));
}

/** Branches to an address that says its mode: bit 63 one is 64-bit mode, else bit 32 tells 31 from 24. */
function branchAndSetMode(i: Insn, target: Value): void {
  const { b } = i;
  const extended = b.wrap(b.and(target, b.i64(1)));
  const basic = b.or(extended, b.wrap(b.extract(target, 31, 1)));
  setAddressingMode(i, extended, basic);
  const small = b.select(basic, b.i64(0x7fff_ffff), b.i64(0xff_ffff));
  b.set(common.pc, b.select(extended, b.and(target, b.i64(-2)), b.and(target, small)));
  b.exitToLookup();
  i.ended = true;
}

const branchSetMode: Emitter = (i) => {
  const { r1, r2 } = i.f;
  const target = register2(i);
  if (r1 !== 0) saveMode(i, r1);
  if (r2 !== 0) branchAndSetMode(i, target);
};

const branchSaveSetMode: Emitter = (i) => {
  const { r1, r2 } = i.f;
  const target = register2(i);
  if (i.amode === AMODE_64) i.set64(r1, i.b.or(i.next(), i.b.i64(1)));
  else setLink(i, r1, linkValue(i));
  if (r2 !== 0) branchAndSetMode(i, target);
};

/** EXECUTE: the target, its second byte or-ed with that of `r1`, is executed in place of this instruction. */
const execute: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  b.if(b.wrap(b.and(address, b.i64(1))), () => i.raise(PGM.specification));
  setExecute(i, address);
};
const executeRelative: Emitter = (i) => {
  if (!executeHere(i, byteSemantics)) setExecute(i, i.relativeAddress());
};

const nothing: Emitter = () => {};

/** Results and names of the compare-and families by the rest of the mnemonic. */
function family(suffix: string, make: (f: Operand, s: Operand, signed: boolean) => Emitter): Record<string, Emitter> {
  return {
    [`cr${suffix}`]: make(r1w, r2w, true),
    [`cgr${suffix}`]: make(r1g, r2g, true),
    [`clr${suffix}`]: make(r1w, r2w, false),
    [`clgr${suffix}`]: make(r1g, r2g, false),
    [`ci${suffix}`]: make(r1w, signedWord, true),
    [`cgi${suffix}`]: make(r1g, signedByte, true),
    [`cli${suffix}`]: make(r1w, byteWord, false),
    [`clgi${suffix}`]: make(r1g, unsignedByte, false),
  };
}

export const branchSemantics: Readonly<Record<string, Emitter>> = {
  brc: branchOnCondition,
  brcl: branchOnCondition,
  bcr: branchOnConditionTo(register2, (i) => i.f.r2 === 0),
  bc: branchOnConditionTo(
    (i) => i.address2(),
    () => false,
  ),
  bic: branchOnConditionTo(
    (i) => i.load2(8),
    () => false,
  ),
  bras: branchRelativeAndSave,
  brasl: branchRelativeAndSave,
  basr: branchAndSaveRegister,
  bas: branchAndSave,
  balr: branchAndLinkRegister,
  bal: branchAndLink,
  bctr: countRegister(32),
  bctgr: countRegister(64),
  bct: countIndexed(32),
  bctg: countIndexed(64),
  brct: (i) => i.branchRelative(countDown(i, 32)),
  brctg: (i) => i.branchRelative(countDown(i, 64)),
  brcth: countHigh,
  bxh: onIndex(32, true),
  bxle: onIndex(32, false),
  bxhg: onIndex(64, true),
  bxleg: onIndex(64, false),
  brxh: onIndexRelative(32, true),
  brxle: onIndexRelative(32, false),
  brxhg: onIndexRelative(64, true),
  brxlg: onIndexRelative(64, false),
  ...family('j', compareAndJump),
  ...family('b', compareAndBranch),
  crt: compareAndTrap(r1w, r2w, true),
  cgrt: compareAndTrap(r1g, r2g, true),
  clrt: compareAndTrap(r1w, r2w, false),
  clgrt: compareAndTrap(r1g, r2g, false),
  cit: compareAndTrap(r1w, signedWord, true),
  cgit: compareAndTrap(r1g, signedHalf, true),
  clfit: compareAndTrap(r1w, halfWord, false),
  clgit: compareAndTrap(r1g, unsignedHalf, false),
  clt: compareAndTrap(r1w, m32w, false),
  clgt: compareAndTrap(r1g, m64, false),
  lat: loadAndTrap(
    (i) => i.load2(4),
    (i, v) => i.set32(i.f.r1, v),
  ),
  lgat: loadAndTrap(
    (i) => i.load2(8),
    (i, v) => i.set64(i.f.r1, v),
  ),
  lfhat: loadAndTrap(
    (i) => i.load2(4),
    (i, v) => i.setHigh(i.f.r1, v),
  ),
  llgfat: loadAndTrap(
    (i) => i.load2(4),
    (i, v) => i.set64(i.f.r1, v),
  ),
  llgtat: loadAndTrap(
    (i) => i.b.zext(i.load2(4), 31),
    (i, v) => i.set64(i.f.r1, v),
  ),
  sam24: setMode(AMODE_24),
  sam31: setMode(AMODE_31),
  sam64: setMode(AMODE_64),
  tam: (i) => i.setCcValue(i.b.i32(i.amode)),
  bsm: branchSetMode,
  bassm: branchSaveSetMode,
  ex: execute,
  exrl: executeRelative,
  svc: (i) => i.refuse(SUPERVISOR_CALL + i.f.i2),
  pfd: nothing,
  pfdrl: nothing,
  bpp: nothing,
  bprp: nothing,
  niai: nothing,
  // Transactions that failed are what it helps with; there are none.
  ppa: nothing,
};
