/**
 * Semantics of the conversions among UTF-8, UTF-16 and UTF-32. Principles of Operation, SA22-7832, chapter "General Instructions",
 * "CONVERT UTF-8 TO UTF-16" and its like.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Local, type Value } from '@boardwalk/translator';
import { loadByte, storeByte, times } from '../../memory.ts';
import type { Emitter } from '../insn.ts';
import { bothRegisters, getBlock, getLong, OUT_A1, OUT_A2, OUT_L1, OUT_L2, out, setBlock, setLong } from './pairs.ts';

/** Condition codes: the source is at its end, there is no room, a character is none, there is more to do. */
const [ENDED, FULL, INVALID, MORE] = [0, 1, 2, 3] as const;
/** Characters that one execution converts at most. */
const CHARACTERS = 256;

/** The source within a helper that gives a condition code. */
interface Source {
  readonly b: IrBuilder;
  /** Leaves with a condition code: what was converted is kept. */
  leave(code: number): void;
  /** The byte at an offset; leaves where it faults. */
  byte(offset: number): Value;
  /** Leaves where fewer bytes are left. */
  need(bytes: number): void;
  /** Not zero: surrogates and sequences must be well-formed. */
  readonly strict: Value;
}

/** What is found: a character and its bytes. */
interface Found {
  readonly character: Local;
  readonly bytes: Local;
}

type Decode = (s: Source, found: Found) => void;

/** Continuation bytes: six bits each. */
function sequence(s: Source, found: Found, first: Value, bytes: 2 | 3 | 4): void {
  const { b } = s;
  s.need(bytes);
  let character = b.and(first, b.i64((1 << (7 - bytes)) - 1));
  let wrong = b.i32(0);
  for (let n = 1; n < bytes; n++) {
    const byte = s.byte(n);
    character = b.or(b.shl(character, b.i64(6)), b.and(byte, b.i64(0x3f)));
    wrong = b.or(wrong, b.ne(b.and(byte, b.i64(0xc0)), b.i64(0x80)));
  }
  const least = { 2: 0x80, 3: 0x800, 4: 0x1_0000 }[bytes];
  wrong = b.or(wrong, b.ltU(character, b.i64(least)));
  if (bytes === 3) wrong = b.or(wrong, b.eq(b.and(character, b.i64(0xf800)), b.i64(0xd800)));
  if (bytes === 4) wrong = b.or(wrong, b.gtU(character, b.i64(0x10_ffff)));
  b.if(b.and(s.strict, wrong), () => s.leave(INVALID));
  b.setLocal(found.character, character);
  b.setLocal(found.bytes, b.i64(bytes));
}

const decodeUtf8: Decode = (s, found) => {
  const { b } = s;
  s.need(1);
  const first = s.byte(0);
  const isBelow = (limit: number): Value => b.ltU(first, b.i64(limit));
  b.if(
    isBelow(0x80),
    () => {
      b.setLocal(found.character, first);
      b.setLocal(found.bytes, b.i64(1));
    },
    () => {
      b.if(b.or(isBelow(0xc0), b.geU(first, b.i64(0xf8))), () => s.leave(INVALID));
      b.if(b.and(s.strict, b.or(isBelow(0xc2), b.gtU(first, b.i64(0xf4)))), () => s.leave(INVALID));
      b.if(
        isBelow(0xe0),
        () => sequence(s, found, first, 2),
        () =>
          b.if(
            isBelow(0xf0),
            () => sequence(s, found, first, 3),
            () => sequence(s, found, first, 4),
          ),
      );
    },
  );
};

const half = ({ b, byte }: Source, offset: number): Value => b.or(b.shl(byte(offset), b.i64(8)), byte(offset + 1));

const decodeUtf16: Decode = (s, found) => {
  const { b } = s;
  s.need(2);
  const first = half(s, 0);
  b.setLocal(found.character, first);
  b.setLocal(found.bytes, b.i64(2));
  b.if(b.eq(b.and(first, b.i64(0xfc00)), b.i64(0xd800)), () => {
    s.need(4);
    const second = half(s, 2);
    b.if(b.and(s.strict, b.ne(b.and(second, b.i64(0xfc00)), b.i64(0xdc00))), () => s.leave(INVALID));
    const high = b.add(b.and(first, b.i64(0x3ff)), b.i64(0x40));
    b.setLocal(found.character, b.or(b.shl(high, b.i64(10)), b.and(second, b.i64(0x3ff))));
    b.setLocal(found.bytes, b.i64(4));
  });
};

const decodeUtf32: Decode = (s, found) => {
  const { b } = s;
  s.need(4);
  const character = b.or(b.shl(half(s, 0), b.i64(16)), half(s, 2));
  const isSurrogate = b.and(b.geU(character, b.i64(0xd800)), b.leU(character, b.i64(0xdbff)));
  b.if(b.or(isSurrogate, b.gtU(character, b.i64(0x10_ffff))), () => s.leave(INVALID));
  b.setLocal(found.character, character);
  b.setLocal(found.bytes, b.i64(4));
};

