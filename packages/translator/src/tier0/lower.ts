/**
 * Turns the IR of a block into tier 0 operations. Reads of state are operands, not operations; a pure value with one use
 * is computed where it is used, into its register if it is set there; constants are immediates; comparisons fuse with
 * branches, additions with the address of an access, sign extensions with 32-bit arithmetic.
 */
import type { SecondPage } from '../engine/second-page.ts';
import { isConst } from '../ir/builder.ts';
import type { Helper } from '../ir/helper.ts';
import { ADDRESS, BLOCK_ENDS, type BlockEnd, isKind, type Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { DESC, TLB_REGIME_BITS } from '../softmmu/layout.ts';
import type { SoftMmu } from '../softmmu/softmmu.ts';
import { COMMON, TEMP_COUNT, TEMP_OFFSET } from '../state.ts';
import { BlockEnds } from './block-ends.ts';
import { type Direct, directLow, directTarget, fuse32, isLazy, isTransparent, lowHalf } from './fusing.ts';
import { Liveness } from './liveness.ts';
import { type CodeMemory, OpWriter } from './op-writer.ts';
import { memoryOpNumber, pureOpNumber, recordOpNumber, tier0Op, type Widening } from './opcodes.ts';
import { addressAt, endAt, type InsnPlace, PlacedInsn, placeOfAddress } from './placed-insn.ts';
import { type RecordSettings, recordAt, wordOf } from './record.ts';
import { makeRuns } from './runs.ts';
import { ARGUMENT_FIELDS } from './wrappers.ts';

const OP = {
  mov32: tier0Op('mov32'),
  mov64: tier0Op('mov64'),
  mov128: tier0Op('mov128'),
  const: tier0Op('const'),
  count: tier0Op('count'),
  jmp: tier0Op('jmp'),
  brz: tier0Op('brz'),
  brnz: tier0Op('brnz'),
  call: tier0Op('call'),
  callFault: tier0Op('callFault'),
  nop: tier0Op('nop'),
  secondPage: tier0Op('secondPage'),
  debug: tier0Op('debug'),
} as const;

const ADD64 = pureOp('add.i64');
const ZERO = COMMON.constants[1]?.offset ?? 0;

/** Bits of a packed instruction that hold its bytes from the start of the block, which lies in a page of 4 KiB. */
export const INSN_CODE_BITS = 13;

export interface LoweredBlock {
  /** The first operation; 16 bytes before it is room for the entry of a region. */
  readonly start: number;
  /** The operation that ends the block. */
  readonly tail: number;
  readonly end: number;
  /** Where each instruction starts, packed: operations of 16 bytes from `start`, and guest bytes in the low bits. */
  readonly insns: readonly number[];
  /** Restart words of each instruction; none where the frontend has none. */
  readonly restarts: readonly (readonly number[])[];
}

export interface BlockLoweringOptions {
  readonly memory: CodeMemory;
  /** Place in table 0 of the wrapper of a helper. */
  readonly wrapperOf: (helper: Helper) => number;
  /** The same for an outlined pure operation. */
  readonly pureWrapperOf: (op: PureOp) => number;
  readonly mmu: SoftMmu;
}

const NO_RESTARTS: LoweredBlock['restarts'] = [];

export class BlockLowering {
  readonly #o: BlockLoweringOptions;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #out: OpWriter;
  readonly #ends: BlockEnds;
  #temp = 0;
  #start = 0;
  /** Those of the block at hand; what is behind them is left from others. Blocks get lists that are as long as need be. */
  readonly #insns: number[] = [];
  readonly #restarts: (readonly number[])[] = [];
  #insnCount = 0;
  readonly #hasRestarts: boolean;
  #firstLo = 0;
  #pcLo = 0;
  #pcHi = 0;
  readonly #placed = new PlacedInsn();
  /** The instruction at hand has ended the block, by its last statement. */
  #isEnded = false;
  #breaks: number[][] = [];
  readonly #liveness = new Liveness();

  constructor(o: BlockLoweringOptions) {
    this.#o = o;
    this.#hasRestarts = o.mmu.frontend.restartSlots !== undefined;
    this.#u16 = o.memory.u16;
    this.#i32 = o.memory.i32;
    this.#out = new OpWriter(o.memory);
    this.#ends = new BlockEnds(this.#out, o.mmu.frontend, {
      operandOf: (node) => this.#operand(node),
      freeTemp: () => this.#temp,
    });
  }

  /** Lowers all statements of a block: see `begin`. */
  lower(statements: readonly Node[], place: number, countdown: number): LoweredBlock {
    this.begin(place, countdown);
    this.addBlock(statements);
    return this.finish();
  }

  /**
   * Begins a block whose operations go behind the host offset `place` (a multiple of 32). When the block has ended `countdown`
   * times the engine is told. `slides`: addresses count from the block's page.
   */
  begin(place: number, countdown: number, slides = false): void {
    this.#out.begin(place, countdown);
    this.#ends.slides = slides;
    this.#emit(OP.nop, 0, 0, 0);
    this.#start = this.#ip;
    this.#insnCount = 0;
  }

  /** Opens the block with a look at where its second page lies. */
  lookAt({ entry, tag, addend }: SecondPage, pcLo: number, pcHi: number): void {
    const at = this.#ip;
    this.#emit(OP.secondPage, 0, 0, 0);
    this.#emit(0, 0, 0, 0);
    this.#out.setWord(at + 4, entry);
    this.#out.setPair(at, ...tag);
    this.#out.setWord(at + 16, addend[0]);
    this.#out.setWord(at + 20, addend[1]);
    this.#out.setPair(at + 16, pcLo, pcHi);
  }

  /** Adds an instruction, which its marker opens, or what follows the last one. */
  add(statements: readonly Node[]): void {
    this.#temp = TEMP_OFFSET;
    this.#placed.begin(this.#ip);
    this.#liveness.analyse(statements);
    this.#list(statements);
    const last = statements[statements.length - 1];
    this.#isEnded = last !== undefined && BLOCK_ENDS.has(last.kind);
  }

  /** Adds several instructions. */
  addBlock(statements: readonly Node[]): void {
    let from = 0;
    while (from < statements.length) {
      let to = from + 1;
      while (to < statements.length && statements[to]?.kind !== 'insn') to++;
      this.add(statements.slice(from, to));
      from = to;
    }
  }

  /** Adds an instruction of which `count` words of operations lie at an index of `from`. */
  repeat(pcLo: number, pcHi: number, restart: readonly number[], from: Int32Array, at: number, count: number): void {
    this.#insn(pcLo, pcHi, restart);
    const to = this.#i32;
    const first = this.#ip >>> 2;
    for (let i = 0; i < count; i++) to[first + i] = from[at + i] ?? 0;
    this.#out.ip += count * 4;
  }

  /** Shows the operations of the instruction added last, unless they would be others in another place. */
  takeInsn(take: (from: Int32Array, at: number, words: number) => void): void {
    if (!this.#placed.isPlain) return;
    const { start } = this.#placed;
    take(this.#i32, start >>> 2, (this.#ip - start) >>> 2);
  }

  /** Shows its operations but for the block's end, and a description of the rest, where it depends on its place by addresses alone. */
  takePlaced(
    place: InsnPlace,
    addresses: readonly Node[],
    take: (from: Int32Array, at: number, words: number, placed: Int32Array) => void,
  ): void {
    const placed = this.#placed;
    if (!placed.describe(place, addresses, this.#isEnded ? this.#ends.form : undefined)) return;
    const end = this.#isEnded ? this.#out.tail : this.#ip;
    take(this.#i32, placed.start >>> 2, (end - placed.start) >>> 2, placed.words);
  }

  /** The same of one whose description lies behind its operations. Whether that ends the block. */
  repeatPlaced(place: InsnPlace, restart: readonly number[], from: Int32Array, at: number, count: number): boolean {
    const first = this.#ip >>> 2;
    this.repeat(place.pcLo, place.pcHi, restart, from, at, count);
    const words = placeOfAddress(from, at + count);
    if (words !== 0) this.#out.setPair((first + words) * 4 - 8, ...addressAt(from, at + count, place));
    if (!endAt(from, at + count, place, this.#ends.form)) return false;
    this.#ends.write(this.#insnCount);
    return true;
  }

  /** The engine is told when the block, which has ended, has run so often. */
  setCountdown(runs: number): void {
    this.#out.setCountdown(runs);
  }

  finish(): LoweredBlock {
    makeRuns(this.#o.memory, this.#start, this.#out.tail);
    return {
      start: this.#start,
      tail: this.#out.tail,
      end: this.#ip,
      insns: this.#insns.slice(0, this.#insnCount),
      restarts: this.#hasRestarts ? this.#restarts.slice(0, this.#insnCount) : NO_RESTARTS,
    };
  }

  /** Lowers a breakpoint: a block without instructions that leaves for the engine. */
  lowerStop(place: number): LoweredBlock {
    this.#out.begin(place, 0);
    this.#emit(OP.nop, 0, 0, 0);
    const start = this.#ip;
    this.#emit(OP.debug, 0, 0, 0);
    return { start, tail: start, end: this.#ip, insns: [], restarts: [] };
  }

  #insn(pcLo: number, pcHi: number, restart: readonly number[]): void {
    const count = this.#insnCount++;
    if (count === 0) {
      this.#firstLo = pcLo;
      this.#ends.begin(pcLo, pcHi);
    }
    this.#pcLo = pcLo;
    this.#pcHi = pcHi;
    this.#insns[count] = (((this.#ip - this.#start) >>> 4) << INSN_CODE_BITS) | ((pcLo - this.#firstLo) & 0x1fff);
    if (this.#hasRestarts) this.#restarts[count] = restart;
  }

  // --- emission ---

  #list(statements: readonly Node[]): void {
    let done: Node | undefined;
    let from = 0;
    for (let i = 0; i < statements.length; i++) {
      const node = statements[i];
      if (node === undefined || node === done || i < from) continue;
      const record = node.kind === 'set' ? recordAt(statements, i) : undefined;
      if (record !== undefined) {
        this.#record(record);
        from = i + record.length;
        continue;
      }
      const next = statements[i + 1];
      const found = this.#direct(statements, i);
      const direct = found === undefined || recordAt(statements, i + 1) === undefined ? found : undefined;
      done = direct?.set ?? done;
      this.#statement(node, direct);
      const isSet = isKind(next, 'setLocal') && next.detail.local === node;
      if (node.kind === 'local' && !isSet) this.#clear(node);
    }
  }

  /** The slot that a value goes to at once, and the statement that would have set it. */
  #direct(statements: readonly Node[], at: number): Direct | undefined {
    const node = statements[at];
    if (node === undefined) return undefined;
    const next = statements[at + 1];
    if (node.kind === 'pure') return this.#directPure(node, next);
    if (node.kind !== 'load' && node.kind !== 'call') return undefined;
    const slot = directTarget(node, next);
    if (slot !== undefined && next !== undefined) return { slot, set: next, isLow: false };
    return isKind(node, 'load') && node.detail.access.size <= 4 ? directLow(statements, at) : undefined;
  }

  /** A value with several uses, of which the next statement's is a slot that keeps it until the last. */
  #directPure(node: Node, next: Node | undefined): Direct | undefined {
    if (!isKind(next, 'set') || next.args[0] !== node || isLazy(node)) return undefined;
    const { slot } = next.detail;
    if (node.type !== 'i64' || slot.ty !== 'i64') return undefined;
    return this.#liveness.unchanged(slot, next.position, node.last, true)
      ? { slot, set: next, isLow: false }
      : undefined;
  }

  #statement(node: Node, direct: Direct | undefined): void {
    const d = node.detail;
    const target = direct?.slot;
    switch (d.kind) {
      case 'insn':
        this.#insn(d.pcLo, d.pcHi, d.restart);
        return;
      case 'get':
        node.mark = this.#alias(node, d.slot.whole ?? d.slot, d.slot.offset, true);
        return;
      case 'local':
        node.mark = this.#newTemp(node);
        return;
      case 'getLocal':
        node.mark = this.#alias(node, d.local, d.local.mark, false);
        return;
      case 'pure':
        if (node.uses > 1) this.#shared(node, target);
        return;
      case 'set':
        if (!this.#setLow(d.slot, node.args[0])) this.#set(node.args[0], d.slot.offset, d.slot.ty);
        return;
      case 'setLocal':
        this.#set(node.args[0], d.local.mark, 'local');
        return;
      case 'load':
        this.#load(node, direct);
        return;
      case 'count':
        node.mark = this.#newTemp(node);
        this.#placed.isFixed = true;
        this.#emit(OP.count, node.mark, 0, 0);
        this.#i32[(this.#ip - 8) >> 2] = this.#insnCount - 1;
        return;
      case 'store':
        this.#store(node);
        return;
      case 'call':
        this.#call(node, d.helper, d.faults === true ? OP.callFault : OP.call, node.args, target);
        return;
      case 'rmw': {
        const { size, signed, endian, mmu } = d.access;
        const helper =
          size === 16
            ? this.#o.mmu.rmw128(d.op, endian === 'big')
            : this.#o.mmu.rmw(d.op, size, signed, endian === 'big');
        this.#callWithMmu(node, helper, mmu);
        return;
      }
      case 'cas': {
        const { size, signed, endian, mmu } = d.access;
        const helper =
          size === 16 ? this.#o.mmu.cas128(endian === 'big') : this.#o.mmu.cas(size, signed, endian === 'big');
        this.#callWithMmu(node, helper, mmu);
        return;
      }
      case 'probe':
        this.#probe(node, d.mmu, d.write);
        return;
      case 'if':
        this.#if(node, d.taken, d.otherwise);
        return;
      case 'loop':
        this.#loop(d.body);
        return;
      case 'breakIf':
        this.#breaks.at(-1)?.push(this.#jumpOn(OP.brnz, node.args[0]));
        return;
      case 'goto':
      case 'gotoIf':
      case 'gotoIndirect':
      case 'raise':
      case 'lookup':
      case 'halt':
        this.#end(node, d);
        return;
      default:
        throw new Error(`${d.kind} belongs in a helper, not in a block`);
    }
  }

  /** A temporary that is not given a value at once begins as zero. */
  #clear(local: Node): void {
    this.#emit(OP.const, local.mark, 0, 0);
    if (local.type === 'v128') this.#emit(OP.const, local.mark + 8, 0, 0);
  }

  #alias(node: Node, place: Slot | Node, offset: number, bySlot: boolean): number {
    if (node.uses === 0 || this.#liveness.unchanged(place, node.position, node.last, bySlot)) return offset;
    const temp = this.#newTemp(node);
    this.#emit(moveOp(node), temp, offset, 0);
    return temp;
  }

  /** A pure value with several uses is computed now, unless it is another name of its operand. */
  #shared(node: Node, target: Slot | undefined): void {
    const [arg] = node.args;
    if (isTransparent(node) && arg !== undefined) {
      if (!isConst(arg) && arg.mark < 0) arg.mark = this.#operand(arg);
      node.mark = this.#operand(arg);
      return;
    }
    node.mark = target?.offset ?? this.#newTemp(node);
    this.#pure(node, node.mark);
  }

  /** Sets the slots of a record at once. */
  #record({ slot, constant, values: [first, second] }: RecordSettings): void {
    const a = this.#widened(first);
    if (second !== undefined && isConst(second) && constant >= 0 && constant < 2 ** 16) {
      this.#emit(recordOpNumber(a.widening, '#'), slot.offset, a.operand, constant);
      this.#immediate(second);
      return;
    }
    const b = second === undefined ? undefined : this.#widened(second);
    this.#emit(recordOpNumber(a.widening, b?.widening), slot.offset, a.operand, b?.operand ?? 0);
    this.#i32[(this.#ip - 8) >>> 2] = constant;
  }

  /** The place of a value, or that of a word which it is, widened. */
  #widened(value: Node): { readonly operand: number; readonly widening: Widening } {
    const word = value.mark < 0 && !isTransparent(value) ? wordOf(value) : undefined;
    if (word === undefined) return { operand: this.#operand(value), widening: '' };
    return { operand: this.#operand(word.value), widening: word.widening };
  }

  /** Sets the low half of a slot alone, where the high half is to stay; false where it is not. */
  #setLow(slot: Slot, value: Node | undefined): boolean {
    const low = lowHalf(slot, value);
    const old = value?.args[0]?.args[0];
    // What was read of the slot must be what it still holds.
    if (low === undefined || old?.mark !== slot.offset) return false;
    if (low.type === 'i32') this.#set(low, slot.offset, 'i32');
    else this.#emit(OP.mov32, slot.offset, this.#operand(low), 0);
    return true;
  }

  #set(value: Node | undefined, offset: number, ty: string): void {
    if (value === undefined) return;
    const narrow = ty === 'i32';
    if (isConst(value) && !narrow) {
      this.#constant(offset, value);
      return;
    }
    if (value.op !== undefined && value.mark < 0 && !isTransparent(value) && !(narrow && value.op.compare)) {
      this.#pure(value, offset);
      return;
    }
    this.#emit(moveOp(value), offset, this.#operand(value), 0);
  }

  /** Offset of the slot that holds a value; computes it if that was put off. */
  #operand(node: Node): number {
    if (node.kind === 'const') return this.#constantSlot(node);
    if (node.mark >= 0) return node.mark;
    const [arg] = node.args;
    if (isTransparent(node) && arg !== undefined) return this.#operand(arg);
    const temp = this.#newTemp(node);
    this.#pure(node, temp);
    return temp;
  }

  #constantSlot(node: Node): number {
    const small = node.ty === 'i32' ? node.lo : node.hi === node.lo >> 31 ? node.lo : 99;
    const slot = small >= -1 && small < 15 && node.detail !== ADDRESS ? COMMON.constants[small + 1] : undefined;
    if (slot !== undefined) return slot.offset;
    const temp = this.#newTemp(node);
    this.#constant(temp, node);
    return temp;
  }

  #constant(offset: number, node: Node): void {
    this.#emit(OP.const, offset, 0, 0);
    this.#immediate(node);
  }

  /** Writes the immediate of the operation emitted last. */
  #immediate(node: Node): void {
    const at = (this.#ip - 8) >>> 2;
    this.#i32[at] = node.lo;
    this.#i32[at + 1] = node.ty === 'i32' ? node.lo >> 31 : node.hi;
    if (node.detail === ADDRESS) this.#placed.noteAddress(node, this.#ip - 8);
  }

  #pure(node: Node, dst: number): void {
    const { op } = node;
    if (op === undefined) throw new Error(`${node.kind} is used before it is computed`);
    const [a, b, c] = node.args;
    if (op.words !== undefined) this.#constantVector(dst, op.words);
    if (a === undefined) return;
    const fused = fuse32(node);
    if (fused !== undefined && a.kind === 'pure') {
      const [x, y] = a.args;
      if (x !== undefined && y !== undefined) {
        this.#binary(fused, dst, x, y);
        return;
      }
    }
    if (op.outlined) {
      this.#callOutlined(op, dst, node.args);
    } else if (b === undefined) {
      this.#emit(pureOpNumber(op, false) ?? 0, dst, this.#operand(a), 0);
    } else if (c === undefined) {
      this.#binary(op, dst, a, b);
    } else {
      const [x, y, z] = [this.#operand(a), this.#operand(b), this.#operand(c)];
      this.#emit(pureOpNumber(op, false) ?? 0, dst, x, y);
      this.#u16[(this.#ip - 8) >>> 1] = z;
    }
  }

  #constantVector(dst: number, words: readonly number[]): void {
    for (const half of [0, 1]) {
      this.#emit(OP.const, dst + half * 8, 0, 0);
      this.#i32[(this.#ip - 8) >>> 2] = words[half * 2] ?? 0;
      this.#i32[(this.#ip - 4) >>> 2] = words[half * 2 + 1] ?? 0;
    }
  }

  #callOutlined(op: PureOp, dst: number, args: readonly Node[]): void {
    const slots = args.map((arg) => this.#operand(arg));
    this.#emit(OP.call, dst, 0, 0);
    for (const [i, slot] of slots.entries()) this.#u16[(this.#ip - 16 + (ARGUMENT_FIELDS[i] ?? 0)) >>> 1] = slot;
    this.#u16[(this.#ip - 2) >>> 1] = this.#o.pureWrapperOf(op);
  }

  #binary(op: PureOp, dst: number, a: Node, b: Node): void {
    const immediate = isConst(b) ? pureOpNumber(op, true) : undefined;
    const x = this.#operand(a);
    if (immediate !== undefined) {
      this.#emit(immediate, dst, x, 0);
      this.#immediate(b);
      return;
    }
    const y = this.#operand(b);
    this.#emit(pureOpNumber(op, false) ?? 0, dst, x, y);
  }

  #address(address: Node): { readonly base: number; readonly displacement: number } {
    const [a, b] = address.args;
    if (address.detail === ADDRESS || b?.detail === ADDRESS) this.#placed.isFixed = true;
    if (isConst(address) && address.hi === address.lo >> 31) return { base: ZERO, displacement: address.lo };
    if (address.op === ADD64 && address.mark < 0 && a !== undefined && b !== undefined) {
      if (isConst(b) && b.hi === b.lo >> 31) return { base: this.#operand(a), displacement: b.lo };
    }
    return { base: this.#operand(address), displacement: 0 };
  }

  #load(node: Node, direct: Direct | undefined): void {
    const [address] = node.args;
    const d = node.detail;
    if (d.kind !== 'load' || address === undefined) return;
    const { base, displacement } = this.#address(address);
    node.mark = direct?.slot.offset ?? this.#newTemp(node);
    const ty = direct?.isLow === true ? 'i32' : node.ty;
    this.#emit(memoryOpNumber(d.access, ty, false), node.mark, base, naturalFlag(d.access.align));
    this.#i32[(this.#ip - 8) >>> 2] = displacement;
    this.#i32[(this.#ip - 4) >>> 2] = d.access.mmu << TLB_REGIME_BITS;
  }

  #store(node: Node): void {
    const [address, value] = node.args;
    const d = node.detail;
    if (d.kind !== 'store' || address === undefined || value === undefined) return;
    const { base, displacement } = this.#address(address);
    const source = this.#operand(value);
    this.#emit(memoryOpNumber(d.access, value.ty, true), naturalFlag(d.access.align), base, source);
    this.#i32[(this.#ip - 8) >>> 2] = displacement;
    this.#i32[(this.#ip - 4) >>> 2] = d.access.mmu << TLB_REGIME_BITS;
  }

  #call(node: Node, helper: Helper, op: number, args: readonly Node[], target?: Slot): void {
    this.#callSlots(
      node,
      helper,
      op,
      args.map((a) => this.#operand(a)),
      target,
    );
  }

  #callSlots(node: Node, helper: Helper, op: number, slots: readonly number[], target?: Slot): void {
    if (node.type !== undefined) node.mark = target?.offset ?? this.#newTemp(node);
    this.#emit(op, Math.max(node.mark, 0), 0, 0);
    for (const [i, slot] of slots.entries()) this.#u16[(this.#ip - 16 + (ARGUMENT_FIELDS[i] ?? 0)) >>> 1] = slot;
    this.#u16[(this.#ip - 2) >>> 1] = this.#o.wrapperOf(helper);
  }

  #callWithMmu(node: Node, helper: Helper, mmu: number): void {
    const slots = node.args.map((a) => this.#operand(a));
    this.#callSlots(node, helper, OP.callFault, [...slots, COMMON.constants[mmu + 1]?.offset ?? ZERO]);
  }

  #probe(node: Node, mmu: number, write: boolean): void {
    const slots = node.args.map((a) => this.#operand(a));
    const access = COMMON.constants[write ? 2 : 1]?.offset ?? ZERO;
    const regime = COMMON.constants[mmu + 1]?.offset ?? ZERO;
    this.#callSlots(node, this.#o.mmu.probe, OP.callFault, [...slots, access, regime]);
  }

  // --- control ---

  #if(node: Node, then: readonly Node[], otherwise: readonly Node[]): void {
    const toElse = this.#jumpOn(OP.brz, node.args[0]);
    this.#list(then);
    if (otherwise.length === 0) {
      this.#land(toElse);
      return;
    }
    const toEnd = this.#jumpOn(OP.jmp, undefined);
    this.#land(toElse);
    this.#list(otherwise);
    this.#land(toEnd);
  }

  #loop(body: readonly Node[]): void {
    const top = this.#ip;
    this.#breaks.push([]);
    this.#list(body);
    const back = this.#jumpOn(OP.jmp, undefined);
    this.#i32[(back + 8) >>> 2] = top - back;
    for (const at of this.#breaks.pop() ?? []) this.#land(at);
  }

  #jumpOn(op: number, condition: Node | undefined): number {
    const operand = condition === undefined ? 0 : this.#operand(condition);
    const at = this.#ip;
    this.#emit(op, 0, operand, 0);
    return at;
  }

  #land(at: number): void {
    this.#i32[(at + 8) >>> 2] = this.#ip - at;
  }

  #end(node: Node, d: BlockEnd): void {
    this.#placed.noteEnd(d.kind === 'raise');
    const restart = this.#restarts[this.#insnCount - 1] ?? [];
    const [pcLo, pcHi, count] = [this.#pcLo, this.#pcHi, this.#insnCount];
    this.#ends.end(node, d, { pcLo, pcHi, count, restart });
  }

  #emit(op: number, dst: number, a: number, b: number): void {
    this.#out.emit(op, dst, a, b);
  }

  get #ip(): number {
    return this.#out.ip;
  }

  #newTemp(node: Node): number {
    const bytes = node.type === 'v128' ? 16 : 8;
    const at = Math.ceil(this.#temp / bytes) * bytes;
    this.#temp = at + bytes;
    if (this.#temp > TEMP_OFFSET + TEMP_COUNT * 8) throw new Error('instruction needs too many temporaries');
    return at;
  }
}

function moveOp(node: Node): number {
  if (node.type === 'v128') return OP.mov128;
  return node.type === 'i32' || node.type === 'f32' ? OP.mov32 : OP.mov64;
}

function naturalFlag(align: 'any' | 'natural'): number {
  return align === 'natural' ? DESC.natural : 0;
}
