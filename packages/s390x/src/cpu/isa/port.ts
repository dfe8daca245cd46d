/** What instructions ask of the CPU as a device, and through it of the machine: the TypeScript helpers of the frontend. */
import { defineTsHelper, type TsHelper } from '@boardwalk/translator';
import type { InterruptPort } from '../interruptions.ts';

/** The device behind a CPU's instructions. Arguments are in `common.args`, the result goes to `common.ret`, blocks to `block`. */
export interface InstructionPort extends InterruptPort {
  /** Every other CPU of the machine forgets its translations. */
  flushOthers(cpuBase: number): void;
  /** () -> the TOD clock. */
  readTod(cpuBase: number): void;
  /** (value): the TOD clock is set. */
  setTod(cpuBase: number): void;
  /** () -> the CPU timer. */
  readTimer(cpuBase: number): void;
  /** (value): the CPU timer is set. */
  setTimer(cpuBase: number): void;
  /** The clock comparator has been set. */
  comparatorChanged(cpuBase: number): void;
  /** (order, CPU address, parameter, register for the status) -> condition code. */
  signal(cpuBase: number): void;
  /** (kind: a number of {@link MACHINE}, first, second, third) -> an `Outcome` of services.ts. */
  performMachine(cpuBase: number): void;
  /** () -> stores into the range of control registers 10 and 11 are to be found. */
  watchRange(cpuBase: number): void;
  /** () -> the CPU's identification, as STIDP stores it. */
  identify(cpuBase: number): void;
}

/** Instructions that the machine performs, as `InstructionPort.performMachine` numbers them. */
export const MACHINE = {
  serviceCall: 0,
  diagnose: 1,
  systemInformation: 2,
  startSubchannel: 3,
  testSubchannel: 4,
  modifySubchannel: 5,
  storeSubchannel: 6,
  clearSubchannel: 7,
  haltSubchannel: 8,
  resumeSubchannel: 9,
  cancelSubchannel: 10,
  resetChannelPath: 11,
  setAddressLimit: 12,
  setChannelMonitor: 13,
  storeChannelReportWord: 14,
  storeChannelPathStatus: 15,
  channelSubsystemCall: 16,
  testPendingInterruption: 17,
  callLogicalProcessor: 18,
  pciLoad: 19,
  pciStore: 20,
  pciStoreBlock: 21,
  modifyPciControls: 22,
  storePciControls: 23,
  refreshPciTranslations: 24,
  setInterruptionControls: 25,
} as const;

/** The helpers by which blocks reach a port. */
export interface PortHelpers {
  readonly flushOthers: TsHelper;
  readonly readTod: TsHelper;
  readonly setTod: TsHelper;
  readonly readTimer: TsHelper;
  readonly setTimer: TsHelper;
  readonly comparatorChanged: TsHelper;
  readonly signal: TsHelper;
  readonly machine: TsHelper;
  readonly watchStores: TsHelper;
  readonly identify: TsHelper;
}

export function portHelpers(port: InstructionPort): PortHelpers {
  return {
    flushOthers: defineTsHelper('s390_flush_others', [], undefined, (base) => port.flushOthers(base)),
    readTod: defineTsHelper('s390_read_tod', [], 'i64', (base) => port.readTod(base)),
    setTod: defineTsHelper('s390_set_tod', ['i64'], undefined, (base) => port.setTod(base)),
    readTimer: defineTsHelper('s390_read_timer', [], 'i64', (base) => port.readTimer(base)),
    setTimer: defineTsHelper('s390_set_timer', ['i64'], undefined, (base) => port.setTimer(base)),
    comparatorChanged: defineTsHelper('s390_comparator', [], undefined, (base) => port.comparatorChanged(base)),
    signal: defineTsHelper('s390_sigp', ['i32', 'i32', 'i64', 'i32'], 'i32', (base) => port.signal(base)),
    machine: defineTsHelper('s390_machine', ['i32', 'i64', 'i64', 'i64'], 'i32', (base) => port.performMachine(base)),
    watchStores: defineTsHelper('s390_watch_stores', [], undefined, (base) => port.watchRange(base)),
    identify: defineTsHelper('s390_identify', [], 'i64', (base) => port.identify(base)),
  };
}
