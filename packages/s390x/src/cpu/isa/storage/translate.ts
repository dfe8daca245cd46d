/**
 * Semantics of the translations of strings by tables, up to a test character or a function code that is not zero. Principles of
 * Operation, SA22-7832, chapter "General Instructions".
 */
import { accessDescriptor, defineHelper, ENGINE, type IrBuilder, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault, loadByte, storeByte, times } from '../../memory.ts';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { bothRegisters, getLong, setAddress, setLong } from './pairs.ts';

type Size = 1 | 2;

/** Characters that one execution looks at; condition code 3 says that there is more. */
const CHARACTERS = 1024;
const MORE = 3;
/** Characters that were done with. */
const DONE = slotOf(block, 0);
const FUNCTION = slotOf(block, 1);
/** The character that ends a translation. */
const TEST = slotOf(block, 2);

/** A character in storage; leaves the helper where it faults. */
function load(b: IrBuilder, at: Value, size: Size, mmu: Value): Value {
  const value = b.call(ENGINE.load, at, b.i32(accessDescriptor({ size, endian: 'big' })), mmu);
  leaveOnFault(b, b.i32(0));
  return value;
}

// --- TRE ---

/** (address, bytes, table, test byte, spaces) -> condition code, with the bytes that were translated in `block` 0. */
const translateExtended = defineHelper(
  's390_tre',
  ['i64', 'i64', 'i64', 'i64', 'i32'],
  'i32',
  (b, address, length, table, test, spaces) => {
    const none = b.i32(0);
    const [mmu1, mmu2] = [b.and(spaces, b.i32(15)), b.and(b.shr(spaces, b.i32(4)), b.i32(15))];
    times(b, b.i32(CHARACTERS), (n) => {
      const done = b.extend32U(n);
      b.set(DONE, done);
      b.if(b.geU(done, length), () => b.return_(none));
      const at = b.add(address, done);
      const byte = loadByte(b, at, mmu1, none);
      b.if(b.eq(byte, test), () => b.return_(b.i32(1)));
      storeByte(b, at, loadByte(b, b.add(table, byte), mmu2, none), mmu1, none);
    });
    b.set(DONE, b.i64(CHARACTERS));
    return b.select(b.leU(length, b.i64(CHARACTERS)), none, b.i32(MORE));
  },
);

const translate: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r1);
  const [address, length] = [i.wrap(i.get64(r1)), getLong(i, r1 + 1)];
  const table = i.wrap(i.get64(r2));
  const cc = i.call(translateExtended, address, length, table, b.zext(i.get64(0), 8), bothRegisters(i, r2));
  const done = b.get(DONE);
  setAddress(i, r1, b.add(address, done));
  setLong(i, r1 + 1, b.sub(length, done));
  i.setCcValue(cc);
};

// --- TRTT, TRTO, TROT, TROO ---

/** Says that no function character ends the translation. */
const NO_TEST = -1;

/** (to, from, bytes, table, spaces | that of the table << 8) -> condition code, with the characters done in `block` 0. */
const translateCharacters = (name: string, from: Size, to: Size) =>
  defineHelper(
    `s390_${name}`,
    ['i64', 'i64', 'i64', 'i64', 'i32'],
    'i32',
    (b, target, source, length, table, spaces) => {
      const none = b.i32(0);
      const space = (shift: number): Value => b.and(b.shr(spaces, b.i32(shift)), b.i32(15));
      const count = from === 2 ? b.shr(length, b.i64(1)) : length;
      times(b, b.i32(CHARACTERS), (n) => {
        const done = b.extend32U(n);
        b.set(DONE, done);
        b.if(b.geU(done, count), () => b.return_(none));
        const argument = load(b, b.add(source, b.mul(done, b.i64(from))), from, space(4));
        const result = load(b, b.add(table, b.mul(argument, b.i64(to))), to, space(8));
        b.if(b.eq(result, b.get(TEST)), () => b.return_(b.i32(1)));
        const at = b.add(target, b.mul(done, b.i64(to)));
        b.call(ENGINE.store, at, result, b.i32(accessDescriptor({ size: to, endian: 'big' })), space(0));
        leaveOnFault(b, none);
      });
      b.set(DONE, b.i64(CHARACTERS));
      return b.select(b.leU(count, b.i64(CHARACTERS)), none, b.i32(MORE));
    },
  );

