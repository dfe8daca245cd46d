/**
 * The pure operations of the intermediate code. Each is data: operand types, result type and the WebAssembly bytes that
 * compute it from operands on the stack. Both tiers and the helper compiler are generated from this table.
 */
import { W } from '../wasm/opcodes.ts';
import type { Ty } from './types.ts';

export interface PureOp {
  readonly name: string;
  /** Its place in `PURE_OPS`; -1 for one that is made for its immediate. */
  readonly index: number;
  readonly args: readonly Ty[];
  readonly result: Ty;
  /** WebAssembly instruction bytes, run with the operands on the stack in order. */
  readonly code: readonly number[];
  /** The second operand may be an immediate in tier 0. */
  readonly immediate: boolean;
  readonly commutative: boolean;
  /** A comparison: its i32 result is 0 or 1. */
  readonly compare: boolean;
  /** Tier 0 calls it instead of having an operation for it: there are many of these, and only some architectures use them. */
  readonly outlined: boolean;
  /** A constant vector: its 32-bit words, the lowest first. */
  readonly words?: readonly number[];
}

const table = new Map<string, PureOp>();

function define(
  name: string,
  args: readonly Ty[],
  result: Ty,
  code: readonly number[],
  o: Partial<PureOp> = {},
): PureOp {
  const op: PureOp = {
    name,
    index: table.size,
    args,
    result,
    code,
    immediate: false,
    commutative: false,
    compare: false,
    outlined: false,
    ...o,
  };
  table.set(name, op);
  return op;
}

const COMMUTATIVE = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq', 'ne']);
const integer: Readonly<Record<string, readonly [i32: number, i64: number]>> = {
  add: [0x6a, 0x7c],
  sub: [0x6b, 0x7d],
  mul: [0x6c, 0x7e],
  divS: [0x6d, 0x7f],
  divU: [0x6e, 0x80],
  remS: [0x6f, 0x81],
  remU: [0x70, 0x82],
  and: [0x71, 0x83],
  or: [0x72, 0x84],
  xor: [0x73, 0x85],
  shl: [0x74, 0x86],
  sar: [0x75, 0x87],
  shr: [0x76, 0x88],
  rotl: [0x77, 0x89],
  rotr: [0x78, 0x8a],
};
const compares: Readonly<Record<string, readonly [i32: number, i64: number]>> = {
  eq: [0x46, 0x51],
  ne: [0x47, 0x52],
  ltS: [0x48, 0x53],
  ltU: [0x49, 0x54],
  gtS: [0x4a, 0x55],
  gtU: [0x4b, 0x56],
  leS: [0x4c, 0x57],
  leU: [0x4d, 0x58],
  geS: [0x4e, 0x59],
  geU: [0x4f, 0x5a],
};
for (const [name, codes] of Object.entries(integer)) {
  const o = { immediate: true, commutative: COMMUTATIVE.has(name) };
  define(`${name}.i32`, ['i32', 'i32'], 'i32', [codes[0]], o);
  define(`${name}.i64`, ['i64', 'i64'], 'i64', [codes[1]], o);
}
for (const [name, codes] of Object.entries(compares)) {
  const o = { immediate: true, commutative: COMMUTATIVE.has(name), compare: true };
  define(`${name}.i32`, ['i32', 'i32'], 'i32', [codes[0]], o);
  define(`${name}.i64`, ['i64', 'i64'], 'i32', [codes[1]], o);
}
define('eqz.i32', ['i32'], 'i32', [W.i32Eqz], { compare: true });
define('eqz.i64', ['i64'], 'i32', [W.i64Eqz], { compare: true });
for (const [name, a, b] of [
  ['clz', 0x67, 0x79],
  ['ctz', 0x68, 0x7a],
  ['popcnt', 0x69, 0x7b],
] as const) {
  define(`${name}.i32`, ['i32'], 'i32', [a]);
  define(`${name}.i64`, ['i64'], 'i64', [b]);
}
define('sext8.i32', ['i32'], 'i32', [0xc0]);
define('sext16.i32', ['i32'], 'i32', [0xc1]);
define('sext8.i64', ['i64'], 'i64', [0xc2]);
define('sext16.i64', ['i64'], 'i64', [0xc3]);
define('sext32.i64', ['i64'], 'i64', [0xc4]);
define('extend32S', ['i32'], 'i64', [W.i64ExtendI32S]);
define('extend32U', ['i32'], 'i64', [W.i64ExtendI32U]);
define('wrap', ['i64'], 'i32', [W.i32WrapI64]);
/** 32-bit arithmetic with a result sign-extended to 64 bits, as RV64, MIPS64 and Alpha have it: fused by tier 0. */
for (const name of ['add', 'sub', 'mul', 'shl', 'shr', 'sar'] as const) {
  const op = integer[name];
  if (op === undefined) continue;
  define(`${name}32s`, ['i32', 'i32'], 'i64', [op[0], W.i64ExtendI32S], { immediate: true });
}
define('select.i32', ['i32', 'i32', 'i32'], 'i32', [W.select]);
define('select.i64', ['i32', 'i64', 'i64'], 'i64', [W.select]);
define('select.f32', ['i32', 'f32', 'f32'], 'f32', [W.select]);
define('select.f64', ['i32', 'f64', 'f64'], 'f64', [W.select]);
define('select.v128', ['i32', 'v128', 'v128'], 'v128', [W.select]);

