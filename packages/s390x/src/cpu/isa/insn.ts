/**
 * How instruction semantics are written: an emitter gives the intermediate code of one instruction through an `Insn`, which
 * knows the operands, the mode that is translated for and what is known of the condition code.
 */
import {
  accessDescriptor,
  ENGINE,
  type InsnContext,
  type IrBuilder,
  type IrHelper,
  type RmwOp,
  type Slot,
  type Value,
} from '@boardwalk/translator';
import { PGM, PSW } from '../bits.ts';
import { type CcKind, ccValue, condition } from '../condition.ts';
import { Fields } from '../decode/formats.ts';
import {
  AMODE_64,
  MMU_KEYED_FETCH,
  MODE_AR,
  MODE_EXECUTED,
  MODE_FIXED_OVERFLOW,
  MODE_PER,
  MODE_PROBLEM,
  modeAmode,
  modeDataMmu,
  modeFetchMmu,
} from '../mode.ts';
import { spaceOf } from '../spaces.ts';
import { ar, ccA, ccB, ccKind, common, executeTarget, pswMask, r } from '../state.ts';

/** Emits the meaning of one instruction. One that does not end the block falls through to the next instruction. */
export type Emitter = (i: Insn) => void;

/** Bytes of an access to guest memory. */
export type Size = 1 | 2 | 4 | 8;

/** High half of a 64-bit number as a mask. */
const HIGH = [0, -1] as const;

/** Slot `n` of a file of registers; the number comes from four or five bits of an instruction. */
export function slotOf(file: readonly Slot[], n: number): Slot {
  const slot = file[n];
  if (slot === undefined) throw new Error(`no register ${n}`);
  return slot;
}

/** Thrown by an emitter whose instruction always raises: nothing is to be emitted behind that. */
export class Refused extends Error {}

/** The instruction that is being translated. One object serves all, one after the other. */
export class Insn {
  b!: IrBuilder;
  f = new Fields();
  /** Its mnemonic. */
  name = '';
  mode = 0;
  /** Its length; that of EXECUTE where it is executed by one. */
  length = 0;
  /** No instruction follows it in the block. */
  ended = false;
  /** It is the target of EXECUTE: relative operands count from its own address, which is known only when it runs. */
  isExecuted = false;
  /** Program-event recording watches it. */
  get isWatched(): boolean {
    return (this.mode & MODE_PER) !== 0;
  }
  /** Bytes of its first operand (i32), where EXECUTE takes the length from a register. */
  length1: Value | undefined;
  /** Where it stands, and what came before it. */
  c!: InsnContext;

  get pcLo(): number {
    return this.c.pcLo;
  }

  get pcHi(): number {
    return this.c.pcHi;
  }

  /** How the condition code is computed, where that is known: what one instruction hands on to the next. */
  get kind(): CcKind | undefined {
    const { carried } = this.c;
    return carried === 0 ? undefined : ((carried - 1) as CcKind);
  }

  set kind(kind: CcKind | undefined) {
    this.c.carried = kind === undefined ? 0 : kind + 1;
  }

  // --- registers ---

  /** General register `n`. */
  get64(n: number): Value {
    return this.b.get(slotOf(r, n));
  }

  set64(n: number, value: Value): void {
    this.b.set(slotOf(r, n), value);
  }

  /** Bits 32 to 63 of general register `n`, sign-extended. */
  get32s(n: number): Value {
    return this.b.sext(this.get64(n), 32);
  }

  /** Bits 32 to 63, zero-extended. */
  get32u(n: number): Value {
    return this.b.zext(this.get64(n), 32);
  }

  /** Bits 32 to 63 as an i32. */
  get32(n: number): Value {
    return this.b.wrap(this.get64(n));
  }

  /** Sets bits 32 to 63 to an i32, or to the low half of an i64. */
  set32(n: number, value: Value): void {
    const { b } = this;
    const word = value.ty === 'i32' ? value : b.wrap(value);
    this.set64(n, b.or(b.and(this.get64(n), b.i64x(...HIGH)), b.extend32U(word)));
  }

  /** Bits 0 to 31. */
  getHigh(n: number): Value {
    return this.b.shr(this.get64(n), this.b.i64(32));
  }

  /** Sets bits 0 to 31 to an i32, or to the low half of an i64. */
  setHigh(n: number, value: Value): void {
    const { b } = this;
    const low = value.ty === 'i32' ? b.extend32U(value) : value;
    this.set64(n, b.or(b.zext(this.get64(n), 32), b.shl(low, b.i64(32))));
  }

  /** Bits 32 to 63 of an even-odd pair, as 64 bits. */
  getPair32(n: number): Value {
    const { b } = this;
    return b.or(b.shl(this.get64(n), b.i64(32)), this.get32u(n + 1));
  }

