/**
 * Access-register translation: from an access-list-entry token (ALET) to the regime of a space. Principles of Operation, SA22-7832,
 * chapter "Program Execution", "Access-Register Translation". The primary and the secondary space have tokens of their own; other
 * spaces are found through the dispatchable-unit or the primary-space access list.
 */
import { defineHelper, FAULT, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { AS_REGISTER, PGM } from './bits.ts';
import { MMU_EXPLICIT } from './mode.ts';
import { common, cr, explicit, primaryMmu, pswMask, secondaryMmu } from './state.ts';

function fail(b: IrBuilder, code: number, token: Value): void {
  b.set(common.excCode, b.i32(code));
  b.set(common.excValue, b.extend32U(token));
  b.set(common.fault, b.i32(FAULT.exception));
  b.return_(b.i32(0));
}

const register = (n: number) => {
  const slot = cr[n];
  if (slot === undefined) throw new Error(`no control register ${n}`);
  return slot;
};

/** Reads a word of a table at an absolute address; one that is not there is an addressing exception. */
function word(b: IrBuilder, address: Value, token: Value): Value {
  const host = b.ramHost(address);
  b.if(b.eq(host, b.i64(-1)), () => fail(b, PGM.addressing, token));
  return b.hostLoad(host, { size: 4, ty: 'i32', endian: 'big' });
}

/** (ALET) -> regime; on a fault 0 and `state.fault`. */
export const spaceOf: IrHelper = defineHelper('s390_art', ['i32'], 'i32', (b, token) => {
  const key = b.and(b.wrap(b.shr(b.get(pswMask), b.i64(52))), b.i32(15));
  b.if(b.eqz(key), () => {
    b.if(b.eqz(token), () => b.return_(b.get(primaryMmu)));
    b.if(b.eq(token, b.i32(1)), () => b.return_(b.get(secondaryMmu)));
  });
  b.set(explicit.as, b.i32(AS_REGISTER));
  b.if(b.leU(token, b.i32(1)), () => {
    b.set(explicit.asce, b.select(token, b.get(register(7)), b.get(register(1))));
    b.return_(b.i32(MMU_EXPLICIT));
  });
  b.if(b.and(token, b.i32(0xfe00_0000 | 0)), () => fail(b, PGM.aletSpecification, token));
  // The access list: of the primary space where bit 7 of the token is one, else of the dispatchable unit.
  const primaryList = b.and(token, b.i32(0x0100_0000));
  const origin = b.and(b.select(primaryList, b.get(register(5)), b.get(register(2))), b.i64(0x7fff_ffc0));
  const designation = b.local('i32');
  b.if(
    primaryList,
    () => b.setLocal(designation, word(b, b.add(origin, b.i64(16)), token)),
    () => b.setLocal(designation, word(b, b.add(origin, b.i64(16)), token)),
  );
  const list = b.and(b.getLocal(designation), b.i32(0x7fff_ff80));
  const length = b.and(b.getLocal(designation), b.i32(127));
  const number = b.and(token, b.i32(0xffff));
  b.if(b.gtU(b.shr(number, b.i32(3)), length), () => fail(b, PGM.alenTranslation, token));
  const entry = b.add(b.extend32U(list), b.extend32U(b.shl(number, b.i32(4))));
  const first = word(b, entry, token);
  b.if(b.and(first, b.i32(0x8000_0000 | 0)), () => fail(b, PGM.alenTranslation, token));
  const sequence = b.and(b.shr(token, b.i32(16)), b.i32(255));
  b.if(b.ne(b.and(b.shr(first, b.i32(16)), b.i32(255)), sequence), () => fail(b, PGM.aleSequence, token));
  const aste = b.extend32U(b.and(word(b, b.add(entry, b.i64(8)), token), b.i32(0x7fff_ffc0)));
  b.if(b.and(word(b, aste, token), b.i32(0x8000_0000 | 0)), () => fail(b, PGM.asteValidity, token));
  const astesn = word(b, b.add(aste, b.i64(20)), token);
  b.if(b.ne(astesn, word(b, b.add(entry, b.i64(12)), token)), () => fail(b, PGM.asteSequence, token));
  // A private entry is for programs with its authority only.
  b.if(b.and(first, b.i32(0x0100_0000)), () => {
    const authority = b.and(b.wrap(b.shr(b.get(register(8)), b.i64(16))), b.i32(0xffff));
    b.if(b.ne(authority, b.and(first, b.i32(0xffff))), () => fail(b, PGM.extendedAuthority, token));
  });
  const high = word(b, b.add(aste, b.i64(8)), token);
  const low = word(b, b.add(aste, b.i64(12)), token);
  b.set(explicit.asce, b.or(b.shl(b.extend32U(high), b.i64(32)), b.extend32U(low)));
  b.return_(b.i32(MMU_EXPLICIT));
  return b.i32(MMU_EXPLICIT);
});