const float: readonly (readonly [name: string, f32: number, f64: number])[] = [
  ['fabs', 0x8b, 0x99],
  ['fneg', 0x8c, 0x9a],
  ['fceil', 0x8d, 0x9b],
  ['ffloor', 0x8e, 0x9c],
  ['ftrunc', 0x8f, 0x9d],
  ['fnearest', 0x90, 0x9e],
  ['fsqrt', 0x91, 0x9f],
];
for (const [name, a, b] of float) {
  define(`${name}.f32`, ['f32'], 'f32', [a]);
  define(`${name}.f64`, ['f64'], 'f64', [b]);
}
for (const [name, a, b] of [
  ['fadd', 0x92, 0xa0],
  ['fsub', 0x93, 0xa1],
  ['fmul', 0x94, 0xa2],
  ['fdiv', 0x95, 0xa3],
  ['fmin', 0x96, 0xa4],
  ['fmax', 0x97, 0xa5],
] as const) {
  define(`${name}.f32`, ['f32', 'f32'], 'f32', [a]);
  define(`${name}.f64`, ['f64', 'f64'], 'f64', [b]);
}
for (const [name, a, b] of [
  ['feq', 0x5b, 0x61],
  ['flt', 0x5d, 0x63],
  ['fle', 0x5f, 0x65],
] as const) {
  define(`${name}.f32`, ['f32', 'f32'], 'i32', [a], { compare: true });
  define(`${name}.f64`, ['f64', 'f64'], 'i32', [b], { compare: true });
}
define('convertS.i32.f32', ['i32'], 'f32', [0xb2]);
define('convertU.i32.f32', ['i32'], 'f32', [0xb3]);
define('convertS.i64.f32', ['i64'], 'f32', [0xb4]);
define('convertU.i64.f32', ['i64'], 'f32', [0xb5]);
define('demote', ['f64'], 'f32', [0xb6]);
define('convertS.i32.f64', ['i32'], 'f64', [0xb7]);
define('convertU.i32.f64', ['i32'], 'f64', [0xb8]);
define('convertS.i64.f64', ['i64'], 'f64', [0xb9]);
define('convertU.i64.f64', ['i64'], 'f64', [0xba]);
define('promote', ['f32'], 'f64', [0xbb]);
define('reinterpret.f32.i32', ['f32'], 'i32', [0xbc]);
define('reinterpret.f64.i64', ['f64'], 'i64', [0xbd]);
define('reinterpret.i32.f32', ['i32'], 'f32', [0xbe]);
define('reinterpret.i64.f64', ['i64'], 'f64', [0xbf]);
for (const [i, from] of (['f32', 'f64'] as const).entries()) {
  define(`truncSatS.${from}.i32`, [from], 'i32', [W.prefixMisc, i * 2]);
  define(`truncSatU.${from}.i32`, [from], 'i32', [W.prefixMisc, i * 2 + 1]);
  define(`truncSatS.${from}.i64`, [from], 'i64', [W.prefixMisc, 4 + i * 2]);
  define(`truncSatU.${from}.i64`, [from], 'i64', [W.prefixMisc, 5 + i * 2]);
}

