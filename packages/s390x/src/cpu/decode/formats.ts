/**
 * Instruction formats: where the operands lie. Principles of Operation, SA22-7832, chapter "Program Execution", "Instruction
 * Formats". A format is written as the instruction's nibbles, from the left:
 *
 *   o        operation code, - nothing
 *   r1:n     a field of n nibbles (one where n is not given): r registers, m masks, x indexes, b bases, l lengths, i immediates
 *   i2:4s    a signed one
 *   r1/m1    one that has two names
 *   d2:3     a displacement; dh2:2 its high part, with which it is signed
 *   ri:4     a relative address in halfwords, signed
 *   v1       a vector register, whose fifth bit is in rxb
 */

/**
 * Operands of an instruction; a field that the format lacks is 0. Displacements and relative addresses are in bytes, signed; vector
 * registers have five bits.
 */
export class Fields {
  r1 = 0;
  r2 = 0;
  r3 = 0;
  m1 = 0;
  m3 = 0;
  m4 = 0;
  m5 = 0;
  m6 = 0;
  x2 = 0;
  b1 = 0;
  b2 = 0;
  b4 = 0;
  d1 = 0;
  d2 = 0;
  d4 = 0;
  i2 = 0;
  i3 = 0;
  i4 = 0;
  i5 = 0;
  l1 = 0;
  l2 = 0;
  ri = 0;
  v1 = 0;
  v2 = 0;
  v3 = 0;
  v4 = 0;
}

