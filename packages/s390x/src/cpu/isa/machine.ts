/**
 * Semantics of the instructions that the machine takes part in: clocks, identification, SIGP, SERVC, DIAGNOSE, the channel
 * subsystem. Principles of Operation, SA22-7832, chapters "Control Instructions" and "I/O Instructions".
 */
import { defineHelper, ENGINE, type Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { facilityWords } from '../facilities.ts';
import { hostOf, LOAD, leaveOnFault, STORE } from '../memory.ts';
import type { CpuConfig } from '../models.ts';
import { CC_UNCHANGED } from '../services.ts';
import { block, ckc, common, cpuAddress, prefix, todpr } from '../state.ts';
import { toAbsolute } from '../translation.ts';
import { type Emitter, type Insn, slotOf } from './insn.ts';
import { MACHINE, type PortHelpers } from './port.ts';

/** Performs an instruction and takes its outcome: a condition code, or a program interruption. */
function perform(i: Insn, helpers: PortHelpers, kind: number, ...args: readonly Value[]): Value {
  const { b } = i;
  const none = b.i64(0);
  const outcome = b.local(
    'i32',
    b.call(helpers.machine, b.i32(kind), args[0] ?? none, args[1] ?? none, args[2] ?? none),
  );
  b.if(b.geS(b.getLocal(outcome), b.i32(0x1_0000)), () => {
    const codes = [PGM.operation, PGM.privileged, PGM.addressing, PGM.specification, PGM.data, PGM.operand];
    for (const code of codes) {
      b.if(b.eq(b.and(b.getLocal(outcome), b.i32(0xffff)), b.i32(code)), () => i.raise(code));
    }
  });
  return b.getLocal(outcome);
}

/** Ends an instruction whose condition code is the outcome: what it did may be an interruption. */
function finish(i: Insn, outcome: Value): void {
  i.setCcValue(outcome);
  i.b.requestExit();
  i.exit();
}

const subsystemId = (i: Insn): Value => i.get64(1);

/** An instruction on a subchannel without an operand in storage. */
const onSubchannel =
  (helpers: PortHelpers, kind: number): Emitter =>
  (i) => {
    i.supervisor();
    finish(i, perform(i, helpers, kind, subsystemId(i)));
  };

/** Reads an operand block into the slots, big-endian as it is in storage: doublewords and a last word. */
function readBlock(i: Insn, address: Value, bytes: number): void {
  const { b } = i;
  for (let at = 0; at < bytes; at += 8) {
    const size = bytes - at >= 8 ? 8 : 4;
    const value = i.load(i.wrap(b.add(address, b.i64(at))), i.f.b2, size);
    b.set(slotOf(block, at / 8), size === 8 ? value : b.shl(value, b.i64(32)));
  }
}

function writeBlock(i: Insn, address: Value, bytes: number): void {
  const { b } = i;
  for (let at = 0; at < bytes; at += 8) {
    const value = b.get(slotOf(block, at / 8));
    const size = bytes - at >= 8 ? 8 : 4;
    i.store(i.wrap(b.add(address, b.i64(at))), i.f.b2, size === 8 ? value : b.shr(value, b.i64(32)), size);
  }
}

/** An instruction that reads a block: ORB, SCHIB. */
const reading =
  (helpers: PortHelpers, kind: number, bytes: number): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.address2();
    i.aligned(address, 4);
    readBlock(i, address, bytes);
    finish(i, perform(i, helpers, kind, subsystemId(i)));
  };

/** An instruction that writes a block, unless the condition code is 3. */
const writing =
  (helpers: PortHelpers, kind: number, bytes: number): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 4);
    i.probe(address, i.f.b2, b.i32(bytes), true);
    const outcome = perform(i, helpers, kind, subsystemId(i));
    b.if(b.ne(outcome, b.i32(3)), () => writeBlock(i, address, bytes));
    finish(i, outcome);
  };

