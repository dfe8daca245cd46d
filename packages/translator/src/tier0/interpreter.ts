/**
 * Generates the tier 0 interpreter: one WebAssembly function, `loop` and `br_table` over the operations of opcodes.ts.
 * `run(cpu, ip, budget)` runs from `ip` until something needs the engine; the state's exitIp, exitReason and budget say
 * where and why it stopped.
 */
import { codePageBits } from '../frontend.ts';
import type { IrHelper } from '../ir/helper.ts';
import { PURE_OPS, type PureOp } from '../ir/ops.ts';
import {
  DESC,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  JUMP_EXTRA,
  TLB,
  TLB_ENTRIES,
  TLB_REGIME_BITS,
  TLB_TABLE_BYTES,
} from '../softmmu/layout.ts';
import type { SoftMmu } from '../softmmu/softmmu.ts';
import { COMMON, EXIT, FAULT } from '../state.ts';
import type { ModuleLinker, RawFunction } from '../wasm/link.ts';
import { loadCode, REVERSE_I64, REVERSE_V128, storeCode } from '../wasm/lower.ts';
import { W } from '../wasm/opcodes.ts';
import { Assembler, INTERPRETER_LOCALS, L } from './assembler.ts';
import {
  BRANCH_OPS,
  type GuestMemoryOp,
  MEMORY_OPS,
  missName,
  RECORD_OPS,
  type RecordOp,
  RUN,
  RUN_OPS,
  TIER0_OPS,
  tier0Op,
  type Widening,
} from './opcodes.ts';

type Handler = () => void;

/** Operations whose address is whole, and those where it counts from the page of the code that runs. */
const SLIDES: readonly (readonly [string, (a: Assembler) => void])[] = [
  ['', () => {}],
  ['.slide', (a) => a.state(COMMON.codePage).op(W.i64Add)],
];

/** The interpreter as a function to link beside the helpers. `raise` is the frontend's exception entry. */
export function tier0Function(mmu: SoftMmu, raise: IrHelper): RawFunction {
  return {
    name: 'run',
    params: ['i32', 'i32', 'i32'],
    result: undefined,
    body: (linker) => {
      const writer = new InterpreterWriter(mmu, raise, linker);
      return { locals: INTERPRETER_LOCALS, code: writer.write() };
    },
  };
}

class InterpreterWriter {
  readonly #a: Assembler;
  readonly #handlers = new Map<string, Handler>();
  readonly #mmu: SoftMmu;
  readonly #linker: ModuleLinker;
  readonly #wrapperType: number;
  readonly #regionType: number;
  /** The operation whose handler is being written. */
  #number = 0;

  constructor(mmu: SoftMmu, raise: IrHelper, linker: ModuleLinker) {
    this.#a = new Assembler(linker.module.indexBits);
    this.#mmu = mmu;
    this.#linker = linker;
    this.#wrapperType = linker.module.type(['i32', 'i32'], undefined);
    this.#regionType = linker.module.type(['i32', 'i32', 'i32'], 'i32');
    this.#pureHandlers();
    this.#branchHandlers();
    for (const op of MEMORY_OPS) {
      this.#handlers.set(op.name, () => this.#access(op));
      this.#handlers.set(missName(op), () => (op.store ? this.#missedStore(op) : this.#missedLoad(op)));
    }
    for (const op of RUN_OPS) this.#handlers.set(op.name, () => this.#run(op.of));
    for (const op of RECORD_OPS) this.#handlers.set(op.name, () => this.#record(op));
    this.#moves();
    this.#ends(raise);
    this.#calls();
  }

  write(): Uint8Array {
    const a = this.#a;
    const count = TIER0_OPS.length;
    a.block();
    a.exitDepth = a.depth;
    a.loop();
    a.loopDepth = a.depth;
    for (let i = 0; i < count; i++) a.block();
    a.get(L.ip).load(W.i32Load16U, 0);
    a.out.u8(W.brTable).unsigned(count - 1);
    for (let i = 0; i < count; i++) a.out.unsigned(i);
    for (const [number, name] of TIER0_OPS.entries()) {
      a.end();
      this.#number = number;
      const handler = this.#handlers.get(name);
      if (handler === undefined) throw new Error(`tier 0 has no handler for ${name}`);
      handler();
    }
    a.end().end();
    a.setState(COMMON.exitIp, () => a.get(L.ip));
    a.setState(COMMON.exitReason, () => a.get(L.reason));
    a.setState(COMMON.budget, () => a.get(L.budget));
    return a.out.view();
  }

