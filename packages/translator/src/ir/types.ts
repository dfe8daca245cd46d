/** Types of the intermediate code: what a value is, where the state of a vCPU keeps it. */
export type Ty = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Bytes that a value of a type takes in a slot of the CPU state. */
export const TYPE_BYTES = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 } as const satisfies Record<Ty, number>;

/** A named place in the state of a vCPU: `offset` bytes above the vCPU's base, below 64 KiB. */
export interface Slot {
  readonly name: string;
  readonly offset: number;
  readonly ty: Ty;
  /** The v128 that this i64 is a half of (`StateLayout.highHalf`, `lowHalf`). */
  readonly whole?: Slot;
}
