/**
 * Helpers that work on guest memory byte range by byte range: what instructions that move, compare and combine storage are made
 * of. They look at all pages first, so that an instruction that faults has done nothing.
 */
import {
  accessDescriptor,
  defineHelper,
  ENGINE,
  FAULT,
  FAULTED,
  type IrBuilder,
  type IrHelper,
  type Local,
  type Value,
} from '@boardwalk/translator';
import { PGM } from './bits.ts';
import { common } from './state.ts';

export const LOAD = 0;
export const STORE = 1;
const PAGE = 4096;
const BYTE = accessDescriptor({ size: 1 });

/** Leaves the helper where the last access faulted. */
export function leaveOnFault(b: IrBuilder, result?: Value): void {
  b.if(b.get(common.fault), () => b.return_(result));
}

/** Makes `code` the exception of the instruction, and leaves the helper. */
export function raiseFrom(b: IrBuilder, code: Value, value: Value, result?: Value): void {
  b.set(common.excCode, code);
  b.set(common.excValue, value);
  b.set(common.fault, b.i32(FAULT.exception));
  b.return_(result);
}

/** Regimes of the first and the second operand in one argument. */
export const twoSpaces = (b: IrBuilder, first: Value, second: Value): Value => b.or(first, b.shl(second, b.i32(4)));
const firstSpace = (b: IrBuilder, both: Value): Value => b.and(both, b.i32(15));
const secondSpace = (b: IrBuilder, both: Value): Value => b.and(b.shr(both, b.i32(4)), b.i32(15));

/** An operand on its way through memory. */
export interface Operand {
  readonly at: Local;
  readonly access: number;
  readonly mmu: Value;
}

/** Host offset of an operand, which has been probed. Leaves the helper where it is no RAM. */
export function hostOf(b: IrBuilder, o: Operand, result?: Value): Value {
  const host = b.call(ENGINE.translate, b.getLocal(o.at), b.i32(o.access), o.mmu);
  b.if(b.geU(host, b.i64(FAULTED)), () => {
    b.if(b.eqz(b.get(common.fault)), () => raiseFrom(b, b.i32(PGM.addressing), b.i64(0), result));
    b.return_(result);
  });
  return host;
}

/** Bytes from an address to the end of its page. */
export const toPageEnd = (b: IrBuilder, va: Value): Value => b.sub(b.i32(PAGE), b.and(b.wrap(va), b.i32(PAGE - 1)));

const smaller = (b: IrBuilder, x: Value, y: Value): Value => b.select(b.ltU(x, y), x, y);

/**
 * Goes through operands of the same length in pieces that cross no page. `body` gets host offsets and the bytes of a piece; it
 * may leave the loop by `breakIf`.
 */
export function eachPiece(
  b: IrBuilder,
  operands: readonly Operand[],
  length: Value,
  body: (hosts: readonly Value[], bytes: Value, breakIf: (condition: Value) => void) => void,
  result?: Value,
): void {
  const left = b.local('i32', length);
  b.loop((breakIf) => {
    let bytes = b.getLocal(left);
    for (const o of operands) bytes = smaller(b, bytes, toPageEnd(b, b.getLocal(o.at)));
    const piece = b.local('i32', bytes);
    const hosts = operands.map((o) => hostOf(b, o, result));
    body(hosts, b.getLocal(piece), breakIf);
    for (const o of operands) b.setLocal(o.at, b.add(b.getLocal(o.at), b.extend32U(b.getLocal(piece))));
    b.setLocal(left, b.sub(b.getLocal(left), b.getLocal(piece)));
    breakIf(b.eqz(b.getLocal(left)));
  });
}

/** Counts a local up from 0 by `step` while that many bytes are left; `body` gets the offset. */
function stride(b: IrBuilder, at: Local, bytes: Value, step: number, body: (offset: Value) => void): void {
  b.loop((breakIf) => {
    breakIf(b.gtU(b.add(b.getLocal(at), b.i32(step)), bytes));
    body(b.extend32U(b.getLocal(at)));
    b.setLocal(at, b.add(b.getLocal(at), b.i32(step)));
  });
}