const translating = (name: string, from: Size, to: Size): Emitter => {
  const helper = translateCharacters(name, from, to);
  return (i) => {
    const { b } = i;
    const { r1, r2 } = i.f;
    i.evenOdd(r1);
    const [target, length, source] = [i.wrap(i.get64(r1)), getLong(i, r1 + 1), i.wrap(i.get64(r2))];
    if (from === 2) i.raiseIf(b.wrap(b.and(length, b.i64(1))), PGM.specification);
    const table = i.wrap(b.and(i.get64(1), b.i64(-8)));
    b.set(TEST, (i.f.m3 & 1) !== 0 ? b.i64(NO_TEST) : b.zext(i.get64(0), 8 * to));
    const spaces = b.or(bothRegisters(i, r2), b.shl(i.space(1), b.i32(8)));
    const cc = i.call(helper, target, source, length, table, spaces);
    const done = b.get(DONE);
    setAddress(i, r1, b.add(target, b.mul(done, b.i64(to))));
    setLong(i, r1 + 1, b.sub(length, b.mul(done, b.i64(from))));
    setAddress(i, r2, b.add(source, b.mul(done, b.i64(from))));
    i.setCcValue(cc);
  };
};

// --- TRTE, TRTRE ---

/** Bits of m3: characters of two bytes, function codes of two bytes, characters above 255 have none. */
const M3 = { wideArguments: 8, wideFunctions: 4, limited: 2 } as const;

/** (address, characters, table, kind: m3 | step << 8 in bytes, spaces) -> condition code; the function code in `block` 1. */
const testCharacters = defineHelper(
  's390_trte',
  ['i64', 'i64', 'i64', 'i32', 'i32'],
  'i32',
  (b, address, count, table, kind, spaces) => {
    const none = b.i32(0);
    const [mmu1, mmu2] = [b.and(spaces, b.i32(15)), b.and(b.shr(spaces, b.i32(4)), b.i32(15))];
    const step = b.extend32S(b.sar(kind, b.i32(8)));
    const has = (bit: number): Value => b.and(kind, b.i32(bit));
    const either = (wide: Value, at: (size: Size) => Value, mmu: Value): Value => {
      const value = b.local('i64');
      b.if(
        wide,
        () => b.setLocal(value, load(b, at(2), 2, mmu)),
        () => b.setLocal(value, load(b, at(1), 1, mmu)),
      );
      return b.getLocal(value);
    };
    b.set(FUNCTION, b.i64(0));
    times(b, b.i32(CHARACTERS), (n) => {
      const done = b.extend32U(n);
      b.set(DONE, done);
      b.if(b.geU(done, count), () => b.return_(none));
      const place = b.add(address, b.mul(done, step));
      const argument = either(has(M3.wideArguments), () => place, mmu1);
      const isBeyond = b.and(b.ne(has(M3.limited), none), b.gtU(argument, b.i64(255)));
      b.if(b.eqz(isBeyond), () => {
        const code = either(has(M3.wideFunctions), (size) => b.add(table, b.mul(argument, b.i64(size))), mmu2);
        b.if(b.ne(code, b.i64(0)), () => {
          b.set(FUNCTION, code);
          b.return_(b.i32(1));
        });
      });
    });
    b.set(DONE, b.i64(CHARACTERS));
    return b.select(b.leU(count, b.i64(CHARACTERS)), none, b.i32(MORE));
  },
);

function testing(i: Insn, backwards: boolean): void {
  const { b } = i;
  const { r1, r2, m3 } = i.f;
  i.evenOdd(r1);
  const size = (m3 & M3.wideArguments) !== 0 ? 2 : 1;
  const [address, length] = [i.wrap(i.get64(r1)), getLong(i, r1 + 1)];
  if (size === 2) i.raiseIf(b.wrap(b.and(length, b.i64(1))), PGM.specification);
  const count = size === 2 ? b.shr(length, b.i64(1)) : length;
  const table = i.wrap(b.and(i.get64(1), b.i64(-8)));
  const step = backwards ? -size : size;
  const spaces = bothRegisters(i, 1);
  const cc = i.call(testCharacters, address, count, table, b.i32(m3 | (step << 8)), spaces);
  const [done, code] = [b.get(DONE), b.get(FUNCTION)];
  setAddress(i, r1, b.add(address, b.mul(done, b.i64(step))));
  setLong(i, r1 + 1, b.sub(length, b.mul(done, b.i64(size))));
  // The function code, or zero where there was none.
  if (r2 !== r1 && r2 !== r1 + 1) b.if(b.ne(cc, b.i32(MORE)), () => setLong(i, r2, code));
  i.setCcValue(cc);
}

export const translateSemantics: Readonly<Record<string, Emitter>> = {
  tre: translate,
  trtt: translating('trtt', 2, 2),
  trto: translating('trto', 2, 1),
  trot: translating('trot', 1, 2),
  troo: translating('troo', 1, 1),
  trte: (i) => testing(i, false),
  trtre: (i) => testing(i, true),
};
