/**
 * Interruptions: PSW swaps, and what each class stores in the prefix area. Principles of Operation, SA22-7832, chapter
 * "Interruptions".
 */
import {
  defineHelper,
  defineTsHelper,
  type IrBuilder,
  type IrHelper,
  type Slot,
  type TsHelper,
  type Value,
} from '@boardwalk/translator';
import { CR0, IRQ, LOWCORE, NULLIFYING, PGM, PSW, STATE_OPERATING, SUPERVISOR_CALL } from './bits.ts';
import { MODE_EXECUTED } from './mode.ts';
import { eventWithException, forgetInstruction, takeEvent } from './per.ts';
import { currentMask, loadPsw } from './psw.ts';
import {
  block,
  common,
  cpuState,
  cr,
  emergencyFrom,
  externalCaller,
  fpc,
  ilc,
  ioClasses,
  malfunctionFrom,
  prefix,
  pswMask,
} from './state.ts';

function at<T>(list: readonly T[], n: number): T {
  const found = list[n];
  if (found === undefined) throw new Error(`no register ${n}`);
  return found;
}

/** Host offset of the prefix area. SET PREFIX has seen that it is storage. */
const area = (b: IrBuilder): Value => b.ramHost(b.get(prefix));

const W32 = { size: 4, endian: 'big' } as const;
const W64 = { size: 8, endian: 'big' } as const;

function store32(b: IrBuilder, host: Value, offset: number, value: Value): void {
  b.hostStore(b.add(host, b.i64(offset)), value, W32);
}
function store64(b: IrBuilder, host: Value, offset: number, value: Value): void {
  b.hostStore(b.add(host, b.i64(offset)), value, W64);
}

/** Stores the PSW as the old one and loads the new one. */
function swap(b: IrBuilder, host: Value, oldAt: number, newAt: number, address: Value): void {
  store64(b, host, oldAt, b.call(currentMask));
  store64(b, host, oldAt + 8, address);
  const load = (offset: number): Value => b.hostLoad(b.add(host, b.i64(offset)), W64);
  b.call(loadPsw, load(newAt), load(newAt + 8));
}

const bit = (b: IrBuilder, word: Value, mask: bigint): Value => b.ne(b.and(word, b.big(mask)), b.i64(0));

/** Exceptions that store a translation-exception identification. */
const WITH_ID = [
  PGM.segment,
  PGM.page,
  PGM.protection,
  PGM.asceType,
  PGM.regionFirst,
  PGM.regionSecond,
  PGM.regionThird,
].reduce((mask, code) => mask | (1n << BigInt(code)), 0n);

/** Enters the exception in `excCode` and `excValue` at `pc`. */
export const raise: IrHelper = defineHelper('s390_raise', [], undefined, (b) => {
  const host = area(b);
  const code = b.get(common.excCode);
  const value = b.get(common.excValue);
  const length = b.get(ilc);
  const next = b.local('i64', b.add(b.get(common.pc), b.extend32U(length)));
  const extended = b.get(pswMask);
  // An address wraps around in the mode that it is of.
  b.if(b.eqz(bit(b, extended, PSW.EXTENDED)), () => {
    const reach = b.select(bit(b, extended, PSW.BASIC), b.i64(0x7fff_ffff), b.i64(0xff_ffff));
    b.setLocal(next, b.and(b.getLocal(next), reach));
  });
  const identification = b.shl(length, b.i32(16));
  b.if(b.geU(code, b.i32(SUPERVISOR_CALL)), () => {
    store32(b, host, LOWCORE.svcLength, b.or(identification, b.and(code, b.i32(0xff))));
    swap(b, host, LOWCORE.svcOld, LOWCORE.svcNew, b.getLocal(next));
    b.return_();
  });
  const number = b.extend32U(code);
  const small = b.ltU(code, b.i32(64));
  const isOf = (set: bigint): Value => b.and(small, b.wrap(b.and(b.shr(b.big(set), number), b.i64(1))));
  const event = b.local('i32', b.i32(0));
  b.if(
    isOf(NULLIFYING),
    () => forgetInstruction(b),
    () => b.setLocal(event, b.call(eventWithException, host)),
  );
  store32(b, host, LOWCORE.programLength, b.or(b.or(identification, code), b.getLocal(event)));
  b.if(isOf(WITH_ID), () => {
    store64(b, host, LOWCORE.translationId, value);
    b.hostStore(b.add(host, b.i64(LOWCORE.accessId)), b.i32(0), { size: 1 });
  });
  b.if(b.or(b.eq(code, b.i32(PGM.data)), b.eq(code, b.i32(PGM.vectorProcessing))), () => {
    store32(b, host, LOWCORE.dataExceptionCode, b.wrap(value));
    b.if(bit(b, b.get(at(cr, 0)), CR0.AFP), () => {
      const kept = b.and(b.get(fpc), b.i32(0xffff_00ff | 0));
      b.set(fpc, b.or(kept, b.shl(b.and(b.wrap(value), b.i32(255)), b.i32(8))));
    });
  });
  b.if(b.eq(code, b.i32(PGM.monitor)), () => {
    // The class in the first 16 bits of the value's upper half, the code in block 0.
    store32(b, host, LOWCORE.monitorClass, b.wrap(value));
    store64(b, host, LOWCORE.monitorCode, b.get(at(block, 0)));
  });
  const address = b.select(isOf(NULLIFYING), b.get(common.pc), b.getLocal(next));
  swap(b, host, LOWCORE.programOld, LOWCORE.programNew, address);
});

