/**
 * Semantics of the instructions that load, store and change the PSW: masks, keys, address-space control. Principles of Operation,
 * SA22-7832, chapter "Control Instructions".
 */
import type { Value } from '@boardwalk/translator';
import { CR0, PGM, PSW } from '../../bits.ts';
import { CC } from '../../condition.ts';
import { loadPsw } from '../../psw.ts';
import { block, cr, pswMask } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { changeMask, cr0 } from './authority.ts';

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
  const address = i.alignedAddress2(8);
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
  const address = i.alignedAddress2(8);
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
  i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
  i.raiseIf(b.gtU(code, b.i64(3)), PGM.specification);
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

export const pswSemantics: Readonly<Record<string, Emitter>> = {
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
  mc: monitorCall,
};
