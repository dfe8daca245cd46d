/** Semantics of the PCI instructions. Operands and registers after Linux, arch/s390/pci/pci_insn.c. */
import type { Value } from '@boardwalk/translator';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { MACHINE, type PortHelpers } from '../port.ts';
import { absolutePage, finish, perform, readBlock, writeBlock } from './perform.ts';

const FIB_BYTES = 80;
/** The doubleword that begins with the function controls, whose first bit is that it is enabled. */
const FIB_CONTROLS = 1;
const STORE_BLOCK_BYTES = 128;
/** Where an instruction puts a status into the register of its request: bits 32 to 39. */
const STATUS_SHIFT = 24;

/** Performs an instruction whose request is in register `request`, and ends it: condition code, and what belongs to it. */
function request(
  i: Insn,
  helpers: PortHelpers,
  kind: number,
  register: number,
  operands: readonly Value[],
  onSuccess: () => void = () => {},
): void {
  const { b } = i;
  const outcome = b.local('i32', perform(i, helpers, kind, i.get64(register), ...operands));
  const code = b.local('i32', b.and(b.getLocal(outcome), b.i32(3)));
  b.if(b.eq(b.getLocal(code), b.i32(0)), onSuccess);
  b.if(b.eq(b.getLocal(code), b.i32(1)), () => {
    const status = b.extend32U(b.shr(b.getLocal(outcome), b.i32(8)));
    i.set64(register, b.deposit(i.get64(register), STATUS_SHIFT, 8, status));
  });
  finish(i, b.getLocal(code));
}

const load =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { r1, r2 } = i.f;
    i.evenOdd(r2);
    request(i, helpers, MACHINE.pciLoad, r2, [i.get64(r2 + 1)], () => i.set64(r1, i.b.get(slotOf(block, 0))));
  };

const store =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { r1, r2 } = i.f;
    i.evenOdd(r2);
    request(i, helpers, MACHINE.pciStore, r2, [i.get64(r2 + 1), i.get64(r1)]);
  };

/** The length is in the request: that many bytes are read, and no more than there can be. */
const storeBlock =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { b } = i;
    const { r1, r3, b2 } = i.f;
    const address = i.alignedAddress2(8);
    const length = b.local('i64', b.zext(i.get64(r1), 8));
    for (let at = 0; at < STORE_BLOCK_BYTES; at += 8) {
      b.if(b.gtU(b.getLocal(length), b.i64(at)), () => {
        b.set(slotOf(block, at / 8), i.load(i.wrap(b.add(address, b.i64(at))), b2, 8));
      });
    }
    request(i, helpers, MACHINE.pciStoreBlock, r1, [i.get64(r3)]);
  };

const modifyControls =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    readBlock(i, i.alignedAddress2(8), FIB_BYTES);
    request(i, helpers, MACHINE.modifyPciControls, i.f.r1, []);
  };

const storeControls =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.alignedAddress2(8);
    i.probe(address, i.f.b2, i.b.i32(FIB_BYTES), true);
    const { r1 } = i.f;
    request(i, helpers, MACHINE.storePciControls, r1, [], () => {
      writeBlock(i, address, FIB_BYTES);
      // That the function is enabled is told in its handle, too.
      const enabled = i.b.and(i.b.get(slotOf(block, FIB_CONTROLS)), i.b.big(1n << 63n));
      i.set64(r1, i.b.or(i.get64(r1), enabled));
    });
  };

const refresh =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const { r1, r2 } = i.f;
    i.evenOdd(r2);
    request(i, helpers, MACHINE.refreshPciTranslations, r1, [i.get64(r2), i.get64(r2 + 1)]);
  };

/** Request and response are one block, at a multiple of its length. */
const callLogicalProcessor =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    const address = i.wrap(i.get64(i.f.r2));
    i.aligned(address, 4096);
    const host = i.call(absolutePage, address, i.space(i.f.r2));
    finish(i, perform(i, helpers, MACHINE.callLogicalProcessor, host));
  };

const setInterruptionControls =
  (helpers: PortHelpers): Emitter =>
  (i) => {
    i.supervisor();
    perform(i, helpers, MACHINE.setInterruptionControls, i.get64(i.f.r1), i.get64(i.f.r3));
    i.b.requestExit();
    i.exit();
  };

export function pciSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    clp: callLogicalProcessor(helpers),
    pcilg: load(helpers),
    pcistg: store(helpers),
    pcistb: storeBlock(helpers),
    mpcifc: modifyControls(helpers),
    stpcifc: storeControls(helpers),
    rpcit: refresh(helpers),
    sic: setInterruptionControls(helpers),
  };
}