/** What serving interruptions asks of the machine around the CPU. */
export interface InterruptPort {
  /** Takes a pending I/O interruption of the classes in `arg0` (bit 7: class 0): its words go to `block` 0 to 2; `ret` 1. */
  takeIo(cpuBase: number): void;
  /** Takes a service signal (`arg0` 0: parameter to `block` 0) or another floating external one (1: code, parameters to 0 to 2). */
  takeExternal(cpuBase: number): void;
  /** Takes a machine check: does all of it. `ret` 1 where there was one. */
  takeMachineCheck(cpuBase: number): void;
  /** The CPU has stopped: its state says how. */
  stopped(cpuBase: number): void;
  /** A wait that nothing can end: every interruption is disabled. */
  disabledWait(cpuBase: number): void;
}

const pendingAt = (b: IrBuilder): Value => b.add(b.cpuBase(), b.i32(common.pendingIrq.offset));

/** Clears bits of `pendingIrq`. */
function clear(b: IrBuilder, bits: number): void {
  b.hostRmw('and', pendingAt(b), b.i64(~bits >>> 0), 4);
}

/**
 * Lowest number in a set of bits in several slots, which leaves the set; -1 where there is none. Another thread may add to the set,
 * and then raises the line: so the line goes first, and comes back where something is left.
 */
function takeSender(b: IrBuilder, sets: readonly Slot[], irq: number): Value {
  const number = b.local('i32', b.i32(-1));
  clear(b, irq);
  for (const [n, slot] of sets.entries()) {
    b.if(b.and(b.ltS(b.getLocal(number), b.i32(0)), b.ne(b.get(slot), b.i64(0))), () => {
      const place = b.ctz(b.get(slot));
      b.setLocal(number, b.add(b.wrap(place), b.i32(n * 64)));
      b.hostRmw('and', b.add(b.cpuBase(), b.i32(slot.offset)), b.not(b.shl(b.i64(1), place)), 8);
    });
  }
  const left = sets.reduce<Value>((any, slot) => b.or(any, b.get(slot)), b.i64(0));
  b.if(b.ne(left, b.i64(0)), () => b.hostRmw('or', pendingAt(b), b.i64(irq), 4));
  return b.getLocal(number);
}

/** Stores an external interruption and swaps PSWs; ends the helper with 1. */
function external(b: IrBuilder, code: Value, cpuAddress: Value): void {
  const host = area(b);
  store32(b, host, LOWCORE.externalCpuAddress, b.or(b.shl(cpuAddress, b.i32(16)), code));
  swap(b, host, LOWCORE.externalOld, LOWCORE.externalNew, b.get(common.pc));
  b.return_(b.i32(1));
}

function externals(b: IrBuilder, pending: Value, takeExternal: TsHelper): void {
  const control = b.get(at(cr, 0));
  const when = (irq: number, subclass: bigint, then: () => void): void => {
    b.if(b.and(b.ne(b.and(pending, b.i32(irq)), b.i32(0)), bit(b, control, subclass)), then);
  };
  const fromCpu = (irq: number, subclass: bigint, code: number, sets: readonly Slot[]): void =>
    when(irq, subclass, () => {
      const sender = b.local('i32', takeSender(b, sets, irq));
      b.if(b.geS(b.getLocal(sender), b.i32(0)), () => external(b, b.i32(code), b.getLocal(sender)));
    });
  fromCpu(IRQ.malfunction, CR0.MALFUNCTION, 0x1200, malfunctionFrom);
  fromCpu(IRQ.emergency, CR0.EMERGENCY, 0x1201, emergencyFrom);
  when(IRQ.externalCall, CR0.EXTERNAL_CALL, () => {
    const caller = b.local('i32', b.get(externalCaller));
    clear(b, IRQ.externalCall);
    external(b, b.i32(0x1202), b.getLocal(caller));
  });
  // The clock comparator and the CPU timer stay pending until they are set to something else.
  when(IRQ.clockComparator, CR0.CLOCK_COMPARATOR, () => external(b, b.i32(0x1004), b.i32(0)));
  when(IRQ.cpuTimer, CR0.CPU_TIMER, () => external(b, b.i32(0x1005), b.i32(0)));
  when(IRQ.serviceSignal | IRQ.external, CR0.SERVICE_SIGNAL, () => {
    b.if(b.call(takeExternal), () => {
      const host = area(b);
      store32(b, host, LOWCORE.externalParameter, b.wrap(b.get(at(block, 1))));
      b.if(b.ne(b.get(at(block, 3)), b.i64(0)), () =>
        store64(b, host, LOWCORE.externalParameter64, b.get(at(block, 2))),
      );
      external(b, b.wrap(b.get(at(block, 0))), b.wrap(b.get(at(block, 4))));
    });
  });
}

