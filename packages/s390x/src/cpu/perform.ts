/** Hands the instructions that the machine performs to its services, with their operand blocks. */
import { MACHINE } from './isa/port.ts';
import type { S390Cpu } from './s390-cpu.ts';
import { type Outcome, PGM_OPERATION, programInterruption } from './services.ts';
import { block, common } from './state.ts';

const PAGE = 4096;

/** Bytes of the operand blocks. */
const BYTES = { orb: 32, irb: 64, schib: 52, crw: 4, pathStatus: 32, fib: 80, storeBlock: 128 } as const;

/** Performs the instruction that `common.args` describe: an `Outcome`. */
export function performMachine(cpu: S390Cpu): Outcome {
  const { services } = cpu.complex;
  const [kind, first, second, third] = common.args.map((slot) => cpu.register(slot));
  const id = Number((first ?? 0n) & 0xffff_ffffn);
  switch (Number(kind ?? 0n)) {
    case MACHINE.serviceCall:
      return services.serviceCall(cpu, id, Number(second ?? 0n));
    case MACHINE.diagnose:
      return services.diagnose(cpu, id, Number(second ?? 0n), Number(third ?? 0n));
    case MACHINE.systemInformation:
      return systemInformation(cpu, first ?? 0n, Number(second ?? 0n));
    case MACHINE.startSubchannel:
      return services.startSubchannel(cpu, id, takeBlock(cpu, BYTES.orb));
    case MACHINE.modifySubchannel:
      return services.modifySubchannel(cpu, id, takeBlock(cpu, BYTES.schib));
    case MACHINE.testSubchannel:
      return withBlock(cpu, BYTES.irb, (irb) => services.testSubchannel(cpu, id, irb));
    case MACHINE.storeSubchannel:
      return withBlock(cpu, BYTES.schib, (schib) => services.storeSubchannel(cpu, id, schib));
    case MACHINE.storeChannelReportWord:
      return withBlock(cpu, BYTES.crw, (crw) => services.storeChannelReportWord(cpu, crw));
    case MACHINE.storeChannelPathStatus:
      return withBlock(cpu, BYTES.pathStatus, (status) => services.storeChannelPathStatus(cpu, status));
    case MACHINE.clearSubchannel:
      return services.clearSubchannel(cpu, id);
    case MACHINE.haltSubchannel:
      return services.haltSubchannel(cpu, id);
    case MACHINE.resumeSubchannel:
      return services.resumeSubchannel(cpu, id);
    case MACHINE.cancelSubchannel:
      return services.cancelSubchannel(cpu, id);
    case MACHINE.resetChannelPath:
      return services.resetChannelPath(cpu, id);
    case MACHINE.setAddressLimit:
      return services.setAddressLimit(cpu, id);
    case MACHINE.setChannelMonitor:
      return services.setChannelMonitor(cpu, id, second ?? 0n);
    case MACHINE.channelSubsystemCall:
      return pageCall(cpu, Number(first ?? 0n), (page) => services.channelSubsystemCall(cpu, page));
    case MACHINE.testPendingInterruption:
      return testPendingInterruption(cpu);
    default:
      return performPci(cpu, Number(kind ?? 0n), [first ?? 0n, second ?? 0n, third ?? 0n]);
  }
}

/** The instructions of PCI: a request, and two operands more. */
function performPci(cpu: S390Cpu, kind: number, [request, second, third]: readonly [bigint, bigint, bigint]): Outcome {
  const { pci } = cpu.complex.services;
  if (pci === undefined) return programInterruption(PGM_OPERATION);
  switch (kind) {
    case MACHINE.callLogicalProcessor:
      return pageCall(cpu, Number(request), (page) => pci.callLogicalProcessor(cpu, page));
    case MACHINE.pciLoad:
      return withBlock(cpu, 8, (value) => pci.pciLoad(cpu, request, second, value));
    case MACHINE.pciStore:
      return pci.pciStore(cpu, request, second, third);
    case MACHINE.pciStoreBlock:
      return pci.pciStoreBlock(cpu, request, second, takeBlock(cpu, BYTES.storeBlock));
    case MACHINE.modifyPciControls:
      return pci.modifyPciControls(cpu, request, takeBlock(cpu, BYTES.fib));
    case MACHINE.storePciControls:
      return withBlock(cpu, BYTES.fib, (fib) => pci.storePciControls(cpu, request, fib));
    case MACHINE.refreshPciTranslations:
      return pci.refreshPciTranslations(cpu, request, second, third);
    case MACHINE.setInterruptionControls:
      return pci.setInterruptionControls(cpu, Number(request & 0xffffn), Number(second >> 27n) & 7);
    default:
      throw new Error(`no operation ${kind}`);
  }
}

/** The operand block, as the instruction read it. */
function takeBlock(cpu: S390Cpu, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(Math.ceil(bytes / 8) * 8));
  for (const [n, slot] of block.entries()) {
    if (n * 8 < bytes) view.setBigUint64(n * 8, cpu.register(slot));
  }
  return new DataView(view.buffer, 0, bytes);
}

/** Lets a service fill a block, for the instruction to store. */
function withBlock(cpu: S390Cpu, bytes: number, fill: (view: DataView) => Outcome): Outcome {
  const view = new DataView(new ArrayBuffer(Math.ceil(bytes / 8) * 8));
  const outcome = fill(new DataView(view.buffer, 0, bytes));
  for (const [n, slot] of block.entries()) {
    if (n * 8 < bytes) cpu.setRegister(slot, view.getBigUint64(n * 8));
  }
  return outcome;
}

/** Lets a service work on a page of storage at a host offset, which has been found writable. */
function pageCall(cpu: S390Cpu, host: number, work: (page: DataView) => Outcome): Outcome {
  const { space } = cpu.machine;
  const page = space.u8.slice(host, host + PAGE);
  const outcome = work(new DataView(page.buffer, 0, PAGE));
  space.u8.set(page, host);
  space.noteWrite(host, PAGE);
  return outcome;
}

/** STSI: `selectors` holds general registers 0 and 1, the latter in the left half. */
function systemInformation(cpu: S390Cpu, selectors: bigint, host: number): Outcome {
  const r0 = Number(selectors & 0xffff_ffffn);
  const r1 = Number((selectors >> 32n) & 0xffffn);
  const level = r0 >>> 28;
  if (level === 0) return 0;
  const block4k = new DataView(new ArrayBuffer(PAGE));
  const outcome = cpu.complex.services.systemInformation(cpu, level, r0 & 0xff, r1, block4k);
  if (outcome !== 0) return outcome;
  const { space } = cpu.machine;
  space.u8.set(new Uint8Array(block4k.buffer), host);
  space.noteWrite(host, PAGE);
  return outcome;
}

/** TPI: takes a pending I/O interruption of the classes that control register 6 enables. */
function testPendingInterruption(cpu: S390Cpu): Outcome {
  const classes = Number((cpu.controlRegister(6) >> 24n) & 0xffn);
  const taken = cpu.complex.takeIo(classes);
  if (taken === undefined) return 0;
  const [first, second] = block;
  if (first === undefined || second === undefined) throw new Error('no operand block');
  cpu.setRegister(first, (BigInt(taken.subsystemId) << 32n) | BigInt(taken.parameter >>> 0));
  cpu.setRegister(second, BigInt(taken.word >>> 0) << 32n);
  return 1;
}