  /** Sets them to an i64. */
  setPair32(n: number, value: Value): void {
    this.set32(n, this.b.shr(value, this.b.i64(32)));
    this.set32(n + 1, value);
  }

  // --- addresses ---

  get amode(): number {
    return modeAmode(this.mode);
  }

  /** Fixed-point overflow is an exception, by the program mask. */
  get overflowTraps(): boolean {
    return (this.mode & MODE_FIXED_OVERFLOW) !== 0;
  }

  get isProblem(): boolean {
    return (this.mode & MODE_PROBLEM) !== 0;
  }

  /** Keeps the bits of an address that the addressing mode has. */
  wrap(address: Value): Value {
    if (this.amode === AMODE_64) return address;
    return this.b.and(address, this.b.i64(this.amode === 0 ? 0xff_ffff : 0x7fff_ffff));
  }

  /** Base, index and displacement. */
  address(base: number, displacement: number, index = 0): Value {
    const { b } = this;
    let sum: Value | undefined = base === 0 ? undefined : this.get64(base);
    if (index !== 0) sum = sum === undefined ? this.get64(index) : b.add(sum, this.get64(index));
    const offset = b.i64(displacement);
    return this.wrap(sum === undefined ? offset : b.add(sum, offset));
  }

  /** Address of the second operand. */
  address2(): Value {
    return this.address(this.f.b2, this.f.d2, this.f.x2);
  }

  /** The same; a specification exception where it is no multiple of `bytes`. */
  alignedAddress2(bytes: number): Value {
    const address = this.address2();
    this.aligned(address, bytes);
    return address;
  }

  /** Address of the first operand, in storage. */
  address1(): Value {
    return this.address(this.f.b1, this.f.d1);
  }

  /** Halves of the address `offset` bytes from the instruction, as `InsnContext.addressOf` has them in 64-bit mode. */
  pcAt(offset: number): readonly [lo: number, hi: number] {
    if (this.amode === AMODE_64) return this.c.addressOf(offset);
    return [(this.pcLo + offset) & (this.amode === 0 ? 0xff_ffff : 0x7fff_ffff), 0];
  }

  relativeAddress(): Value {
    const { b } = this;
    if (this.isExecuted) return this.wrap(b.add(b.get(executeTarget), b.i64(this.f.ri)));
    return b.address(...this.pcAt(this.f.ri));
  }

  /** Refuses where a relative operand is no multiple of its size. */
  alignedRelative(size: Size): void {
    if (this.isExecuted) this.aligned(this.relativeAddress(), size);
    else if (((this.c.inPage + this.f.ri) & (size - 1)) !== 0) this.refuse(PGM.specification);
  }

  /** Address of the next instruction. */
  next(): Value {
    return this.b.address(...this.nextPc());
  }

  /** Halves of the address of the next instruction. */
  nextPc(): readonly [lo: number, hi: number] {
    return this.pcAt(this.length);
  }

  // --- storage ---

  get mmu(): number {
    return modeDataMmu(this.mode);
  }

  /** Regime of data that lie where instructions do: relative operands. */
  get instructionMmu(): number {
    const mmu = modeFetchMmu(this.mode);
    return mmu === MMU_KEYED_FETCH ? this.mmu : mmu;
  }

