/**
 * The program-status word: composing and loading it, and the mode word that follows from it. Principles of Operation, SA22-7832,
 * chapter "Control", "Program-Status-Word Format".
 */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { AS_HOME, AS_REGISTER, AS_SECONDARY, CR0, IRQ, PSW } from './bits.ts';
import { CC, conditionCode } from './condition.ts';
import {
  MMU_EXPLICIT,
  MMU_KEYED_FETCH,
  MMU_REAL,
  MODE_AFP_SHIFT,
  MODE_AR,
  MODE_DATA_SHIFT,
  MODE_FETCH_SHIFT,
  MODE_FIXED_OVERFLOW_SHIFT,
  MODE_FLOAT_TRAPS_SHIFT,
  MODE_PER,
  MODE_PROBLEM,
  MODE_ROUNDING_SHIFT,
  MODE_VECTOR_SHIFT,
} from './mode.ts';
import { isWatching } from './per.ts';
import {
  ccA,
  ccKind,
  common,
  cr,
  explicit,
  fpc,
  homeMmu,
  POOL,
  poolAsce,
  primaryMmu,
  pswMask,
  secondaryMmu,
} from './state.ts';

const slot = <T>(list: readonly T[], n: number): T => {
  const found = list[n];
  if (found === undefined) throw new Error(`no register ${n}`);
  return found;
};
const cr0 = slot(cr, 0);

const bit = (b: IrBuilder, word: Value, mask: bigint): Value => b.ne(b.and(word, b.big(mask)), b.i64(0));

/** The designation that a regime of the pool translates, or -1. */
const asceOf = (b: IrBuilder, mmu: Value): Value =>
  poolAsce.reduceRight<Value>((other, of, n) => b.select(b.eq(mmu, b.i32(n + 1)), b.get(of), other), b.i64(-1));

/**
 * (designation, the register's regime so far, regimes of the two other registers or 0) -> the regime that translates the register's
 * space. A new space takes the place of the one that the register designated before, whose translations are forgotten: what is
 * compiled for one process is right for the next, as the mode word names the regime.
 */
const regimeFor: IrHelper = defineHelper('s390_regime', ['i64', 'i32', 'i32', 'i32'], 'i32', (b, asce, own, x, y) => {
  for (const mmu of [own, x, y]) b.if(b.eq(asceOf(b, mmu), asce), () => b.return_(mmu));
  const taken = b.local('i32', own);
  for (let n = POOL; n > 0; n--) {
    const isShared = b.or(b.eq(b.getLocal(taken), x), b.eq(b.getLocal(taken), y));
    b.if(isShared, () => b.setLocal(taken, b.i32(n)));
  }
  for (const [n, of] of poolAsce.entries()) b.if(b.eq(b.getLocal(taken), b.i32(n + 1)), () => b.set(of, asce));
  b.tlbFlushRegime(b.getLocal(taken));
  return b.getLocal(taken);
});

/** Control registers that designate spaces, and their regimes. */
const SPACES = [
  [slot(cr, 1), primaryMmu],
  [slot(cr, 7), secondaryMmu],
  [slot(cr, 13), homeMmu],
] as const;

/** Finds the regimes of the spaces that control registers 1, 7 and 13 designate, and the mode. Call it when one has changed. */
export const updateSpaces: IrHelper = defineHelper('s390_update_spaces', [], undefined, (b) => {
  for (const [register, regime] of SPACES) {
    const others = SPACES.filter(([other]) => other !== register).map(([other, mmu]) =>
      b.select(b.eq(asceOf(b, b.get(mmu)), b.get(other)), b.get(mmu), b.i32(0)),
    );
    const [x = b.i32(0), y = b.i32(0)] = others;
    b.set(regime, b.call(regimeFor, b.get(register), b.get(regime), x, y));
  }
  b.call(updateMode);
});

/** (designation): forgets what was translated by it. */
export const forgetSpace: IrHelper = defineHelper('s390_forget_space', ['i64'], undefined, (b, asce) => {
  // The table's origin tells one space from another.
  const origin = b.and(asce, b.i64(-4096));
  for (const [n, of] of poolAsce.entries()) {
    b.if(b.eq(b.and(b.get(of), b.i64(-4096)), origin), () => b.tlbFlushRegime(b.i32(n + 1)));
  }
});

