/**
 * Instruction formats: where the operands lie. Principles of Operation, SA22-7832, chapter "Program Execution", "Instruction
 * Formats". A format is written as the fields of the instruction's bytes behind the operation code; each letter is a nibble.
 *
 *   r1 r2 r3 registers, m1 m3 m4 m5 masks, x2 index, b1 b2 b4 bases, d1 d2 d4 displacements (12 bits; 20 with `dh`), i2 i3 i4 i5
 *   immediates, l1 l2 lengths, ri2 ri4 relative addresses in halfwords. Signed immediates are those of 16 and 32 bits.
 */

/** Operands of an instruction; a field that the format lacks is 0. Displacements and relative addresses are in bytes, signed. */
export interface Fields {
  r1: number;
  r2: number;
  r3: number;
  m1: number;
  m3: number;
  m4: number;
  m5: number;
  m6: number;
  x2: number;
  b1: number;
  b2: number;
  b4: number;
  d1: number;
  d2: number;
  d4: number;
  i2: number;
  i3: number;
  i4: number;
  i5: number;
  l1: number;
  l2: number;
  ri: number;
  /** Vector registers: five bits, the fifth from RXB. */
  v1: number;
  v2: number;
  v3: number;
  v4: number;
}

/** The halfwords of an instruction, the first in `a`; those behind its end are 0. */
export interface InsnWords {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

type Fill = (f: Fields, w: InsnWords) => void;

export interface Format {
  readonly name: string;
  readonly length: 2 | 4 | 6;
  readonly fill: Fill;
  /** Operands in assembler order. */
  readonly operands: string;
}

const s16 = (v: number): number => (v << 16) >> 16;
const s20 = (low: number, high: number): number => (((high << 12) | low) << 12) >> 12;
const hi = (w: number): number => w >>> 12;
const n2 = (w: number): number => (w >>> 8) & 15;
const n3 = (w: number): number => (w >>> 4) & 15;
const lo = (w: number): number => w & 15;
const byte0 = (w: number): number => w >>> 8;
const byte1 = (w: number): number => w & 255;

const r1n3: Fill = (f, w) => {
  f.r1 = n3(w.a);
};
const r1r2: Fill = (f, w) => {
  f.r1 = f.m1 = n3(w.a);
  f.r2 = lo(w.a);
};
const rre: Fill = (f, w) => {
  f.r1 = n3(w.b);
  f.r2 = lo(w.b);
};
const rrf: Fill = (f, w) => {
  rre(f, w);
  f.r3 = f.m3 = hi(w.b);
  f.m4 = n2(w.b);
};
const base2: Fill = (f, w) => {
  f.b2 = hi(w.b);
  f.d2 = w.b & 0xfff;
};
const base1: Fill = (f, w) => {
  f.b1 = hi(w.b);
  f.d1 = w.b & 0xfff;
};
const rx: Fill = (f, w) => {
  f.r1 = f.m1 = n3(w.a);
  f.x2 = lo(w.a);
  base2(f, w);
};
const rxy: Fill = (f, w) => {
  rx(f, w);
  f.d2 = s20(f.d2, byte0(w.c));
};
const rs: Fill = (f, w) => {
  f.r1 = n3(w.a);
  f.r3 = f.m3 = lo(w.a);
  base2(f, w);
};
const rsy: Fill = (f, w) => {
  rs(f, w);
  f.d2 = s20(f.d2, byte0(w.c));
};
const si: Fill = (f, w) => {
  f.i2 = byte1(w.a);
  base1(f, w);
};
const ss: Fill = (f, w) => {
  base1(f, w);
  f.b2 = hi(w.c);
  f.d2 = w.c & 0xfff;
};
const rie: Fill = (f, w) => {
  f.r1 = n3(w.a);
  f.r2 = f.r3 = f.m3 = lo(w.a);
};
const i32 = (w: InsnWords): number => (w.b << 16) | w.c;

function format(name: string, length: 2 | 4 | 6, operands: string, ...fills: readonly Fill[]): Format {
  return { name, length, operands, fill: (f, w) => fills.forEach((fill) => void fill(f, w)) };
}

/** RXB: the fifth bits of up to four vector registers, in the fifth byte. */
const rxb = (w: InsnWords, index: number): number => ((byte0(w.c) >>> (3 - index)) & 1) << 4;
const v1: Fill = (f, w) => {
  f.v1 = n3(w.a) | rxb(w, 0);
};
const v2: Fill = (f, w) => {
  f.v2 = lo(w.a) | rxb(w, 1);
};
const v3: Fill = (f, w) => {
  f.v3 = hi(w.b) | rxb(w, 2);
};
const vx: Fill = (f, w) => {
  f.x2 = lo(w.a);
  base2(f, w);
  f.m3 = byte0(w.c) >>> 4;
};

const list: readonly Format[] = [
  format('E', 2, ''),
  format('I', 2, 'i2', (f, w) => {
    f.i2 = byte1(w.a);
  }),
  format('IE', 4, 'i2,i3', (f, w) => {
    f.i2 = n3(w.b);
    f.i3 = lo(w.b);
  }),
  format('MII', 6, 'm1,ri,i3', (f, w) => {
    f.m1 = n3(w.a);
    f.ri = ((((lo(w.a) << 8) | byte0(w.b)) << 20) >> 20) * 2;
    f.i3 = (((byte1(w.b) << 16) | w.c) << 8) >> 8;
  }),
  format('RI-a', 4, 'r1,i2', r1n3, (f, w) => {
    f.i2 = s16(w.b);
  }),
  format('RI-b', 4, 'r1,ri', r1n3, (f, w) => {
    f.ri = s16(w.b) * 2;
  }),
  format('RI-c', 4, 'm1,ri', (f, w) => {
    f.m1 = n3(w.a);
    f.ri = s16(w.b) * 2;
  }),
  format('RIE-a', 6, 'r1,i2,m3', r1n3, (f, w) => {
    f.i2 = s16(w.b);
    f.m3 = hi(w.c);
  }),
  format('RIE-b', 6, 'r1,r2,m3,ri', rie, (f, w) => {
    f.ri = s16(w.b) * 2;
    f.m3 = hi(w.c);
  }),
  format('RIE-c', 6, 'r1,i2,m3,ri', rie, (f, w) => {
    f.ri = s16(w.b) * 2;
    f.i2 = (byte0(w.c) << 24) >> 24;
  }),
  format('RIE-d', 6, 'r1,r3,i2', rie, (f, w) => {
    f.i2 = s16(w.b);
  }),
  format('RIE-e', 6, 'r1,r3,ri', rie, (f, w) => {
    f.ri = s16(w.b) * 2;
  }),
  format('RIE-f', 6, 'r1,r2,i3,i4,i5', rie, (f, w) => {
    f.i3 = byte0(w.b);
    f.i4 = byte1(w.b);
    f.i5 = byte0(w.c);
  }),
  format('RIE-g', 6, 'r1,i2,m3', rie, (f, w) => {
    f.i2 = s16(w.b);
  }),
  format('RIL-a', 6, 'r1,i2', r1n3, (f, w) => {
    f.i2 = i32(w);
  }),
  format('RIL-b', 6, 'r1,ri', r1n3, (f, w) => {
    f.ri = i32(w) * 2;
  }),
  format('RIL-c', 6, 'm1,ri', (f, w) => {
    f.m1 = n3(w.a);
    f.ri = i32(w) * 2;
  }),
  format('RIS', 6, 'r1,i2,m3,d4', rie, (f, w) => {
    f.b4 = hi(w.b);
    f.d4 = w.b & 0xfff;
    f.i2 = (byte0(w.c) << 24) >> 24;
  }),
  format('RR', 2, 'r1,r2', r1r2),
  format('RRE', 4, 'r1,r2', rre),
  format('RRD', 4, 'r1,r3,r2', (f, w) => {
    f.r1 = hi(w.b);
    f.r3 = n3(w.b);
    f.r2 = lo(w.b);
  }),
  format('RRF-a', 4, 'r1,r2,r3', rrf),
  format('RRF-b', 4, 'r1,r3,r2,m4', rrf),
  format('RRF-c', 4, 'r1,r2,m3', rrf),
  format('RRF-e', 4, 'r1,m3,r2,m4', rrf),
  format('RRS', 6, 'r1,r2,m3,d4', rie, (f, w) => {
    f.b4 = hi(w.b);
    f.d4 = w.b & 0xfff;
    f.m3 = hi(w.c);
  }),
  format('RS-a', 4, 'r1,r3,d2', rs),
  format('RS-b', 4, 'r1,m3,d2', rs),
  format('RSI', 4, 'r1,r3,ri', rs, (f, w) => {
    f.b2 = f.d2 = 0;
    f.ri = s16(w.b) * 2;
  }),
  format('RSL', 6, 'd1(l1)', base1, (f, w) => {
    f.l1 = n3(w.a);
  }),
  format('RSY-a', 6, 'r1,r3,d2', rsy),
  format('RSY-b', 6, 'r1,m3,d2', rsy),
  format('RSY-c', 6, 'r1,d2,m3', rsy),
  format('RX-a', 4, 'r1,d2(x2)', rx),
  format('RX-b', 4, 'm1,d2(x2)', rx),
  format('RXE', 6, 'r1,d2(x2)', rx, (f, w) => {
    f.m3 = hi(w.c);
  }),
  format('RXF', 6, 'r1,r3,d2(x2)', rx, (f, w) => {
    f.r3 = f.r1;
    f.r1 = hi(w.c);
  }),
  format('RXY-a', 6, 'r1,d2(x2)', rxy),
  format('RXY-b', 6, 'm1,d2(x2)', rxy),
  format('S', 4, 'd2', base2),
  format('SI', 4, 'd1,i2', si),
  format('SIL', 6, 'd1,i2', base1, (f, w) => {
    f.i2 = s16(w.c);
  }),
  format('SIY', 6, 'd1,i2', si, (f, w) => {
    f.d1 = s20(f.d1, byte0(w.c));
  }),
  format('SMI', 6, 'm1,ri,d2', base2, (f, w) => {
    f.m1 = n3(w.a);
    f.ri = s16(w.c) * 2;
  }),
  format('SS-a', 6, 'd1(l1),d2', ss, (f, w) => {
    f.l1 = byte1(w.a);
  }),
  format('SS-b', 6, 'd1(l1),d2(l2)', ss, (f, w) => {
    f.l1 = n3(w.a);
    f.l2 = lo(w.a);
  }),
  format('SS-c', 6, 'd1(l1),d2,i3', ss, (f, w) => {
    f.l1 = n3(w.a);
    f.i3 = lo(w.a);
  }),
  format('SS-d', 6, 'd1(r1),d2,r3', ss, (f, w) => {
    f.r1 = n3(w.a);
    f.r3 = lo(w.a);
  }),
  format('SS-e', 6, 'r1,r3,d2,d4', base2, (f, w) => {
    f.r1 = n3(w.a);
    f.r3 = lo(w.a);
    f.b4 = hi(w.c);
    f.d4 = w.c & 0xfff;
  }),
  format('SS-f', 6, 'd1,d2(l2)', ss, (f, w) => {
    f.l2 = byte1(w.a);
  }),
  format('SSE', 6, 'd1,d2', ss),
  format('SSF', 6, 'd1,d2,r3', ss, (f, w) => {
    f.r3 = n3(w.a);
  }),
  format('VRI-a', 6, 'v1,i2,m3', v1, (f, w) => {
    f.i2 = w.b;
    f.m3 = byte0(w.c) >>> 4;
  }),
  format('VRI-b', 6, 'v1,i2,i3,m4', v1, (f, w) => {
    f.i2 = byte0(w.b);
    f.i3 = byte1(w.b);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRI-c', 6, 'v1,v3,i2,m4', v1, (f, w) => {
    f.v3 = lo(w.a) | rxb(w, 1);
    f.i2 = w.b;
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRI-d', 6, 'v1,v2,v3,i4,m5', v1, v2, v3, (f, w) => {
    f.i4 = byte1(w.b);
    f.m5 = byte0(w.c) >>> 4;
  }),
  format('VRI-e', 6, 'v1,v2,i3,m4,m5', v1, v2, (f, w) => {
    f.i3 = w.b >>> 4;
    f.m5 = w.b & 15;
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRR-a', 6, 'v1,v2,m3,m4,m5', v1, v2, (f, w) => {
    f.m5 = n3(w.b);
    f.m4 = lo(w.b);
    f.m3 = byte0(w.c) >>> 4;
  }),
  format('VRR-b', 6, 'v1,v2,v3,m4,m5', v1, v2, v3, (f, w) => {
    f.m5 = n3(w.b);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRR-c', 6, 'v1,v2,v3,m4,m5,m6', v1, v2, v3, (f, w) => {
    f.m6 = n3(w.b);
    f.m5 = lo(w.b);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRR-d', 6, 'v1,v2,v3,v4,m5,m6', v1, v2, v3, (f, w) => {
    f.m5 = n2(w.b);
    f.m6 = n3(w.b);
    f.v4 = (byte0(w.c) >>> 4) | rxb(w, 3);
  }),
  format('VRR-e', 6, 'v1,v2,v3,v4,m5,m6', v1, v2, v3, (f, w) => {
    f.m6 = n2(w.b);
    f.m5 = lo(w.b);
    f.v4 = (byte0(w.c) >>> 4) | rxb(w, 3);
  }),
  format('VRR-f', 6, 'v1,r2,r3', v1, (f, w) => {
    f.r2 = lo(w.a);
    f.r3 = hi(w.b);
  }),
  format('VRS-a', 6, 'v1,v3,d2,m4', v1, base2, (f, w) => {
    f.v3 = lo(w.a) | rxb(w, 1);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRS-b', 6, 'v1,r3,d2,m4', v1, base2, (f, w) => {
    f.r3 = lo(w.a);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRS-c', 6, 'r1,v3,d2,m4', base2, (f, w) => {
    f.r1 = n3(w.a);
    f.v3 = lo(w.a) | rxb(w, 1);
    f.m4 = byte0(w.c) >>> 4;
  }),
  format('VRV', 6, 'v1,d2(v2),m3', v1, v2, base2, (f, w) => {
    f.m3 = byte0(w.c) >>> 4;
  }),
  format('VRX', 6, 'v1,d2(x2),m3', v1, vx),
];

/** Formats by their names in the manual. */
export const FORMATS: ReadonlyMap<string, Format> = new Map(list.map((f) => [f.name, f]));

/** Operands, all zero. */
export function noFields(): Fields {
  return {
    r1: 0,
    r2: 0,
    r3: 0,
    m1: 0,
    m3: 0,
    m4: 0,
    m5: 0,
    m6: 0,
    x2: 0,
    b1: 0,
    b2: 0,
    b4: 0,
    d1: 0,
    d2: 0,
    d4: 0,
    i2: 0,
    i3: 0,
    i4: 0,
    i5: 0,
    l1: 0,
    l2: 0,
    ri: 0,
    v1: 0,
    v2: 0,
    v3: 0,
    v4: 0,
  };
}