/** The target within the helper. */
interface Target {
  readonly b: IrBuilder;
  /** Stores bytes, from the left, and tells how many; leaves where there is no room. */
  put(...bytes: readonly Value[]): void;
}

type Encode = (t: Target, character: Value) => void;

/** `count` bits of a character from a place on, below a mark. */
const bits = (b: IrBuilder, character: Value, place: number, count: number, mark: number): Value =>
  b.or(b.and(b.shr(character, b.i64(place)), b.i64((1 << count) - 1)), b.i64(mark));

const encodeUtf8: Encode = ({ b, put }, c) => {
  const rest = (place: number): Value => bits(b, c, place, 6, 0x80);
  const isBelow = (limit: number): Value => b.ltU(c, b.i64(limit));
  b.if(
    isBelow(0x80),
    () => put(c),
    () =>
      b.if(
        isBelow(0x800),
        () => put(bits(b, c, 6, 5, 0xc0), rest(0)),
        () =>
          b.if(
            isBelow(0x1_0000),
            () => put(bits(b, c, 12, 4, 0xe0), rest(6), rest(0)),
            () => put(bits(b, c, 18, 3, 0xf0), rest(12), rest(6), rest(0)),
          ),
      ),
  );
};

const encodeUtf16: Encode = ({ b, put }, c) => {
  b.if(
    b.ltU(c, b.i64(0x1_0000)),
    () => put(b.shr(c, b.i64(8)), c),
    () => {
      // The five bits of the plane less one, of which four are kept.
      const high = b.and(b.sub(b.shr(c, b.i64(10)), b.i64(0x40)), b.i64(0x3ff));
      put(bits(b, high, 8, 2, 0xd8), high, bits(b, c, 8, 2, 0xdc), c);
    },
  );
};

const encodeUtf32: Encode = ({ b, put }, c) => put(b.shr(c, b.i64(24)), b.shr(c, b.i64(16)), b.shr(c, b.i64(8)), c);

/** (well-formedness is checked, spaces) -> condition code; addresses and lengths are in `block`. */
function conversion(name: string, decode: Decode, encode: Encode): IrHelper {
  return defineHelper(name, ['i32', 'i32'], 'i32', (b, strict, spaces) => {
    const none = b.i32(0);
    const [mmu1, mmu2] = [b.and(spaces, b.i32(15)), b.and(b.shr(spaces, b.i32(4)), b.i32(15))];
    const found: Found = { character: b.local('i64'), bytes: b.local('i64') };
    const leave = (code: number): void => b.return_(b.i32(code));
    times(b, b.i32(CHARACTERS), () => {
      const from = b.get(out(OUT_A2));
      decode(
        {
          b,
          strict,
          leave,
          byte: (offset) => loadByte(b, b.add(from, b.i64(offset)), mmu2, none),
          need: (bytes) => b.if(b.ltU(b.get(out(OUT_L2)), b.i64(bytes)), () => leave(ENDED)),
        },
        found,
      );
      const to = b.get(out(OUT_A1));
      const put = (...bytes: readonly Value[]): void => {
        const size = b.i64(bytes.length);
        b.if(b.ltU(b.get(out(OUT_L1)), size), () => leave(FULL));
        for (const [n, byte] of bytes.entries()) storeByte(b, b.add(to, b.i64(n)), byte, mmu1, none);
        b.set(out(OUT_A1), b.add(to, size));
        b.set(out(OUT_L1), b.sub(b.get(out(OUT_L1)), size));
      };
      encode({ b, put }, b.getLocal(found.character));
      b.set(out(OUT_A2), b.add(from, b.getLocal(found.bytes)));
      b.set(out(OUT_L2), b.sub(b.get(out(OUT_L2)), b.getLocal(found.bytes)));
    });
    return b.i32(MORE);
  });
}

const converting = (name: string, decode: Decode, encode: Encode): Emitter => {
  const helper = conversion(`s390_${name}`, decode, encode);
  return (i) => {
    const { r1, r2 } = i.f;
    i.evenOdd(r1, r2);
    setBlock(i, r1, r2, getLong);
    const cc = i.b.local('i32', i.call(helper, i.b.i32(i.f.m3 & 1), bothRegisters(i, r2)));
    getBlock(i, r1, r2, setLong);
    i.setCcValue(i.b.getLocal(cc));
  };
};

export const unicodeSemantics: Readonly<Record<string, Emitter>> = {
  cu12: converting('cu12', decodeUtf8, encodeUtf16),
  cu14: converting('cu14', decodeUtf8, encodeUtf32),
  cu21: converting('cu21', decodeUtf16, encodeUtf8),
  cu24: converting('cu24', decodeUtf16, encodeUtf32),
  cu41: converting('cu41', decodeUtf32, encodeUtf8),
  cu42: converting('cu42', decodeUtf32, encodeUtf16),
};