const simd = (op: number): number[] => (op < 0x80 ? [W.prefixSimd, op] : [W.prefixSimd, (op & 0x7f) | 0x80, op >> 7]);
const V = ['v128', 'v128'] as const;
for (const [name, op] of [
  ['and', 0x4e],
  ['andnot', 0x4f],
  ['or', 0x50],
  ['xor', 0x51],
  ['swizzle.i8x16', 0x0e],
  ['add.i8x16', 0x6e],
  ['sub.i8x16', 0x71],
  ['add.i16x8', 0x8e],
  ['sub.i16x8', 0x91],
  ['mul.i16x8', 0x95],
  ['add.i32x4', 0xae],
  ['sub.i32x4', 0xb1],
  ['mul.i32x4', 0xb5],
  ['add.i64x2', 0xce],
  ['sub.i64x2', 0xd1],
  ['mul.i64x2', 0xd5],
  ['eq.i8x16', 0x23],
  ['eq.i16x8', 0x2d],
  ['eq.i32x4', 0x37],
  ['eq.i64x2', 0xd6],
] as const) {
  define(`v128.${name}`, V, 'v128', simd(op));
}
define('v128.not', ['v128'], 'v128', simd(0x4d));
define('splat.i8x16', ['i32'], 'v128', simd(0x0f));
define('splat.i16x8', ['i32'], 'v128', simd(0x10));
define('splat.i32x4', ['i32'], 'v128', simd(0x11));
define('splat.i64x2', ['i64'], 'v128', simd(0x12));
define('low64', ['v128'], 'i64', [...simd(0x1d), 0]);
define('high64', ['v128'], 'i64', [...simd(0x1d), 1]);
define('withLow64', ['v128', 'i64'], 'v128', [...simd(0x1e), 0]);
define('withHigh64', ['v128', 'i64'], 'v128', [...simd(0x1e), 1]);