  #pureHandlers(): void {
    for (const op of PURE_OPS) {
      if (op.outlined) continue;
      this.#handlers.set(op.name, () => this.#pure(op, false));
      if (op.immediate) this.#handlers.set(`${op.name}#`, () => this.#pure(op, true));
    }
  }

  #pure(op: PureOp, immediate: boolean): void {
    // A comparison's result is stored as a 64-bit 0 or 1, so that extending it costs nothing.
    const stored = op.compare ? 'i64' : op.result;
    this.#a
      .result(2, stored, () => {
        this.#operands(op, immediate);
        this.#a.op(...op.code);
        if (op.compare) this.#a.op(W.i64ExtendI32U);
      })
      .next(16);
  }

  #operands(op: PureOp, immediate: boolean): void {
    const a = this.#a;
    const [x, y, z] = op.args;
    if (x === undefined) return;
    if (z !== undefined && y !== undefined) {
      a.operand(6, y).operand(8, z).operand(4, x);
      return;
    }
    a.operand(4, x);
    if (y === undefined) return;
    if (!immediate) a.operand(6, y);
    else a.get(L.ip).load(y === 'i32' ? W.i32Load : W.i64Load, 8);
  }

  #record({ first, second }: RecordOp): void {
    const a = this.#a;
    // All is read before anything is set.
    this.#widened(4, first);
    a.set(L.va);
    if (second === '#') a.get(L.ip).load(W.i64Load, 8).set(L.wide);
    else if (second !== undefined) {
      this.#widened(6, second);
      a.set(L.wide);
    }
    a.get(L.cpu).get(L.ip).load(W.i32Load16U, 2).op(W.i32Add).tee(L.at).area();
    if (second === '#') a.get(L.ip).load(W.i32Load16U, 6);
    else a.get(L.ip).load(W.i32Load, 8);
    a.mem(W.i32Store, 0);
    a.get(L.at).area().get(L.va).mem(W.i64Store, 8);
    if (second !== undefined) a.get(L.at).area().get(L.wide).mem(W.i64Store, 16);
    a.next(16);
  }

  /** Pushes an operand as an i64. */
  #widened(field: number, widening: Widening): void {
    const a = this.#a;
    if (widening === '') a.operand(field, 'i64');
    else a.operand(field, 'i32').op(widening === 's' ? W.i64ExtendI32S : W.i64ExtendI32U);
  }

  #branchHandlers(): void {
    for (const op of BRANCH_OPS) {
      for (const immediate of op.immediate ? [false, true] : [false]) {
        this.#handlers.set(`br.${op.name}${immediate ? '#' : ''}`, () => {
          this.#operands(op, immediate);
          this.#a.op(...op.code);
          this.#branch();
        });
      }
    }
  }

  /** Ends a block by the condition on the stack: target at 16 where it holds, else at 20. */
  #branch(): void {
    this.#a.if();
    this.#link(16);
    this.#a.end();
    this.#link(20);
  }

  /** Pays for the block and goes on where the i32 at `field` of its end leads. */
  #link(field: number): void {
    const a = this.#a;
    a.charge().get(L.ip).load(W.i32Load, field).set(L.at);
    a.get(L.budget).i32(0).op(W.i32LtS).get(L.reason).op(W.i32Eqz, W.i32Or);
    a.out.u8(W.brIf).unsigned(this.#depthOf('spent'));
    a.get(L.at).set(L.ip).dispatch();
  }

  /** After `#link` found the budget used up, or the block to have run often: leaves at the target, in `at`. */
  #spent(): void {
    const a = this.#a;
    a.get(L.reason).op(W.i32Eqz).if().tellHot().end();
    a.get(L.at).set(L.ip).exit(EXIT.budget);
  }

  /** Labels from here to the handler of an operation that is written later. */
  #depthOf(name: string): number {
    const number = tier0Op(name);
    if (number <= this.#number) throw new Error(`${name} lies behind`);
    return this.#a.depth - (this.#a.loopDepth + TIER0_OPS.length - number);
  }

  /**
   * A run of accesses from one base: where they lie in one page, which the TLB has, they are made in a loop. Else the first
   * is one that the TLB did not answer, and the others follow as operations of their own.
   */
  #run(op: GuestMemoryOp): void {
    const a = this.#a;
    const page = 2 ** this.#mmu.frontend.pageBits;
    const inPage = (): Assembler =>
      a
        .get(L.va)
        .op(W.i32WrapI64)
        .i32(page - 1)
        .op(W.i32And);
    const reach = (at: number): void => {
      a.get(L.reason)
        .i32(at - RUN.unitBits)
        .op(W.i32ShrU)
        .i32(RUN.mostReach << RUN.unitBits)
        .op(W.i32And);
    };
    this.#tlbProbe(op, true);
    a.get(L.ip).load(W.i32Load, 12).set(L.reason);
    inPage();
    reach(RUN.below);
    a.op(W.i32Sub);
    inPage();
    reach(RUN.above);
    a.op(W.i32Add, W.i32Or).i32(page).op(W.i32LtU, W.i32And).if();
    // The host offset of what the base leads to, and the operation behind the run.
    a.get(L.at)
      .load(W.i64Load, TLB + (op.store ? TLB_TABLE_BYTES : 0) + 8)
      .get(L.va)
      .op(W.i64Add);
    a.get(L.ip).load(W.i64Load32S, 8).op(W.i64Sub).set(L.wide);
    a.get(L.ip).get(L.reason).i32(RUN.mostCount).op(W.i32And).i32(4).op(W.i32Shl, W.i32Add).set(L.at);
    a.loop();
    const host = (): void => {
      a.get(L.wide).get(L.ip).load(W.i64Load32S, 8).op(W.i64Add).hostIndex();
    };
    this.#transfer(op, host);
    a.skip(16).get(L.ip).get(L.at).op(W.i32Ne);
    a.out.u8(W.brIf).unsigned(0);
    a.end().dispatch().end();
    this.#miss(op);
  }

  /** Makes the access of an operation at the host index that `host` pushes. */
  #transfer(op: GuestMemoryOp, host: () => void): void {
    if (op.store) this.#storeTo(op, host);
    else this.#loadFrom(op, host);
  }

  #loadFrom(op: GuestMemoryOp, host: () => void): void {
    this.#a.result(2, op.ty, () => {
      host();
      this.#a.op(...loadCode({ ...op, endian: 'little', align: 'any', mmu: 0 }, op.ty));
      if (op.big) this.#swap(op);
    });
  }

  #storeTo(op: GuestMemoryOp, host: () => void): void {
    host();
    this.#a.operand(6, op.ty);
    if (op.big) this.#swap(op);
    this.#a.op(...storeCode(op.size, op.ty));
  }

  /** Puts va and the address of its TLB entry into locals; pushes whether a fast access may be made. */
  #tlbProbe(op: GuestMemoryOp, isRun: boolean): void {
    const a = this.#a;
    const pageBits = this.#mmu.frontend.pageBits;
    a.operand(4, 'i64').get(L.ip).load(W.i64Load32S, 8).op(W.i64Add).tee(L.va);
    a.i64(pageBits - 4, 0).op(W.i64ShrU, W.i32WrapI64);
    a.i32((TLB_ENTRIES - 1) << 4).op(W.i32And);
    a.get(L.ip).load(W.i32Load, 12);
    if (isRun) a.i32(-(2 ** TLB_REGIME_BITS)).op(W.i32And);
    a.op(W.i32Add).get(L.cpu).op(W.i32Add).tee(L.at);
    a.load(W.i64Load, TLB + (op.store ? TLB_TABLE_BYTES : 0));
    a.get(L.va)
      .i64(-(2 ** pageBits) + op.size - 1, -1)
      .op(W.i64And, W.i64Eq);
  }

  #hostAddress(op: GuestMemoryOp): void {
    this.#a.translated(L.at, L.va, TLB + (op.store ? TLB_TABLE_BYTES : 0) + 8);
  }

  /** Slow-path descriptor and regime, from the operation: the flags at `flagsField`, the TLB's offset at 12. */
  #descriptor(op: GuestMemoryOp, flagsField: number): void {
    const fixed = (op.size === 16 ? 0 : Math.log2(op.size)) | (op.signed ? DESC.signed : 0) | (op.big ? DESC.big : 0);
    this.#a.get(L.ip).load(W.i32Load16U, flagsField).i32(fixed).op(W.i32Or);
    this.#a.get(L.ip).load(W.i32Load, 12).i32(TLB_REGIME_BITS).op(W.i32ShrU);
  }

  #access(op: GuestMemoryOp): void {
    this.#tlbProbe(op, false);
    this.#a.if();
    this.#transfer(op, () => this.#hostAddress(op));
    this.#a.next(16).end();
    this.#miss(op);
  }

  /** Goes on where the TLB has not answered: `va` is the address. */
  #miss(op: GuestMemoryOp): void {
    this.#a.out.u8(W.br).unsigned(this.#depthOf(missName(op)));
  }

  /** A device may ask how many instructions were executed, and who watches code which operation stores. */
  #tellPlace(): void {
    const a = this.#a;
    a.setState(COMMON.exitIp, () => a.get(L.ip));
    a.setState(COMMON.budget, () => a.get(L.budget));
  }

  #missedLoad(op: GuestMemoryOp): void {
    const a = this.#a;
    this.#tellPlace();
    a.get(L.cpu).get(L.va);
    this.#descriptor(op, 6);
    const isVector = op.ty === 'v128';
    const result = isVector ? L.vector : L.wide;
    a.call(this.#linker.functionOf(isVector ? this.#mmu.slowLoad128 : this.#mmu.slowLoad)).set(result);
    this.#exitOnFault();
    a.result(2, op.ty, () => {
      a.get(result);
      if (op.ty === 'i32') a.op(W.i32WrapI64);
    });
    a.heedExitRequest().next(16);
  }

  #missedStore(op: GuestMemoryOp): void {
    const a = this.#a;
    this.#tellPlace();
    a.get(L.cpu).get(L.va).operand(6, op.ty);
    if (op.ty === 'i32') a.op(W.i64ExtendI32U);
    this.#descriptor(op, 2);
    a.call(this.#linker.functionOf(op.ty === 'v128' ? this.#mmu.slowStore128 : this.#mmu.slowStore));
    this.#exitOnFault();
    a.heedExitRequest().next(16);
  }

  /** Reverses the bytes of the little-endian value on the stack, which a load extended as it should be. */
  #swap(op: GuestMemoryOp): void {
    const a = this.#a;
    if (op.size === 16) {
      a.op(...REVERSE_V128);
      return;
    }
    if (op.size === 8) {
      a.op(...REVERSE_I64);
      return;
    }
    if (op.ty === 'i64') a.op(W.i32WrapI64);
    this.#swap32();
    if (op.size === 2) a.i32(16).op(op.signed ? 0x75 : W.i32ShrU);
    if (op.ty === 'i64') a.op(op.signed ? W.i64ExtendI32S : W.i64ExtendI32U);
  }

  #swap32(): void {
    const a = this.#a;
    a.set(L.reason);
    a.get(L.reason).i32(8).op(W.i32Rotl).i32(0x00ff00ff).op(W.i32And);
    a.get(L.reason).i32(24).op(W.i32Rotl).i32(0xff00ff00).op(W.i32And).op(W.i32Or);
  }

  #exitOnFault(): void {
    const a = this.#a;
    a.state(COMMON.fault).if();
    a.i32(EXIT.exception).i32(EXIT.codeWrite);
    a.state(COMMON.fault).i32(FAULT.exception).op(W.i32Eq, W.select).set(L.reason);
    a.setState(COMMON.fault, () => a.i32(FAULT.none));
    a.out.u8(W.br).unsigned(a.depth - a.exitDepth);
    a.end();
  }

  #moves(): void {
    const a = this.#a;
    for (const [name, ty] of [
      ['mov32', 'i32'],
      ['mov64', 'i64'],
      ['mov128', 'v128'],
    ] as const) {
      this.#handlers.set(name, () => {
        a.result(2, ty, () => a.operand(4, ty));
        a.next(16);
      });
    }
    this.#handlers.set('const', () => {
      a.result(2, 'i64', () => a.get(L.ip).load(W.i64Load, 8));
      a.next(16);
    });
    this.#handlers.set('count', () => {
      a.result(2, 'i64', () => {
        a.state(COMMON.insnCount);
        a.state(COMMON.runBudget).state(COMMON.budgetReturned).op(W.i32Sub);
        a.state(COMMON.raised).op(W.i32Sub).get(L.budget).op(W.i32Sub);
        a.get(L.ip).load(W.i32Load, 8).op(W.i32Add, W.i64ExtendI32U, W.i64Add);
      });
      a.next(16);
    });
    this.#handlers.set('nop', () => a.next(16));
    const jump = (): void => {
      a.get(L.ip).get(L.ip).load(W.i32Load, 8).op(W.i32Add).set(L.ip).dispatch();
    };
    this.#handlers.set('jmp', jump);
    for (const [name, test] of [
      ['brz', [W.i32Eqz]],
      ['brnz', []],
    ] as const) {
      this.#handlers.set(name, () => {
        a.operand(4, 'i32')
          .op(...test)
          .if();
        jump();
        a.end().next(16);
      });
    }
  }

  #ends(raise: IrHelper): void {
    const a = this.#a;
    this.#handlers.set('branch', () => {
      a.operand(4, 'i32');
      this.#branch();
    });
    this.#handlers.set('goto', () => this.#link(16));
    this.#handlers.set('spent', () => this.#spent());
    for (const [name, slide] of SLIDES) {
      this.#handlers.set(`gotoPage${name}`, () => {
        a.pay().get(L.ip).load(W.i64Load, 8);
        slide(a);
        a.set(L.va).setState(COMMON.pc, () => a.get(L.va));
        this.#jumpThroughCache();
      });
      this.#handlers.set(`raise${name}`, () => this.#raise(raise, slide));
    }
    this.#handlers.set('gotoIndirect', () => {
      a.pay().operand(4, 'i64').get(L.ip).load(W.i64Load16S, 6).op(W.i64Add);
      a.get(L.ip).load(W.i64Load16S, 2).op(W.i64And).set(L.va);
      // The last four targets, for tier 1.
      a.get(L.ip).get(L.reason).i32(3).op(W.i32And).i32(2).op(W.i32Shl, W.i32Add).area();
      a.get(L.va).op(W.i32WrapI64).mem(W.i32Store, 8);
      a.setState(COMMON.pc, () => a.get(L.va));
      this.#jumpThroughCache();
    });
    this.#handlers.set('lookup', () => {
      a.pay();
      this.#lookupUnlessAsked();
    });
    this.#handlers.set('halt', () => {
      a.pay().setState(COMMON.halted, () => a.i32(1));
      a.exit(EXIT.halt);
    });
    this.#handlers.set('unlinked', () => a.exit(EXIT.unlinked));
    this.#handlers.set('leadOut', () => {
      a.get(L.ip).load(W.i64Load, 8).state(COMMON.codePage).op(W.i64Add).set(L.va);
      a.setState(COMMON.pc, () => a.get(L.va));
      this.#jumpThroughCache();
    });
    this.#handlers.set('secondPage', () => {
      a.get(L.cpu).get(L.ip).load(W.i32Load, 4).op(W.i32Add).tee(L.at);
      a.load(W.i64Load, 0).get(L.ip).load(W.i64Load, 8).op(W.i64Eq);
      a.get(L.at).load(W.i64Load, 8).get(L.ip).load(W.i64Load, 16).op(W.i64Eq, W.i32And).if();
      a.next(32).end();
      a.setState(COMMON.pc, () => a.get(L.ip).load(W.i64Load, 24));
      a.exit(EXIT.lookup);
    });
    this.#handlers.set('debug', () => a.exit(EXIT.debug));
    this.#handlers.set('tier1', () => this.#enterRegion());
  }

  #raise(raise: IrHelper, slide: (a: Assembler) => void): void {
    const a = this.#a;
    a.setState(COMMON.excCode, () => a.operand(4, 'i32'));
    a.setState(COMMON.excValue, () => a.operand(6, 'i64'));
    a.setState(COMMON.pc, () => {
      a.get(L.ip).load(W.i64Load, 8);
      slide(a);
    });
    a.state(COMMON.traceRaises).if();
    a.exit(EXIT.exception).end();
    a.pay().get(L.budget).i32(1).op(W.i32Sub).set(L.budget);
    a.setState(COMMON.raised, () => a.state(COMMON.raised).i32(1).op(W.i32Add));
    a.get(L.cpu).call(this.#linker.functionOf(raise));
    this.#lookupUnlessAsked();
  }

  /** Runs a region if the budget is certain to last; otherwise the block behind the operation runs. */
  #enterRegion(): void {
    const a = this.#a;
    a.get(L.budget).get(L.ip).load(W.i32Load, 8).op(W.i32LtS);
    a.state(COMMON.exitRequest).op(W.i32Or).if();
    a.next(16).end();
    a.get(L.cpu).get(L.budget).get(L.ip).load(W.i32Load, 12).get(L.ip).load(W.i32Load, 4);
    a.out.u8(W.callIndirect).unsigned(this.#regionType).u8(0);
    a.set(L.ip).state(COMMON.budget).set(L.budget);
    a.get(L.ip).if().dispatch().end();
    a.state(COMMON.pc).set(L.va);
    this.#jumpThroughCache();
  }

  #lookupUnlessAsked(): void {
    const a = this.#a;
    a.state(COMMON.exitRequest).if();
    a.exit(EXIT.lookup).end();
    a.state(COMMON.pc).set(L.va);
    this.#jumpThroughCache();
  }

  /** Goes on at the pc in `va`, which is in the state too; the block has been paid for. */
  #jumpThroughCache(): void {
    const a = this.#a;
    a.setState(COMMON.codePage, () =>
      a
        .get(L.va)
        .i64(-(2 ** codePageBits(this.#mmu.frontend)), -1)
        .op(W.i64And),
    );
    a.get(L.va).op(W.i32WrapI64).tee(L.at).i32(1).op(W.i32ShrU);
    a.get(L.at).i32(13).op(W.i32ShrU, W.i32Xor);
    a.i32(JUMP_CACHE_ENTRIES - 1).op(W.i32And);
    a.i32(4).op(W.i32Shl).get(L.cpu).op(W.i32Add).tee(L.at);
    a.load(W.i64Load, JUMP_CACHE).get(L.va).op(W.i64Eq);
    a.get(L.at)
      .load(W.i32Load, JUMP_CACHE + 8)
      .state(COMMON.mode)
      .op(W.i32Eq, W.i32And);
    if (this.#mmu.frontend.usesExtra === true) {
      a.get(L.at).get(L.cpu).op(W.i32Sub).i32(1).op(W.i32ShrU).get(L.cpu).op(W.i32Add);
      a.load(W.i64Load, JUMP_EXTRA).state(COMMON.extra).op(W.i64Eq, W.i32And);
    }
    a.if();
    a.get(L.at)
      .load(W.i32Load, JUMP_CACHE + 12)
      .set(L.ip);
    a.exitIfSpent(EXIT.budget).dispatch().end();
    a.get(L.cpu).call(this.#linker.functionOf(this.#mmu.lookup)).tee(L.at).op(W.i32Eqz).if();
    a.exit(EXIT.lookup).end();
    a.get(L.at).set(L.ip).exitIfSpent(EXIT.budget).dispatch();
  }

  #calls(): void {
    const a = this.#a;
    const call = (): void => {
      a.setState(COMMON.budget, () => a.get(L.budget));
      a.get(L.cpu).get(L.ip).get(L.ip).load(W.i32Load16U, 14);
      a.out.u8(W.callIndirect).unsigned(this.#wrapperType).u8(0);
    };
    this.#handlers.set('call', () => {
      call();
      a.next(16);
    });
    this.#handlers.set('callFault', () => {
      a.setState(COMMON.exitIp, () => a.get(L.ip));
      call();
      this.#exitOnFault();
      a.next(16);
    });
  }
}