/** Copies bytes between host offsets as if one by one from the left: (to, from, bytes). */
export const copyHost: IrHelper = defineHelper(
  's390_copy_host',
  ['i64', 'i64', 'i32'],
  undefined,
  (b, to, from, bytes) => {
    const distance = b.sub(to, from);
    b.if(b.eq(distance, b.i64(1)), () => {
      b.hostFill(to, b.hostLoad(from, { size: 1, ty: 'i32' }), bytes);
      b.return_();
    });
    const at = b.local('i32', b.i32(0));
    // A piece that was read before must not be part of what it is written over.
    b.if(b.geU(distance, b.i64(16)), () => {
      stride(b, at, bytes, 16, (o) =>
        b.hostStore(b.add(to, o), b.hostLoad(b.add(from, o), { size: 16 }), { size: 16 }),
      );
    });
    b.if(b.geU(distance, b.i64(8)), () => {
      stride(b, at, bytes, 8, (o) => b.hostStore(b.add(to, o), b.hostLoad(b.add(from, o), { size: 8 }), { size: 8 }));
    });
    stride(b, at, bytes, 1, (o) =>
      b.hostStore(b.add(to, o), b.hostLoad(b.add(from, o), { size: 1, ty: 'i32' }), { size: 1 }),
    );
  },
);

/** Looks at both operands before anything is done; leaves the helper where one faults. */
export function probeBoth(b: IrBuilder, to: Value, from: Value, bytes: Value, spaces: Value, result?: Value): void {
  b.call(ENGINE.probe, from, bytes, b.i32(LOAD), secondSpace(b, spaces));
  leaveOnFault(b, result);
  b.call(ENGINE.probe, to, bytes, b.i32(STORE), firstSpace(b, spaces));
  leaveOnFault(b, result);
}

/** The two operands of a storage-to-storage instruction. */
function operands(b: IrBuilder, to: Value, from: Value, spaces: Value, access: number): [Operand, Operand] {
  return [
    { at: b.local('i64', to), access, mmu: firstSpace(b, spaces) },
    { at: b.local('i64', from), access: LOAD, mmu: secondSpace(b, spaces) },
  ];
}

/** Moves 1 to 4096 bytes from left to right: (to, from, bytes, spaces). */
export const moveBytes: IrHelper = defineHelper(
  's390_mvc',
  ['i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, to, from, bytes, spaces) => {
    probeBoth(b, to, from, bytes, spaces);
    // The usual way: nothing crosses a page.
    eachPiece(b, operands(b, to, from, spaces, STORE), bytes, ([d, s], n) => {
      if (d !== undefined && s !== undefined) b.call(copyHost, d, s, n);
    });
  },
);

type Combine = (b: IrBuilder, x: Value, y: Value) => Value;

/** Clears bytes at an address that was probed, and leaves the helper. */
function clear(b: IrBuilder, to: Value, bytes: Value, spaces: Value): void {
  const operand: Operand = { at: b.local('i64', to), access: STORE, mmu: firstSpace(b, spaces) };
  eachPiece(
    b,
    [operand],
    bytes,
    ([d], n) => {
      if (d === undefined) return;
      const at = b.local('i32', b.i32(0));
      stride(b, at, n, 16, (o) => b.hostStore(b.add(d, o), b.v128(0n, 0n), { size: 16 }));
      stride(b, at, n, 1, (o) => b.hostStore(b.add(d, o), b.i32(0), { size: 1 }));
    },
    b.i32(0),
  );
  b.return_(b.i32(0));
}