/** The halfwords of an instruction, the first in `a`; those behind its end are 0. */
export interface InsnWords {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface Format {
  readonly name: string;
  readonly length: 2 | 4 | 6;
  /** Operands in assembler order. */
  readonly operands: string;
  /** The nibble that each field begins at. */
  readonly places: ReadonlyMap<string, number>;
  /** Bits of the relative address that follows the first halfword; 0 where none does. */
  readonly relativeBits: 0 | 16 | 32;
  /** Sets the fields that the format has. */
  fill(fields: Fields, words: InsnWords): void;
}

type Fill = (f: Fields, w: InsnWords) => void;

/** `count` nibbles from a place on, at most 8. */
function nibbles({ a, b, c }: InsnWords, place: number, count: number): number {
  const end = place + count;
  const mask = count === 8 ? -1 : (1 << (4 * count)) - 1;
  // They lie in the first four bytes, in the last four, or in the middle.
  if (end <= 8) return ((((a << 16) | b) >>> (32 - 4 * end)) & mask) >>> 0;
  if (place >= 4) return ((((b << 16) | c) >>> (48 - 4 * end)) & mask) >>> 0;
  return (((((a << 16) | b) << (4 * end - 32)) | (c >>> (48 - 4 * end))) & mask) >>> 0;
}

/** Where RXB is, and which of its bits belongs to a vector register at a place: by the place, not by the number. */
const RXB = 9;
const RXB_BITS: Readonly<Record<number, number>> = { 2: 8, 3: 4, 4: 2, 8: 1 };

const signed = (value: number, count: number): number => (value << (32 - 4 * count)) >> (32 - 4 * count);

/** What sets a field: a function each, as a store by a name that varies costs a search. */
const SETTERS: Readonly<Record<keyof Fields, (f: Fields, value: number) => void>> = {
  r1: (f, value) => {
    f.r1 = value;
  },
  r2: (f, value) => {
    f.r2 = value;
  },
  r3: (f, value) => {
    f.r3 = value;
  },
  m1: (f, value) => {
    f.m1 = value;
  },
  m3: (f, value) => {
    f.m3 = value;
  },
  m4: (f, value) => {
    f.m4 = value;
  },
  m5: (f, value) => {
    f.m5 = value;
  },
  m6: (f, value) => {
    f.m6 = value;
  },
  x2: (f, value) => {
    f.x2 = value;
  },
  b1: (f, value) => {
    f.b1 = value;
  },
  b2: (f, value) => {
    f.b2 = value;
  },
  b4: (f, value) => {
    f.b4 = value;
  },
  d1: (f, value) => {
    f.d1 = value;
  },
  d2: (f, value) => {
    f.d2 = value;
  },
  d4: (f, value) => {
    f.d4 = value;
  },
  i2: (f, value) => {
    f.i2 = value;
  },
  i3: (f, value) => {
    f.i3 = value;
  },
  i4: (f, value) => {
    f.i4 = value;
  },
  i5: (f, value) => {
    f.i5 = value;
  },
  l1: (f, value) => {
    f.l1 = value;
  },
  l2: (f, value) => {
    f.l2 = value;
  },
  ri: (f, value) => {
    f.ri = value;
  },
  v1: (f, value) => {
    f.v1 = value;
  },
  v2: (f, value) => {
    f.v2 = value;
  },
  v3: (f, value) => {
    f.v3 = value;
  },
  v4: (f, value) => {
    f.v4 = value;
  },
};

/** Sets all that a field is called. */
function setterOf(field: string): (f: Fields, value: number) => void {
  const [first, second] = (field.split('/') as (keyof Fields)[]).map((name) => SETTERS[name]);
  if (first === undefined) throw new Error(`no field ${field}`);
  if (second === undefined) return first;
  return (f, value) => {
    first(f, value);
    second(f, value);
  };
}

function fillOf(field: string, place: number, count: number, isSigned: boolean): Fill {
  if (field.startsWith('v')) {
    const set = setterOf(field);
    const bit = RXB_BITS[place] ?? 0;
    return (f, w) => set(f, nibbles(w, place, 1) | ((nibbles(w, RXB, 1) & bit) === 0 ? 0 : 16));
  }
  if (field.startsWith('dh')) {
    const name = field.replace('h', '') as keyof Fields;
    return (f, w) => {
      f[name] |= signed(nibbles(w, place, count), count) << 12;
    };
  }
  const set = setterOf(field);
  if (field === 'ri') return (f, w) => set(f, signed(nibbles(w, place, count), count) * 2);
  if (isSigned) return (f, w) => set(f, signed(nibbles(w, place, count), count));
  return (f, w) => set(f, nibbles(w, place, count));
}

/** @throws Error where the nibbles are not those of 2, 4 or 6 bytes */
function parseFormat(line: string): Format {
  const [name = '', operands = '', ...tokens] = line.split(/\s+/);
  const places = new Map<string, number>();
  const fills: Fill[] = [];
  let place = 0;
  for (const token of tokens) {
    const [, field = token, digits = '1', sign = ''] = /^([a-z][a-z0-9/]+?)(?::(\d)(s?))?$/.exec(token) ?? [];
    if (/^o+$/.test(token) || token === '-' || token === 'rxb') {
      place += token === 'rxb' ? 1 : token.length;
      continue;
    }
    for (const one of field.split('/')) places.set(one, place);
    fills.push(fillOf(field, place, Number(digits), sign !== ''));
    place += Number(digits);
  }
  const length = place / 2;
  if (length !== 2 && length !== 4 && length !== 6) throw new Error(`format of ${length} bytes: ${line}`);
  return {
    name,
    length,
    operands: operands === '-' ? '' : operands,
    places,
    relativeBits: places.get('ri') !== 4 ? 0 : tokens.includes('ri:8') ? 32 : 16,
    fill: (f, w) => {
      for (const fill of fills) fill(f, w);
    },
  };
}

/** Name, operands in assembler order, nibbles. */
const TABLE = `
E - oooo
I i2 oo i2:2
IE i2,i3 oooo - - i2 i3
MII m1,ri,i3 oo m1 ri:3 i3:6s
RI-a r1,i2 oo r1 o i2:4s
RI-b r1,ri oo r1 o ri:4
RI-c m1,ri oo m1 o ri:4
RIE-a r1,i2,m3 oo r1 - i2:4s m3 - oo
RIE-b r1,r2,m3,ri oo r1 r2 ri:4 m3 - oo
RIE-c r1,i2,m3,ri oo r1 m3 ri:4 i2:2s oo
RIE-d r1,r3,i2 oo r1 r3 i2:4s - - oo
RIE-e r1,r3,ri oo r1 r3 ri:4 - - oo
RIE-f r1,r2,i3,i4,i5 oo r1 r2 i3:2 i4:2 i5:2 oo
RIE-g r1,i2,m3 oo r1 m3 i2:4s - - oo
RIL-a r1,i2 oo r1 o i2:8s
RIL-b r1,ri oo r1 o ri:8
RIL-c m1,ri oo m1 o ri:8
RIS r1,i2,m3,d4 oo r1 m3 b4 d4:3 i2:2s oo
RR r1,r2 oo r1/m1 r2
RRD r1,r3,r2 oooo r1 - r3 r2
RRE r1,r2 oooo - - r1 r2
RRF-a r1,r2,r3 oooo r3 m4 r1 r2
RRF-b r1,r3,r2,m4 oooo r3 m4 r1 r2
RRF-c r1,r2,m3 oooo m3 - r1 r2
RRF-e r1,m3,r2,m4 oooo m3 m4 r1 r2
RRS r1,r2,m3,d4 oo r1 r2 b4 d4:3 m3 - oo
RS-a r1,r3,d2 oo r1 r3 b2 d2:3
RS-b r1,m3,d2 oo r1 m3 b2 d2:3
RSI r1,r3,ri oo r1 r3 ri:4
RSL d1(l1) oo l1 - b1 d1:3 - - oo
RSY-a r1,r3,d2 oo r1 r3 b2 d2:3 dh2:2 oo
RSY-b r1,m3,d2 oo r1 m3 b2 d2:3 dh2:2 oo
RSY-c r1,d2,m3 oo r1 m3 b2 d2:3 dh2:2 oo
RX-a r1,d2(x2) oo r1 x2 b2 d2:3
RX-b m1,d2(x2) oo m1 x2 b2 d2:3
RXE r1,d2(x2) oo r1 x2 b2 d2:3 m3 - oo
RXF r1,r3,d2(x2) oo r3 x2 b2 d2:3 r1 - oo
RXY-a r1,d2(x2) oo r1 x2 b2 d2:3 dh2:2 oo
RXY-b m1,d2(x2) oo m1 x2 b2 d2:3 dh2:2 oo
S d2 oooo b2 d2:3
SI d1,i2 oo i2:2 b1 d1:3
SIL d1,i2 oooo b1 d1:3 i2:4s
SIY d1,i2 oo i2:2 b1 d1:3 dh1:2 oo
SMI m1,ri,d2 oo m1 - b2 d2:3 ri:4
SS-a d1(l1),d2 oo l1:2 b1 d1:3 b2 d2:3
SS-b d1(l1),d2(l2) oo l1 l2 b1 d1:3 b2 d2:3
SS-c d1(l1),d2,i3 oo l1 i3 b1 d1:3 b2 d2:3
SS-d d1(r1),d2,r3 oo r1 r3 b1 d1:3 b2 d2:3
SS-e r1,r3,d2,d4 oo r1 r3 b2 d2:3 b4 d4:3
SS-f d1,d2(l2) oo l2:2 b1 d1:3 b2 d2:3
SSE d1,d2 oooo b1 d1:3 b2 d2:3
SSF d1,d2,r3 oo r3 o b1 d1:3 b2 d2:3
VRI-a v1,i2,m3 oo v1 - i2:4 m3 rxb oo
VRI-b v1,i2,i3,m4 oo v1 - i2:2 i3:2 m4 rxb oo
VRI-c v1,v3,i2,m4 oo v1 v3 i2:4 m4 rxb oo
VRI-d v1,v2,v3,i4,m5 oo v1 v2 v3 - i4:2 m5 rxb oo
VRI-e v1,v2,i3,m4,m5 oo v1 v2 i3:3 m5 m4 rxb oo
VRI-f v1,v2,v3,i4,m5 oo v1 v2 v3 - m5 i4:2 rxb oo
VRI-g v1,v2,i3,i4,m5 oo v1 v2 i4:2 m5 i3:2 rxb oo
VRI-h v1,i2,i3 oo v1 - i2:4 i3 rxb oo
VRI-i v1,r2,i3,m4 oo v1 r2 - - m4 i3:2 rxb oo
VRR-a v1,v2,m3,m4,m5 oo v1 v2 - - m5 m4 m3 rxb oo
VRR-b v1,v2,v3,m4,m5 oo v1 v2 v3 - m5 - m4 rxb oo
VRR-c v1,v2,v3,m4,m5,m6 oo v1 v2 v3 - m6 m5 m4 rxb oo
VRR-d v1,v2,v3,v4,m5,m6 oo v1 v2 v3 m5 m6 - v4 rxb oo
VRR-e v1,v2,v3,v4,m5,m6 oo v1 v2 v3 m6 - m5 v4 rxb oo
VRR-f v1,r2,r3 oo v1 r2 r3 - - - - rxb oo
VRR-g v1 oo - v1 - - - - - rxb oo
VRR-h v1,v2,m3 oo - v1 v2 - m3 - - rxb oo
VRR-i r1,v2,m3,m4 oo r1 v2 - - m3 m4 - rxb oo
VRS-a v1,v3,d2,m4 oo v1 v3 b2 d2:3 m4 rxb oo
VRS-b v1,r3,d2,m4 oo v1 r3 b2 d2:3 m4 rxb oo
VRS-c r1,v3,d2,m4 oo r1 v3 b2 d2:3 m4 rxb oo
VRS-d v1,r3,d2 oo - r3 b2 d2:3 v1 rxb oo
VRV v1,d2(v2),m3 oo v1 v2 b2 d2:3 m3 rxb oo
VRX v1,d2(x2),m3 oo v1 x2 b2 d2:3 m3 rxb oo
VSI v1,d2,i3 oo i3:2 b2 d2:3 v1 rxb oo
`;

const list = TABLE.split('\n')
  .filter((line) => line !== '')
  .map(parseFormat);

/** Formats by their names in the manual. */
export const FORMATS: ReadonlyMap<string, Format> = new Map(list.map((f) => [f.name, f]));
