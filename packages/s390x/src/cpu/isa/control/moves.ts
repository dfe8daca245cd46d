/**
 * Semantics of moves between address spaces, and with access keys. Principles of Operation, SA22-7832, chapter "Control
 * Instructions".
 */
import { defineHelper, type IrHelper, type Value } from '@boardwalk/translator';
import { CR0, PGM, PSW } from '../../bits.ts';
import { leaveOnFault, moveBytes, twoSpaces } from '../../memory.ts';
import { MMU_EXPLICIT, MMU_REAL } from '../../mode.ts';
import { updateMode } from '../../psw.ts';
import { spaceOf } from '../../spaces.ts';
import { ar, cr, explicit, primaryMmu, pswMask, secondaryMmu } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { checkedKey, cr0 } from './authority.ts';

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

export const spaceMoveSemantics: Readonly<Record<string, Emitter>> = {
  mvcp: moveBetweenSpaces(true),
  mvcs: moveBetweenSpaces(false),
  mvck: moveWithKey,
  mvcsk: moveWithOneKey(false),
  mvcdk: moveWithOneKey(true),
  mvcos: moveWithOptionalSpecifications,
  mvpg: movePage,
};