/** NC, OC, XC: (to, from, bytes, spaces) -> not 0 where the result is not all zero. */
function combining(name: string, op: Combine, clearsItself = false): IrHelper {
  return defineHelper(name, ['i64', 'i64', 'i32', 'i32'], 'i32', (b, to, from, bytes, spaces) => {
    probeBoth(b, to, from, bytes, spaces, b.i32(0));
    // How programs clear storage.
    if (clearsItself) {
      const isOne = b.and(b.eq(to, from), b.eq(firstSpace(b, spaces), secondSpace(b, spaces)));
      b.if(isOne, () => clear(b, to, bytes, spaces));
    }
    const any = b.local('i64', b.i64(0));
    const step = (d: Value, s: Value, size: 1 | 8): void => {
      const result = op(b, b.hostLoad(d, { size }), b.hostLoad(s, { size }));
      b.setLocal(any, b.or(b.getLocal(any), result));
      b.hostStore(d, result, { size });
    };
    eachPiece(
      b,
      operands(b, to, from, spaces, STORE),
      bytes,
      ([d, s], n) => {
        if (d === undefined || s === undefined) return;
        const at = b.local('i32', b.i32(0));
        const distance = b.sub(d, s);
        b.if(b.or(b.eqz(distance), b.geU(distance, b.i64(8))), () => {
          stride(b, at, n, 8, (o) => step(b.add(d, o), b.add(s, o), 8));
        });
        stride(b, at, n, 1, (o) => step(b.add(d, o), b.add(s, o), 1));
      },
      b.i32(0),
    );
    return b.ne(b.getLocal(any), b.i64(0));
  });
}

export const andBytes: IrHelper = combining('s390_nc', (b, x, y) => b.and(x, y));
export const orBytes: IrHelper = combining('s390_oc', (b, x, y) => b.or(x, y));
export const xorBytes: IrHelper = combining('s390_xc', (b, x, y) => b.xor(x, y), true);
/** MVN and MVZ: the right or left half of each byte. */
const half = (mask: bigint): Combine => {
  return (b, x, y) => b.or(b.and(x, b.big(~mask)), b.and(y, b.big(mask)));
};
export const moveNumerics: IrHelper = combining('s390_mvn', half(0x0f0f_0f0f_0f0f_0f0fn));
export const moveZones: IrHelper = combining('s390_mvz', half(0xf0f0_f0f0_f0f0_f0f0n));

/** Compares bytes: (first, second, bytes, spaces) -> condition code: 0 equal, 1 low, 2 high. */
export const compareBytes: IrHelper = defineHelper(
  's390_clc',
  ['i64', 'i64', 'i32', 'i32'],
  'i32',
  (b, first, second, bytes, spaces) => {
    const cc = b.local('i32', b.i32(0));
    eachPiece(
      b,
      operands(b, first, second, spaces, LOAD),
      bytes,
      ([x, y], n, breakIf) => {
        if (x === undefined || y === undefined) return;
        const at = b.local('i32', b.i32(0));
        const step = (size: 1 | 8): void => {
          b.loop((stop) => {
            stop(b.gtU(b.add(b.getLocal(at), b.i32(size)), n));
            const p = b.hostLoad(b.add(x, b.extend32U(b.getLocal(at))), { size });
            const q = b.hostLoad(b.add(y, b.extend32U(b.getLocal(at))), { size });
            // What differs within eight bytes is found byte by byte.
            stop(b.ne(p, q));
            b.setLocal(at, b.add(b.getLocal(at), b.i32(size)));
          });
        };
        step(8);
        step(1);
        b.if(b.ltU(b.getLocal(at), n), () => {
          const p = b.hostLoad(b.add(x, b.extend32U(b.getLocal(at))), { size: 1 });
          const q = b.hostLoad(b.add(y, b.extend32U(b.getLocal(at))), { size: 1 });
          b.setLocal(cc, b.select(b.ltU(p, q), b.i32(1), b.i32(2)));
        });
        breakIf(b.getLocal(cc));
      },
      b.i32(0),
    );
    return b.getLocal(cc);
  },
);

/** A byte of guest memory as an i64; leaves the helper on a fault. */
export function loadByte(b: IrBuilder, va: Value, mmu: Value, result?: Value): Value {
  const byte = b.call(ENGINE.load, va, b.i32(BYTE), mmu);
  leaveOnFault(b, result);
  return byte;
}