/** The rest of WebAssembly's vector operations (Core Specification 2.0, section 5.4.8), by shape: what guests' vectors are made of. */
const OUTLINED = { outlined: true } as const;
type Row = readonly [name: string, op: number];
function vectors(args: readonly Ty[], result: Ty, rows: readonly Row[]): void {
  for (const [name, op] of rows) define(name, args, result, simd(op), OUTLINED);
}
/** Rows of operations whose numbers are given by lane size, from `i8x16` or as `shapes` says. */
const LANES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;
function byShape(name: string, ...ops: readonly (number | undefined)[]): Row[] {
  return LANES.flatMap((shape, i) => {
    const op = ops[i];
    return op === undefined ? [] : [[`v128.${name}.${shape}`, op] as const];
  });
}
vectors(V, 'v128', [
  ...byShape('ne', 0x24, 0x2e, 0x38, 0xd7),
  ...byShape('ltS', 0x25, 0x2f, 0x39, 0xd8),
  ...byShape('ltU', 0x26, 0x30, 0x3a),
  ...byShape('gtS', 0x27, 0x31, 0x3b, 0xd9),
  ...byShape('gtU', 0x28, 0x32, 0x3c),
  ...byShape('leS', 0x29, 0x33, 0x3d, 0xda),
  ...byShape('leU', 0x2a, 0x34, 0x3e),
  ...byShape('geS', 0x2b, 0x35, 0x3f, 0xdb),
  ...byShape('geU', 0x2c, 0x36, 0x40),
  ...byShape('addSatS', 0x6f, 0x8f),
  ...byShape('addSatU', 0x70, 0x90),
  ...byShape('subSatS', 0x72, 0x92),
  ...byShape('subSatU', 0x73, 0x93),
  ...byShape('minS', 0x76, 0x96, 0xb6),
  ...byShape('minU', 0x77, 0x97, 0xb7),
  ...byShape('maxS', 0x78, 0x98, 0xb8),
  ...byShape('maxU', 0x79, 0x99, 0xb9),
  ...byShape('avgrU', 0x7b, 0x9b),
  /** Two vectors of wider lanes to one of these, saturating. */
  ...byShape('narrowS', 0x65, 0x85),
  ...byShape('narrowU', 0x66, 0x86),
  /** Products of the low or high lanes of half the size, in full. */
  ...byShape('mulLowS', undefined, 0x9c, 0xbc, 0xdc),
  ...byShape('mulHighS', undefined, 0x9d, 0xbd, 0xdd),
  ...byShape('mulLowU', undefined, 0x9e, 0xbe, 0xde),
  ...byShape('mulHighU', undefined, 0x9f, 0xbf, 0xdf),
  ['v128.dot.i32x4', 0xba],
  ['v128.q15mulr.i16x8', 0x82],
]);
vectors(['v128'], 'v128', [
  ...byShape('abs', 0x60, 0x80, 0xa0, 0xc0),
  ...byShape('neg', 0x61, 0x81, 0xa1, 0xc1),
  ['v128.popcnt.i8x16', 0x62],
  ...byShape('extendLowS', undefined, 0x87, 0xa7, 0xc7),
  ...byShape('extendHighS', undefined, 0x88, 0xa8, 0xc8),
  ...byShape('extendLowU', undefined, 0x89, 0xa9, 0xc9),
  ...byShape('extendHighU', undefined, 0x8a, 0xaa, 0xca),
  ...byShape('addPairsS', undefined, 0x7c, 0x7e),
  ...byShape('addPairsU', undefined, 0x7d, 0x7f),
]);
vectors(['v128'], 'i32', [
  ['v128.anyTrue', 0x53],
  ...byShape('allTrue', 0x63, 0x83, 0xa3, 0xc3),
  ...byShape('bitmask', 0x64, 0x84, 0xa4, 0xc4),
]);
/** Shifts of every lane by a count modulo the lane's width. */
vectors(['v128', 'i32'], 'v128', [
  ...byShape('shl', 0x6b, 0x8b, 0xab, 0xcb),
  ...byShape('sar', 0x6c, 0x8c, 0xac, 0xcc),
  ...byShape('shr', 0x6d, 0x8d, 0xad, 0xcd),
]);
/** (a, b, mask): the bits of a where the mask has ones, else of b. */
vectors(['v128', 'v128', 'v128'], 'v128', [['v128.bitselect', 0x52]]);
/** Floating point by lanes, as the scalar operations: round to nearest, no flags. */
for (const [name, f32, f64] of [
  ['fadd', 0xe4, 0xf0],
  ['fsub', 0xe5, 0xf1],
  ['fmul', 0xe6, 0xf2],
  ['fdiv', 0xe7, 0xf3],
  ['fmin', 0xe8, 0xf4],
  ['fmax', 0xe9, 0xf5],
  ['feq', 0x41, 0x47],
  ['fne', 0x42, 0x48],
  ['flt', 0x43, 0x49],
  ['fle', 0x45, 0x4b],
] as const) {
  vectors(V, 'v128', [
    [`v128.${name}.f32x4`, f32],
    [`v128.${name}.f64x2`, f64],
  ]);
}
for (const [name, f32, f64] of [
  ['fabs', 0xe0, 0xec],
  ['fneg', 0xe1, 0xed],
  ['fsqrt', 0xe3, 0xef],
  ['fceil', 0x67, 0x74],
  ['ffloor', 0x68, 0x75],
  ['ftrunc', 0x69, 0x7a],
  ['fnearest', 0x6a, 0x94],
] as const) {
  vectors(['v128'], 'v128', [
    [`v128.${name}.f32x4`, f32],
    [`v128.${name}.f64x2`, f64],
  ]);
}
vectors(['v128'], 'v128', [
  ['v128.truncSatS.f32x4.i32x4', 0xf8],
  ['v128.truncSatU.f32x4.i32x4', 0xf9],
  ['v128.convertS.i32x4.f32x4', 0xfa],
  ['v128.convertU.i32x4.f32x4', 0xfb],
  ['v128.truncSatS.f64x2.i32x4', 0xfc],
  ['v128.truncSatU.f64x2.i32x4', 0xfd],
  ['v128.convertLowS.i32x4.f64x2', 0xfe],
  ['v128.convertLowU.i32x4.f64x2', 0xff],
  ['v128.demote.f64x2.f32x4', 0x5e],
  ['v128.promoteLow.f32x4.f64x2', 0x5f],
]);
/** Lanes by constant number: `extractS.i8x16.3`, `replace.i8x16.3`; `low64` and its like are those of i64x2. */
for (const [shape, lanes, ty, signed, unsigned, replace] of [
  ['i8x16', 16, 'i32', 0x15, 0x16, 0x17],
  ['i16x8', 8, 'i32', 0x18, 0x19, 0x1a],
  ['i32x4', 4, 'i32', undefined, 0x1b, 0x1c],
  ['f32x4', 4, 'f32', undefined, 0x1f, 0x20],
  ['f64x2', 2, 'f64', undefined, 0x21, 0x22],
] as const) {
  for (let lane = 0; lane < lanes; lane++) {
    if (signed !== undefined) define(`extractS.${shape}.${lane}`, ['v128'], ty, [...simd(signed), lane], OUTLINED);
    define(`extract.${shape}.${lane}`, ['v128'], ty, [...simd(unsigned), lane], OUTLINED);
    define(`replace.${shape}.${lane}`, ['v128', ty], 'v128', [...simd(replace), lane], OUTLINED);
  }
}
define('splat.f32x4', ['f32'], 'v128', simd(0x13), OUTLINED);
define('splat.f64x2', ['f64'], 'v128', simd(0x14), OUTLINED);