/** (va of a page, regime) -> its absolute address; it must be possible to write. */
const absolutePage = defineHelper('s390_page', ['i64', 'i32'], 'i64', (b, va, mmu) => {
  b.call(ENGINE.probe, va, b.i32(4096), b.i32(STORE), mmu);
  leaveOnFault(b, b.i64(0));
  b.call(ENGINE.translate, va, b.i32(STORE), mmu);
  leaveOnFault(b, b.i64(0));
  return hostOf(b, { at: b.local('i64', va), access: LOAD, mmu }, b.i64(0));
});

const channelSubsystemCall =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.wrap(i.get64(i.f.r1));
    i.aligned(address, 4096);
    const host = i.call(absolutePage, address, i.space(i.f.r1));
    finish(i, perform(i, helpers, MACHINE.channelSubsystemCall, host));
  };

/** (offset, word): stores into the prefix area. No protection applies. */
const storeLow = defineHelper('s390_store_low', ['i64', 'i64'], undefined, (b, offset, word) => {
  b.hostStore(b.add(b.ramHost(b.get(prefix)), offset), word, { size: 4, endian: 'big' });
});

/** TPI: at the operand, or without one in the prefix area. */
const testPending =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 4);
    b.if(b.ne(address, b.i64(0)), () => i.probe(address, i.f.b2, b.i32(8), true));
    const outcome = perform(i, helpers, MACHINE.testPendingInterruption);
    b.if(b.eq(outcome, b.i32(1)), () => {
      b.if(
        b.ne(address, b.i64(0)),
        () => i.store(address, i.f.b2, b.get(slotOf(block, 0)), 8),
        () => {
          b.call(storeLow, b.i64(0xb8), b.shr(b.get(slotOf(block, 0)), b.i64(32)));
          b.call(storeLow, b.i64(0xbc), b.get(slotOf(block, 0)));
          b.call(storeLow, b.i64(0xc0), b.shr(b.get(slotOf(block, 1)), b.i64(32)));
        },
      );
    });
    finish(i, outcome);
  };

const storeReportWord =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 4);
    i.probe(address, i.f.b2, b.i32(4), true);
    const outcome = perform(i, helpers, MACHINE.storeChannelReportWord);
    i.store(address, i.f.b2, b.shr(b.get(slotOf(block, 0)), b.i64(32)), 4);
    finish(i, outcome);
  };

// --- service call, diagnose, information ---

const serviceCall =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = b.and(i.get64(i.f.r2), b.i64(0x7fff_ffff));
    finish(i, perform(i, helpers, MACHINE.serviceCall, i.get32u(i.f.r1), b.call(toAbsolute, address)));
  };

const diagnose =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const code = b.and(i.address2(), b.i64(0xffff));
    // The machine may look at where the CPU is, and make it another's: the instruction is complete when it is called.
    const cc = i.cc();
    b.set(common.pc, i.next());
    const outcome = perform(i, helpers, MACHINE.diagnose, code, b.i64(i.f.r1), b.i64(i.f.r3));
    i.setCcValue(b.select(b.eq(outcome, b.i32(CC_UNCHANGED)), cc, outcome));
    b.requestExit();
    b.exitToLookup();
    i.ended = true;
  };

const storeSystemInformation =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    const [r0, r1] = [i.get32(0), i.get32(1)];
    const level = b.shr(r0, b.i32(28));
    const reserved = b.or(b.and(r0, b.i32(0x0fff_ff00)), b.and(r1, b.i32(0xffff_0000 | 0)));
    i.raiseIf(b.and(b.ne(level, b.i32(0)), b.ne(reserved, b.i32(0))), PGM.specification);
    const host = b.local('i64', b.i64(0));
    b.if(level, () => {
      i.aligned(address, 4096);
      b.setLocal(host, i.call(absolutePage, address, i.space(i.f.b2)));
    });
    const selectors = b.or(b.shl(b.extend32U(r1), b.i64(32)), b.extend32U(r0));
    const outcome = perform(i, helpers, MACHINE.systemInformation, selectors, b.getLocal(host));
    // Level 0 asks which level runs: 3, a virtual machine.
    b.if(b.eqz(level), () => i.set32(0, b.i64(0x3000_0000)));
    finish(i, outcome);
  };