/** Computes the mode word from the PSW, control register 0, the FPC and the regimes. Call it when one of them has changed. */
export const updateMode: IrHelper = defineHelper('s390_update_mode', [], undefined, (b) => {
  const mask = b.get(pswMask);
  const control = b.get(cr0);
  const flag = (word: Value, which: bigint, shift: number): Value => b.shl(bit(b, word, which), b.i32(shift));
  const as = b.wrap(b.extract(mask, PSW.AS_SHIFT, 2));
  const key = b.wrap(b.extract(mask, PSW.KEY_SHIFT, 4));
  const dat = bit(b, mask, PSW.DAT);
  const data = b.local('i32', b.i32(MMU_REAL));
  const fetch = b.local('i32', b.i32(MMU_REAL));
  b.if(dat, () => {
    const home = b.eq(as, b.i32(AS_HOME));
    b.setLocal(fetch, b.select(home, b.get(homeMmu), b.get(primaryMmu)));
    b.setLocal(data, b.select(b.eq(as, b.i32(AS_SECONDARY)), b.get(secondaryMmu), b.getLocal(fetch)));
  });
  // A key that is not zero is checked at each access.
  b.set(explicit.key, key);
  b.set(explicit.as, as);
  b.set(explicit.real, b.eqz(dat));
  const secondary = b.eq(as, b.i32(AS_SECONDARY));
  const primaryOr = b.select(b.eq(as, b.i32(AS_HOME)), b.get(slot(cr, 13)), b.get(slot(cr, 1)));
  b.set(explicit.asce, b.select(secondary, b.get(slot(cr, 7)), primaryOr));
  b.if(key, () => {
    b.setLocal(data, b.i32(MMU_EXPLICIT));
    b.setLocal(fetch, b.i32(MMU_KEYED_FETCH));
  });
  let mode = b.or(b.wrap(b.extract(mask, 31, 1)), flag(mask, PSW.EXTENDED, 1));
  mode = b.or(mode, b.select(bit(b, mask, PSW.PROBLEM), b.i32(MODE_PROBLEM), b.i32(0)));
  mode = b.or(mode, b.shl(b.getLocal(data), b.i32(MODE_DATA_SHIFT)));
  mode = b.or(mode, b.shl(b.getLocal(fetch), b.i32(MODE_FETCH_SHIFT)));
  mode = b.or(mode, b.select(b.and(dat, b.eq(as, b.i32(AS_REGISTER))), b.i32(MODE_AR), b.i32(0)));
  mode = b.or(mode, flag(control, CR0.AFP, MODE_AFP_SHIFT));
  mode = b.or(mode, flag(control, CR0.VECTOR, MODE_VECTOR_SHIFT));
  mode = b.or(mode, b.shl(b.and(b.get(fpc), b.i32(7)), b.i32(MODE_ROUNDING_SHIFT)));
  mode = b.or(mode, flag(mask, PSW.FIXED_OVERFLOW, MODE_FIXED_OVERFLOW_SHIFT));
  const traps = b.ne(b.and(b.get(fpc), b.i32(0xf800_0000 | 0)), b.i32(0));
  mode = b.or(mode, b.shl(traps, b.i32(MODE_FLOAT_TRAPS_SHIFT)));
  mode = b.or(mode, b.select(isWatching(b), b.i32(MODE_PER), b.i32(0)));
  b.set(common.mode, mode);
});

/** The mask half of the PSW with the condition code in it. */
export const currentMask: IrHelper = defineHelper('s390_psw_mask', [], 'i64', (b) => {
  return b.deposit(b.get(pswMask), PSW.CC_SHIFT, 2, b.extend32U(b.call(conditionCode)));
});

/**
 * (mask, address): makes them the PSW. One that is invalid is loaded all the same; a specification exception is recognized before
 * the next instruction.
 */
export const loadPsw: IrHelper = defineHelper('s390_load_psw', ['i64', 'i64'], undefined, (b, mask, address) => {
  b.set(pswMask, mask);
  b.set(common.pc, address);
  b.set(common.extra, b.i64(0));
  b.set(ccKind, b.i32(CC.value));
  b.set(ccA, b.extract(mask, PSW.CC_SHIFT, 2));
  b.set(common.halted, bit(b, mask, PSW.WAIT));
  const amode = b.extract(mask, 31, 2);
  const reach = b.select(b.eqz(amode), b.i64(0xff_ffff), b.i64(0x7fff_ffff));
  const tooHigh = b.and(b.ne(amode, b.i64(3)), b.gtU(address, reach));
  const invalid = b.or(b.or(bit(b, mask, PSW.RESERVED), b.eq(amode, b.i64(2))), tooHigh);
  b.if(invalid, () => {
    b.hostRmw('or', b.add(b.cpuBase(), b.i32(common.pendingIrq.offset)), b.i64(IRQ.invalidPsw), 4);
    b.set(common.halted, b.i32(0));
  });
  b.call(updateMode);
  b.if(b.or(b.get(common.pendingIrq), b.get(common.halted)), () => b.requestExit());
});