/** Every pure operation, in a fixed order: the order numbers the operations of tier 0. */
export const PURE_OPS: readonly PureOp[] = [...table.values()];

/** The operation called `name` (`add.i64`); throws where there is none. */
export function pureOp(name: string): PureOp {
  const op = table.get(name) ?? immediateOp(name);
  if (op === undefined) throw new Error(`no IR operation ${name}`);
  return op;
}

/** An operation that there is for several types. */
export type TypedOps = Readonly<Record<Ty, PureOp | undefined>> & { readonly name: string };

/** The operations called `name` and a type: `add.i32`, `add.i64`. */
export function typedOps(name: string): TypedOps {
  const of = (ty: Ty): PureOp | undefined => table.get(`${name}.${ty}`);
  return { name, i32: of('i32'), i64: of('i64'), f32: of('f32'), f64: of('f64'), v128: of('v128') };
}

/** That of a type; throws where there is none. */
export function typedOp(ops: TypedOps, ty: Ty): PureOp {
  return ops[ty] ?? pureOp(`${ops.name}.${ty}`);
}

const NONE: Omit<PureOp, 'name' | 'args' | 'result' | 'code'> = {
  index: -1,
  immediate: false,
  commutative: false,
  compare: false,
  outlined: true,
};
const shuffles = new Map<string, PureOp>();

/** A vector from its halves, `v128.const.<number in hexadecimal>`. */
export function constantOp(low: bigint, high: bigint): PureOp {
  const value = (BigInt.asUintN(64, high) << 64n) | BigInt.asUintN(64, low);
  const part = (n: number, bits: number): number => Number(BigInt.asUintN(bits, value >> BigInt(n * bits)));
  const bytes = Array.from({ length: 16 }, (_, n) => part(n, 8));
  const words = Array.from({ length: 4 }, (_, n) => part(n, 32) | 0);
  const name = `v128.const.${value.toString(16)}`;
  return { ...NONE, name, args: [], result: 'v128', code: [...simd(0x0c), ...bytes], words };
}

/**
 * Bytes of two vectors by their numbers, `shuffle.<number of each in hexadecimal>`. Each is kept: a frontend has few, and none that
 * a guest makes up.
 */
export function shuffleOp(lanes: readonly number[]): PureOp {
  const name = `shuffle.${lanes.map((lane) => lane.toString(16).padStart(2, '0')).join('')}`;
  const known = shuffles.get(name);
  if (known !== undefined) return known;
  if (lanes.length !== 16 || lanes.some((lane) => !(lane >= 0 && lane < 32))) throw new Error(`no ${name}`);
  const op: PureOp = { ...NONE, name, args: V, result: 'v128', code: [...simd(0x0d), ...lanes] };
  shuffles.set(name, op);
  return op;
}

/** An operation whose name holds its immediate. */
function immediateOp(name: string): PureOp | undefined {
  const [, kind = '', digits = ''] = /^(v128\.const|shuffle)\.([0-9a-f]+)$/.exec(name) ?? [];
  if (kind === 'shuffle') return shuffleOp((digits.match(/../g) ?? []).map((lane) => Number.parseInt(lane, 16)));
  if (kind === '') return undefined;
  const value = BigInt(`0x${digits}`);
  return constantOp(value, value >> 64n);
}
