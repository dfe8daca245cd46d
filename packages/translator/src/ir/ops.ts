/**
 * The pure operations of the intermediate code. Each is data: operand types, result type and the WebAssembly bytes that
 * compute it from operands on the stack. Both tiers and the helper compiler are generated from this table.
 */
import { W } from '../wasm/opcodes.ts';
import type { Ty } from './types.ts';

export interface PureOp {
  readonly name: string;
  readonly args: readonly Ty[];
  readonly result: Ty;
  /** WebAssembly instruction bytes, run with the operands on the stack in order. */
  readonly code: readonly number[];
  /** The second operand may be an immediate in tier 0. */
  readonly immediate: boolean;
  readonly commutative: boolean;
  /** A comparison: its i32 result is 0 or 1. */
  readonly compare: boolean;
}

const table = new Map<string, PureOp>();

function define(
  name: string,
  args: readonly Ty[],
  result: Ty,
  code: readonly number[],
  o: Partial<PureOp> = {},
): PureOp {
  const op: PureOp = { name, args, result, code, immediate: false, commutative: false, compare: false, ...o };
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

/** Every pure operation, in a fixed order: the order numbers the operations of tier 0. */
export const PURE_OPS: readonly PureOp[] = [...table.values()];

/** The operation called `name` (`add.i64`); throws where there is none. */
export function pureOp(name: string): PureOp {
  const op = table.get(name);
  if (op === undefined) throw new Error(`no IR operation ${name}`);
  return op;
}