  /** Whether the space depends on an access register: then `base` says on which. */
  #byAccessRegister(base: number): boolean {
    return (this.mode & MODE_AR) !== 0 && base !== 0;
  }

  /** Regime of data at an operand of base register `base`, for helpers (i32). */
  space(base: number): Value {
    if (!this.#byAccessRegister(base)) return this.b.i32(this.mmu);
    return this.b.callChecked(spaceOf, this.b.get(slotOf(ar, base)));
  }

  /** Loads an i64 from an operand of base register `base`. */
  load(address: Value, base: number, size: Size, signed = false): Value {
    if (!this.#byAccessRegister(base)) {
      return this.b.load(address, { size, signed, endian: 'big', mmu: this.mmu });
    }
    const descriptor = this.b.i32(accessDescriptor({ size, signed, endian: 'big' }));
    return this.b.callChecked(ENGINE.load, address, descriptor, this.space(base));
  }

  store(address: Value, base: number, value: Value, size: Size): void {
    if (!this.#byAccessRegister(base)) {
      this.b.store(address, value, { size, endian: 'big', mmu: this.mmu });
      return;
    }
    const descriptor = this.b.i32(accessDescriptor({ size, endian: 'big' }));
    this.b.callChecked(ENGINE.store, address, value, descriptor, this.space(base));
  }

  /** Loads a vector, the leftmost byte first. */
  load128(address: Value, base: number): Value {
    const { b } = this;
    if (!this.#byAccessRegister(base)) return b.load(address, { size: 16, endian: 'big', mmu: this.mmu });
    const left = this.load(address, base, 8);
    const right = this.load(this.wrap(b.add(address, b.i64(8))), base, 8);
    return b.pure('withHigh64', b.pure('splat.i64x2', right), left);
  }

  store128(address: Value, base: number, value: Value): void {
    const { b } = this;
    if (!this.#byAccessRegister(base)) {
      b.store(address, value, { size: 16, endian: 'big', mmu: this.mmu });
      return;
    }
    this.probe(address, base, b.i32(16), true);
    this.store(address, base, b.pure('high64', value), 8);
    this.store(this.wrap(b.add(address, b.i64(8))), base, b.pure('low64', value), 8);
  }

  /** Loads an i64 whose bytes are reversed in storage. */
  loadSwapped(address: Value, base: number, size: Size): Value {
    if (!this.#byAccessRegister(base)) return this.b.load(address, { size, mmu: this.mmu });
    const descriptor = this.b.i32(accessDescriptor({ size, endian: 'little' }));
    return this.b.callChecked(ENGINE.load, address, descriptor, this.space(base));
  }

  storeSwapped(address: Value, base: number, value: Value, size: Size): void {
    if (!this.#byAccessRegister(base)) {
      this.b.store(address, value, { size, mmu: this.mmu });
      return;
    }
    const descriptor = this.b.i32(accessDescriptor({ size, endian: 'little' }));
    this.b.callChecked(ENGINE.store, address, value, descriptor, this.space(base));
  }

  /** Faults now if `length` bytes (i32) of an operand could not be accessed. */
  probe(address: Value, base: number, length: Value, write: boolean): void {
    if (!this.#byAccessRegister(base)) {
      this.b.probe(address, length, { write, mmu: this.mmu });
      return;
    }
    this.b.callChecked(ENGINE.probe, address, length, this.b.i32(write ? 1 : 0), this.space(base));
  }

  /** An interlocked update of storage: the value before, zero-extended. A misaligned operand is a specification exception. */
  atomic(op: RmwOp, address: Value, base: number, operand: Value, size: Size): Value {
    const isPlain = this.#byAccessRegister(base) || (size === 1 && !this.b.isConcurrent);
    if (!isPlain) return this.b.atomicRmw(op, address, operand, { size, endian: 'big', mmu: this.mmu });
    if (size > 1) this.aligned(address, size);
    return this.#plainUpdate(op, address, base, operand, size);
  }

  /** The same for an operand that may be misaligned: it is not interlocked then. */
  atomicAny(op: RmwOp, address: Value, base: number, operand: Value, size: Size): Value {
    const { b } = this;
    // Between two instructions is the only place where CPUs in one thread see each other's storage.
    if (!b.isConcurrent || this.#byAccessRegister(base)) return this.#plainUpdate(op, address, base, operand, size);
    const old = b.local('i64');
    b.if(
      b.wrap(b.and(address, b.i64(size - 1))),
      () => b.setLocal(old, this.#plainUpdate(op, address, base, operand, size)),
      () => b.setLocal(old, b.atomicRmw(op, address, operand, { size, endian: 'big', mmu: this.mmu })),
    );
    return b.getLocal(old);
  }

  /** An interlocked compare and swap of a naturally aligned operand: the value before, zero-extended. */
  compareSwap(address: Value, base: number, expected: Value, value: Value, size: 4 | 8): Value {
    const { b } = this;
    if (!this.#byAccessRegister(base)) {
      return b.atomicCas(address, expected, value, { size, endian: 'big', mmu: this.mmu });
    }
    this.aligned(address, size);
    this.probe(address, base, b.i32(size), true);
    const old = this.load(address, base, size);
    b.if(b.eq(old, expected), () => this.store(address, base, value, size));
    return old;
  }

  /** The value before, kept in a local: what is loaded once must not be looked at again. */
  #plainUpdate(op: RmwOp, address: Value, base: number, operand: Value, size: Size): Value {
    const { b } = this;
    const old = this.load(address, base, size);
    const next =
      op === 'add'
        ? b.add(old, operand)
        : op === 'and'
          ? b.and(old, operand)
          : op === 'or'
            ? b.or(old, operand)
            : b.xor(old, operand);
    this.store(address, base, next, size);
    return old;
  }

  load2(size: Size, signed = false): Value {
    return this.load(this.address2(), this.f.b2, size, signed);
  }

  store2(value: Value, size: Size): void {
    this.store(this.address2(), this.f.b2, value, size);
  }

  /** Raises a specification exception where an address is no multiple of `bytes`. */
  aligned(address: Value, bytes: number): void {
    const { b } = this;
    b.if(b.wrap(b.and(address, b.i64(bytes - 1))), () => this.raise(PGM.specification));
  }

  /** Refuses where a register number is odd: the second of a pair. */
  evenOdd(...numbers: readonly number[]): void {
    if (numbers.some((n) => n % 2 !== 0)) this.refuse(PGM.specification);
  }

  // --- condition code ---

  /** Leaves operands of a condition code; those that a kind has not are not set. */
  setCc(kind: CcKind, x: Value, y?: Value): void {
    const { b } = this;
    // Both are read before either is set: they may be made of what the last instruction left.
    b.set(ccA, x);
    if (y !== undefined) b.set(ccB, y);
    b.set(ccKind, b.i32(kind));
    this.kind = kind;
  }

  /** Sets the condition code to an i32. */
  setCcValue(value: Value): void {
    this.setCc(0, this.b.extend32U(value));
  }

  /** The condition code as an i32. */
  cc(): Value {
    return ccValue(this.b, this.kind);
  }

  /** Whether the condition code is in a mask of four bits (i32). */
  condition(mask: number): Value {
    return condition(this.b, this.kind, mask);
  }

  /** A PSW mask with the condition code in it. */
  withCc(mask: Value): Value {
    return this.b.deposit(mask, PSW.CC_SHIFT, 2, this.b.extend32U(this.cc()));
  }

  // --- control ---

  /** A program interruption. Ends the path; the block goes on where it stands under a condition. */
  raise(code: number, value?: Value): void {
    this.b.raise(code, value ?? this.b.i64(0));
  }

  /** Raises where a value is not zero. */
  raiseIf(condition: Value, code: number): void {
    this.b.if(condition, () => this.raise(code));
  }

  /** Raises unconditionally: the block ends, and so does the emitter, by {@link Refused}. */
  refuse(code: number, value?: Value): never {
    this.raise(code, value);
    this.ended = true;
    throw new Refused();
  }

  /** The instruction is privileged: refuses in the problem state. */
  supervisor(): void {
    if (this.isProblem) this.refuse(PGM.privileged);
  }

  /** The target of EXECUTE is complete: what comes next is not what it was executed in place of. */
  #endExecuted(): void {
    if (!this.isExecuted) return;
    const { b } = this;
    b.set(common.extra, b.i64(0));
    // It may have changed the mode itself.
    b.set(common.mode, b.and(b.get(common.mode), b.i32(~MODE_EXECUTED)));
  }

  /** Goes to the next instruction, under a mode that may have changed. */
  exit(): void {
    this.#endExecuted();
    this.b.set(common.pc, this.next());
    this.b.exitToLookup();
    this.ended = true;
  }

  /** Goes to a computed address, whose bits beyond the addressing mode are dropped. */
  jump(address: Value): void {
    const target = this.wrap(address);
    this.#endExecuted();
    this.#goto(target);
  }

  /** Ends the block: what a PER event may follow with a look at what is pending. */
  #goto(target: Value): void {
    if (this.isWatched) {
      this.b.set(common.pc, target);
      this.b.exitToLookup();
    } else this.b.gotoIndirect(target);
    this.ended = true;
  }

  jumpRelative(): void {
    this.#endExecuted();
    if (this.isExecuted || this.isWatched) this.#goto(this.relativeAddress());
    else this.b.goto(...this.pcAt(this.f.ri));
    this.ended = true;
  }

  /** Goes to the relative operand where a condition holds, else on. */
  branchRelative(taken: Value): void {
    if (this.isExecuted || this.isWatched) {
      this.branch(taken, this.relativeAddress());
    } else {
      this.b.gotoIf(taken, ...this.pcAt(this.f.ri), ...this.nextPc());
      this.ended = true;
    }
  }

  /** Goes to a computed address where a condition holds, else on: one jump, so that regions go on both ways (conditional returns). */
  branch(taken: Value, address: Value): void {
    const { b } = this;
    const target = this.wrap(address);
    this.#endExecuted();
    this.#goto(b.select(taken, target, this.next()));
  }

  /** Calls a helper that accesses guest memory; where it faults the instruction ends there. */
  call(helper: IrHelper, ...args: Value[]): Value {
    return this.b.callChecked(helper, ...args);
  }

  /** Bits of the PSW's mask, as an i32 that is not zero where any is set. */
  psw(mask: bigint): Value {
    return this.b.ne(this.b.and(this.b.get(pswMask), this.b.big(mask)), this.b.i64(0));
  }
}
