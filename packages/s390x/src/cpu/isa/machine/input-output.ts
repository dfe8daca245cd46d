/** Semantics of the instructions of the channel subsystem. Principles of Operation, SA22-7832, chapter "I/O Instructions". */
import type { Value } from '@boardwalk/translator';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { MACHINE, type PortHelpers } from '../port.ts';
import { absolutePage, finish, perform, readBlock, storeLow, writeBlock } from './perform.ts';

const subsystemId = (i: Insn): Value => i.get64(1);

/** An instruction on a subchannel without an operand in storage. */
const onSubchannel =
  (helpers: PortHelpers, kind: number): Emitter =>
  (i) => {
    i.supervisor();
    finish(i, perform(i, helpers, kind, subsystemId(i)));
  };

/** An instruction that reads a block: ORB, SCHIB. */
const reading =
  (helpers: PortHelpers, kind: number, bytes: number): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.alignedAddress2(4);
    readBlock(i, address, bytes);
    finish(i, perform(i, helpers, kind, subsystemId(i)));
  };

/** An instruction that writes a block, unless the condition code is 3. */
const writing =
  (helpers: PortHelpers, kind: number, bytes: number): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(4);
    i.probe(address, i.f.b2, b.i32(bytes), true);
    const outcome = perform(i, helpers, kind, subsystemId(i));
    b.if(b.ne(outcome, b.i32(3)), () => writeBlock(i, address, bytes));
    finish(i, outcome);
  };

const channelSubsystemCall =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.wrap(i.get64(i.f.r1));
    i.aligned(address, 4096);
    const host = i.call(absolutePage, address, i.space(i.f.r1));
    finish(i, perform(i, helpers, MACHINE.channelSubsystemCall, host));
  };

/** TPI: at the operand, or without one in the prefix area. */
const testPending =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const address = i.alignedAddress2(4);
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
    const address = i.alignedAddress2(4);
    i.probe(address, i.f.b2, b.i32(4), true);
    const outcome = perform(i, helpers, MACHINE.storeChannelReportWord);
    i.store(address, i.f.b2, b.shr(b.get(slotOf(block, 0)), b.i64(32)), 4);
    finish(i, outcome);
  };

export function inputOutputSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
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
  };
}