export function storeByte(b: IrBuilder, va: Value, byte: Value, mmu: Value, result?: Value): void {
  b.call(ENGINE.store, va, byte, b.i32(BYTE), mmu);
  leaveOnFault(b, result);
}

/** Runs `body` for i = 0 to count - 1. */
export function times(b: IrBuilder, count: Value, body: (index: Value, breakIf: (c: Value) => void) => void): void {
  const n = b.local('i32', b.i32(0));
  b.loop((breakIf) => {
    breakIf(b.geU(b.getLocal(n), count));
    body(b.getLocal(n), breakIf);
    b.setLocal(n, b.add(b.getLocal(n), b.i32(1)));
  });
}

/** MVCIN: (to, last byte of the source, bytes, spaces); bytes in reverse order. */
export const moveInverse: IrHelper = defineHelper(
  's390_mvcin',
  ['i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, to, from, bytes, spaces) => {
    const start = b.sub(from, b.extend32U(b.sub(bytes, b.i32(1))));
    probeBoth(b, to, start, bytes, spaces);
    times(b, bytes, (n) => {
      const at = b.extend32U(n);
      const byte = loadByte(b, b.sub(from, at), secondSpace(b, spaces));
      storeByte(b, b.add(to, at), byte, firstSpace(b, spaces));
    });
  },
);

/** MVCRL: (to, from, bytes, spaces), from right to left. */
export const moveRightToLeft: IrHelper = defineHelper(
  's390_mvcrl',
  ['i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, to, from, bytes, spaces) => {
    probeBoth(b, to, from, bytes, spaces);
    times(b, bytes, (n) => {
      const at = b.extend32U(b.sub(b.sub(bytes, n), b.i32(1)));
      const byte = loadByte(b, b.add(from, at), secondSpace(b, spaces));
      storeByte(b, b.add(to, at), byte, firstSpace(b, spaces));
    });
  },
);

/** TR: (to, table, bytes, spaces). The table's bytes that are needed are looked at before anything is stored. */
export const translateBytes: IrHelper = defineHelper(
  's390_tr',
  ['i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, to, table, bytes, spaces) => {
    b.call(ENGINE.probe, to, bytes, b.i32(STORE), firstSpace(b, spaces));
    leaveOnFault(b);
    b.if(b.ltU(toPageEnd(b, table), b.i32(256)), () =>
      times(b, bytes, (n) => {
        const byte = loadByte(b, b.add(to, b.extend32U(n)), firstSpace(b, spaces));
        loadByte(b, b.add(table, byte), secondSpace(b, spaces));
      }),
    );
    times(b, bytes, (n) => {
      const at = b.add(to, b.extend32U(n));
      const byte = loadByte(b, at, firstSpace(b, spaces));
      storeByte(b, at, loadByte(b, b.add(table, byte), secondSpace(b, spaces)), firstSpace(b, spaces));
    });
  },
);

/**
 * TRT and TRTR: (first, table, bytes, spaces | backwards << 8) -> 0 where no function byte is not zero, else
 * (place << 8) | function byte, plus 1 << 63.
 */
export const translateTest: IrHelper = defineHelper(
  's390_trt',
  ['i64', 'i64', 'i32', 'i32'],
  'i64',
  (b, first, table, bytes, spaces) => {
    const none = b.i64(0);
    const backwards = b.and(spaces, b.i32(0x100));
    times(b, bytes, (n) => {
      const at = b.extend32U(n);
      const place = b.select(backwards, b.sub(first, at), b.add(first, at));
      const byte = loadByte(b, place, firstSpace(b, spaces), none);
      const fn = loadByte(b, b.add(table, byte), secondSpace(b, spaces), none);
      b.if(b.ne(fn, none), () => b.return_(b.or(b.or(b.shl(at, b.i64(8)), fn), b.big(1n << 63n))));
    });
    return none;
  },
);