// --- clocks ---

/** STCK and STCKF: STCK's values differ from one to the next. */
const storeClock =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    i.probe(address, i.f.b2, b.i32(8), true);
    b.tellCount();
    i.store(address, i.f.b2, b.call(helpers.readTod), 8);
    i.setCcValue(b.i32(0));
  };

/** STCKE: 16 bytes: epoch index, TOD clock, zeros, a one, the programmable field. */
const storeClockExtended =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    i.probe(address, i.f.b2, b.i32(16), true);
    b.tellCount();
    const tod = b.local('i64', b.call(helpers.readTod));
    const low = b.or(b.shl(b.getLocal(tod), b.i64(56)), b.or(b.i64(0x10000), b.extend32U(b.get(todpr))));
    i.store(address, i.f.b2, b.shr(b.getLocal(tod), b.i64(8)), 8);
    i.store(i.wrap(b.add(address, b.i64(8))), i.f.b2, low, 8);
    i.setCcValue(b.i32(0));
  };

const setClock =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 8);
    const value = i.load(address, i.f.b2, 8);
    b.tellCount();
    b.call(helpers.setTod, value);
    i.setCcValue(b.i32(0));
    i.exit();
  };

const setComparator =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 8);
    b.set(ckc, i.load(address, i.f.b2, 8));
    b.tellCount();
    b.call(helpers.comparatorChanged);
    i.exit();
  };
const storeComparator: Emitter = (i) => {
  i.supervisor();
  const address = i.address2();
  i.aligned(address, 8);
  i.store(address, i.f.b2, i.b.get(ckc), 8);
};

const setCpuTimer =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 8);
    const value = i.load(address, i.f.b2, 8);
    b.tellCount();
    b.call(helpers.setTimer, value);
    i.exit();
  };
const storeCpuTimer =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 8);
    i.probe(address, i.f.b2, b.i32(8), true);
    b.tellCount();
    i.store(address, i.f.b2, b.call(helpers.readTimer), 8);
  };

/** ECTG: the CPU timer less the first operand into register 0, the second into 1, the third operand into r3. */
const extractCpuTime =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    const { b } = i;
    const first = i.load(i.address1(), i.f.b1, 8);
    const second = i.load(i.address2(), i.f.b2, 8);
    const third = i.load(i.wrap(i.get64(i.f.r3)), i.f.r3, 8);
    b.tellCount();
    const timer = b.call(helpers.readTimer);
    i.set64(0, b.sub(first, timer));
    i.set64(1, second);
    i.set64(i.f.r3, third);
  };

const setClockProgrammable: Emitter = (i) => {
  i.supervisor();
  const { b } = i;
  const value = i.get32(0);
  i.raiseIf(b.and(value, b.i32(0xffff_0000 | 0)), PGM.specification);
  b.set(todpr, value);
};

// --- identification ---

const signalProcessor =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const order = b.wrap(b.and(i.address2(), b.i64(255)));
    const target = b.and(i.get32(i.f.r3), b.i32(0xffff));
    const parameter = i.get64(i.f.r1 | 1);
    b.set(common.pc, i.next());
    const cc = b.call(helpers.signal, order, target, parameter, b.i32(i.f.r1));
    i.setCcValue(cc);
    b.requestExit();
    b.exitToLookup();
    i.ended = true;
  };

const storeCpuAddress = (): Emitter => (i) => {
  i.supervisor();
  const { b } = i;
  const address = i.address2();
  i.aligned(address, 2);
  i.store(address, i.f.b2, b.extend32U(b.get(cpuAddress)), 2);
};

const storeCpuId =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.address2();
    i.aligned(address, 8);
    i.probe(address, i.f.b2, b.i32(8), true);
    i.store(address, i.f.b2, b.call(helpers.identify), 8);
  };