/** What takes interruptions, as helpers. */
export interface InterruptHelpers {
  readonly takeIo: TsHelper;
  readonly takeExternal: TsHelper;
  readonly takeMachineCheck: TsHelper;
  readonly stopped: TsHelper;
  readonly disabledWait: TsHelper;
}

export function interruptHelpers(port: InterruptPort): InterruptHelpers {
  return {
    takeIo: defineTsHelper('s390_take_io', ['i32'], 'i32', (base) => port.takeIo(base)),
    takeExternal: defineTsHelper('s390_take_external', [], 'i32', (base) => port.takeExternal(base)),
    takeMachineCheck: defineTsHelper('s390_take_mcck', [], 'i32', (base) => port.takeMachineCheck(base)),
    stopped: defineTsHelper('s390_stopped', [], undefined, (base) => port.stopped(base)),
    disabledWait: defineTsHelper('s390_disabled_wait', [], undefined, (base) => port.disabledWait(base)),
  };
}

/** Takes the most urgent interruption that is pending and enabled: 1 if there is one. */
export function defineServiceInterrupt(helpers: InterruptHelpers): IrHelper {
  const { takeIo, takeExternal, takeMachineCheck, stopped, disabledWait } = helpers;
  return defineHelper('s390_interrupt', [], 'i32', (b) => {
    const pending = b.get(common.pendingIrq);
    b.if(b.and(pending, b.i32(IRQ.stop)), () => {
      b.set(common.halted, b.i32(1));
      b.call(stopped);
      // Until here another CPU's orders find this one busy.
      clear(b, IRQ.stop);
      b.return_(b.i32(0));
    });
    b.if(b.ne(b.get(cpuState), b.i32(STATE_OPERATING)), () => {
      b.set(common.halted, b.i32(1));
      b.return_(b.i32(0));
    });
    b.if(b.and(pending, b.i32(IRQ.per)), () => {
      // Between EXECUTE and its target nothing is complete.
      b.if(b.and(b.get(common.mode), b.i32(MODE_EXECUTED)), () => b.return_(b.i32(0)));
      b.if(b.call(takeEvent, area(b)), () => {
        swap(b, area(b), LOWCORE.programOld, LOWCORE.programNew, b.get(common.pc));
        b.return_(b.i32(1));
      });
    });
    b.if(b.and(pending, b.i32(IRQ.invalidPsw)), () => {
      clear(b, IRQ.invalidPsw);
      b.set(common.excCode, b.i32(PGM.specification));
      b.set(common.excValue, b.i64(0));
      b.set(ilc, b.i32(0));
      b.call(raise);
      // The new PSW is invalid too: there is no way on.
      b.if(b.and(b.get(common.pendingIrq), b.i32(IRQ.invalidPsw)), () => {
        clear(b, IRQ.invalidPsw);
        b.set(common.halted, b.i32(1));
        b.call(disabledWait);
      });
      b.return_(b.i32(1));
    });
    const mask = b.get(pswMask);
    b.if(b.and(bit(b, mask, PSW.MCHECK), b.ne(b.and(pending, b.i32(IRQ.machineCheck)), b.i32(0))), () => {
      b.if(b.call(takeMachineCheck), () => b.return_(b.i32(1)));
    });
    b.if(bit(b, mask, PSW.EXT), () => externals(b, pending, takeExternal));
    b.if(b.and(bit(b, mask, PSW.IO), b.ne(b.and(pending, b.i32(IRQ.io)), b.i32(0))), () => {
      const classes = b.and(b.get(ioClasses), b.wrap(b.extract(b.get(at(cr, 6)), 24, 8)));
      b.if(classes, () => {
        b.if(b.call(takeIo, classes), () => {
          const host = area(b);
          store32(b, host, LOWCORE.subsystemId, b.wrap(b.get(at(block, 0))));
          store32(b, host, LOWCORE.ioParameter, b.wrap(b.get(at(block, 1))));
          store32(b, host, LOWCORE.ioWord, b.wrap(b.get(at(block, 2))));
          swap(b, host, LOWCORE.ioOld, LOWCORE.ioNew, b.get(common.pc));
          b.return_(b.i32(1));
        });
      });
    });
    b.if(b.and(pending, b.i32(IRQ.restart)), () => {
      clear(b, IRQ.restart);
      swap(b, area(b), LOWCORE.restartOld, LOWCORE.restartNew, b.get(common.pc));
      b.return_(b.i32(1));
    });
    const waits = bit(b, mask, PSW.WAIT);
    b.if(waits, () => {
      b.set(common.halted, b.i32(1));
      b.if(b.eqz(bit(b, mask, PSW.MCHECK | PSW.EXT | PSW.IO)), () => b.call(disabledWait));
    });
    return b.i32(0);
  });
}
