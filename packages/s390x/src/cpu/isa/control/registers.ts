/**
 * Semantics of loads and stores of control registers, access registers and the prefix. Principles of Operation, SA22-7832, chapter
 * "Control Instructions".
 */
import { CR0, PGM, PSW } from '../../bits.ts';
import { updateMode, updateSpaces } from '../../psw.ts';
import { ar, common, cr, prefix, pswMask } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { cr0 } from './authority.ts';

/** Control registers that translation depends on. */
const SPACES = new Set([1, 7, 13]);

function controlRange(i: Insn): readonly number[] {
  const count = ((i.f.r3 - i.f.r1) & 15) + 1;
  return Array.from({ length: count }, (_, n) => (i.f.r1 + n) & 15);
}

const loadControl =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(size);
    const numbers = controlRange(i);
    const values = numbers.map((_, n) => i.load(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, size));
    for (const [n, number] of numbers.entries()) {
      const slot = slotOf(cr, number);
      const value = values[n] ?? b.i64(0);
      const old = b.get(slot);
      const next = size === 8 ? value : b.or(b.and(old, b.big(0xffff_ffff_0000_0000n)), value);
      // Of control register 0, low-address protection and EDAT are in what is cached.
      if (number === 0)
        b.if(b.ne(b.and(b.xor(old, next), b.big(CR0.LOW_PROTECTION | CR0.EDAT)), b.i64(0)), () => b.tlbFlush());
      b.set(slot, next);
    }
    if (numbers.some((n) => SPACES.has(n))) b.call(updateSpaces);
    else if (numbers.includes(0) || numbers.includes(9)) b.call(updateMode);
    b.if(b.get(common.pendingIrq), () => b.requestExit());
    i.exit();
  };

const storeControl =
  (size: 4 | 8): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(size);
    for (const [n, number] of controlRange(i).entries()) {
      i.store(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, b.get(slotOf(cr, number)), size);
    }
  };

const loadAccess: Emitter = (i) => {
  const { b } = i;
  const address = i.alignedAddress2(4);
  const numbers = controlRange(i);
  const values = numbers.map((_, n) => i.load(i.wrap(b.add(address, b.i64(n * 4))), i.f.b2, 4));
  for (const [n, number] of numbers.entries()) b.set(slotOf(ar, number), b.wrap(values[n] ?? b.i64(0)));
};

const storeAccess: Emitter = (i) => {
  const { b } = i;
  const address = i.alignedAddress2(4);
  for (const [n, number] of controlRange(i).entries()) {
    i.store(i.wrap(b.add(address, b.i64(n * 4))), i.f.b2, b.extend32U(b.get(slotOf(ar, number))), 4);
  }
};

/** LOAD ADDRESS EXTENDED: the access register gets the token of the space that the address is of. */
const loadAddressExtended: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  const base = i.f.b2;
  const as = b.extract(b.get(pswMask), PSW.AS_SHIFT, 2);
  const ofRegister = base === 0 ? b.i32(0) : b.get(slotOf(ar, base));
  const token = b.select(
    b.eq(as, b.i64(2)),
    b.i32(1),
    b.select(b.eq(as, b.i64(3)), b.i32(2), b.select(b.eq(as, b.i64(1)), ofRegister, b.i32(0))),
  );
  b.set(slotOf(ar, i.f.r1), token);
  if (i.amode === 3) i.set64(i.f.r1, address);
  else i.set32(i.f.r1, address);
};

const setPrefix: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.alignedAddress2(4);
  const value = b.and(i.load(address, i.f.b2, 4), b.i64(0x7fff_e000));
  i.raiseIf(b.eq(b.ramHost(value), b.i64(-1)), PGM.addressing);
  b.set(prefix, value);
  b.tlbFlush();
  i.exit();
};

const storePrefix: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.alignedAddress2(4);
  i.store(address, i.f.b2, b.get(prefix), 4);
};

const copyAccess: Emitter = (i) => i.b.set(slotOf(ar, i.f.r1), i.b.get(slotOf(ar, i.f.r2)));

const setAccess: Emitter = (i) => i.b.set(slotOf(ar, i.f.r1), i.get32(i.f.r2));

const extractAccess: Emitter = (i) => i.set32(i.f.r1, i.b.extend32U(i.b.get(slotOf(ar, i.f.r2))));

/** EPAR, ESAR: address-space numbers. */
const extractAsn =
  (register: number): Emitter =>
  (i) => {
    const { b } = i;
    i.raiseIf(b.eqz(i.psw(PSW.DAT)), PGM.specialOperation);
    if (i.isProblem) i.raiseIf(b.eqz(b.and(b.get(cr0), b.big(CR0.EXTRACTION))), PGM.privileged);
    i.set32(i.f.r1, b.and(b.get(slotOf(cr, register)), b.i64(0xffff)));
  };

export const registerSemantics: Readonly<Record<string, Emitter>> = {
  lctl: loadControl(4),
  lctlg: loadControl(8),
  stctl: storeControl(4),
  stctg: storeControl(8),
  lam: loadAccess,
  lamy: loadAccess,
  stam: storeAccess,
  stamy: storeAccess,
  lae: loadAddressExtended,
  laey: loadAddressExtended,
  spx: setPrefix,
  stpx: storePrefix,
  cpya: copyAccess,
  sar: setAccess,
  ear: extractAccess,
  epar: extractAsn(4),
  esar: extractAsn(3),
};