/** STFL: the first 32 facility bits, at 0xc8 of the prefix area. */
const storeFacilities =
  (config: CpuConfig): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const [first = 0n] = facilityWords(config);
    b.call(storeLow, b.i64(0xc8), b.big(first >> 32n));
  };

/** STFLE: as many doublewords as register 0 has room for; condition code 3 where there are more. */
const storeFacilitiesExtended =
  (config: CpuConfig): Emitter =>
  (i) => {
    const { b } = i;
    const words = facilityWords(config);
    const address = i.address2();
    i.aligned(address, 8);
    const room = b.and(i.get64(0), b.i64(255));
    for (const [n, word] of words.entries()) {
      b.if(b.geU(room, b.i64(n)), () => i.store(i.wrap(b.add(address, b.i64(n * 8))), i.f.b2, b.big(word), 8));
    }
    i.set64(0, b.deposit(i.get64(0), 0, 8, b.i64(words.length - 1)));
    i.setCcValue(b.select(b.ltU(room, b.i64(words.length - 1)), b.i32(3), b.i32(0)));
  };

/** PTFF: which of its functions there are. Only the query is. */
const timingFacility: Emitter = (i) => {
  const { b } = i;
  const code = b.and(i.get32(0), b.i32(127));
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff80)), b.i64(0)), PGM.specification);
  const address = i.wrap(i.get64(1));
  const query = b.eqz(code);
  b.if(query, () => {
    i.store(address, 1, b.big(1n << 63n), 8);
    i.store(i.wrap(b.add(address, b.i64(8))), 1, b.i64(0), 8);
  });
  i.setCcValue(b.select(query, b.i32(0), b.i32(3)));
};

/** ECAG: nothing is told of caches: all ones says that the attribute is not provided. */
const extractCpuAttribute: Emitter = (i) => i.set64(i.f.r1, i.b.i64x(-1, -1));

export function machineSemantics(config: CpuConfig, helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    servc: serviceCall(helpers),
    diag: diagnose(helpers),
    stsi: storeSystemInformation(helpers),
    ssch: reading(helpers, MACHINE.startSubchannel, 32),
    msch: reading(helpers, MACHINE.modifySubchannel, 52),
    tsch: writing(helpers, MACHINE.testSubchannel, 64),
    stsch: writing(helpers, MACHINE.storeSubchannel, 52),
    csch: onSubchannel(helpers, MACHINE.clearSubchannel),
    hsch: onSubchannel(helpers, MACHINE.haltSubchannel),
    rsch: onSubchannel(helpers, MACHINE.resumeSubchannel),
    xsch: onSubchannel(helpers, MACHINE.cancelSubchannel),
    rchp: onSubchannel(helpers, MACHINE.resetChannelPath),
    sal: onSubchannel(helpers, MACHINE.setAddressLimit),
    schm: (i) => {
      i.supervisor();
      perform(i, helpers, MACHINE.setChannelMonitor, i.get64(1), i.get64(2));
      i.exit();
    },
    stcrw: storeReportWord(helpers),
    stcps: writing(helpers, MACHINE.storeChannelPathStatus, 32),
    chsc: channelSubsystemCall(helpers),
    tpi: testPending(helpers),
    stck: storeClock(helpers),
    stckf: storeClock(helpers),
    stcke: storeClockExtended(helpers),
    sck: setClock(helpers),
    sckc: setComparator(helpers),
    stckc: storeComparator,
    spt: setCpuTimer(helpers),
    stpt: storeCpuTimer(helpers),
    ectg: extractCpuTime(helpers),
    sckpf: setClockProgrammable,
    ptff: timingFacility,
    sigp: signalProcessor(helpers),
    stap: storeCpuAddress(),
    stidp: storeCpuId(helpers),
    stfl: storeFacilities(config),
    stfle: storeFacilitiesExtended(config),
    ecag: extractCpuAttribute,
  };
}
