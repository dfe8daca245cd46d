/** SIGNAL PROCESSOR among the CPUs of a machine. Principles of Operation, SA22-7832, chapter "Control", "CPU Signaling and Response". */
import type { CpuComplex } from './complex.ts';
import type { S390Cpu } from './s390-cpu.ts';
import type { CpuResetKind } from './services.ts';

const ORDER = {
  sense: 0x01,
  externalCall: 0x02,
  emergencySignal: 0x03,
  start: 0x04,
  stop: 0x05,
  restart: 0x06,
  stopAndStoreStatus: 0x09,
  initialCpuReset: 0x0b,
  cpuReset: 0x0c,
  setPrefix: 0x0d,
  storeStatusAtAddress: 0x0e,
  setArchitecture: 0x12,
  conditionalEmergencySignal: 0x13,
  senseRunningStatus: 0x15,
  storeAdditionalStatusAtAddress: 0x17,
} as const;

const STATUS = {
  invalidOrder: 0x02,
  stopped: 0x40,
  externalCallPending: 0x80,
  invalidParameter: 0x100,
  incorrectState: 0x200,
  notRunning: 0x400,
  checkStop: 0x10,
} as const;

const ACCEPTED = 0;
const STORED = 1;
const BUSY = 2;
const NOT_OPERATIONAL = 3;

/** What an order came to: the condition code, and with 1 the status. */
export interface SigpResult {
  readonly cc: number;
  readonly status?: number;
}

const busy: SigpResult = { cc: BUSY };
const accepted: SigpResult = { cc: ACCEPTED };
const status = (bits: number): SigpResult => ({ cc: STORED, status: bits });

/** Performs an order that `from` gives to the CPU at an address. */
export function signalProcessor(
  complex: CpuComplex,
  from: S390Cpu,
  order: number,
  address: number,
  parameter: bigint,
): SigpResult {
  if (order === ORDER.setArchitecture) return setArchitecture(complex, from, Number(parameter & 0xffn));
  const target = complex.cpuAt(address);
  if (target === undefined) return { cc: NOT_OPERATIONAL };
  // Nothing but a reset comes before an order to stop.
  if (target.isStopping && order !== ORDER.cpuReset && order !== ORDER.initialCpuReset) return busy;
  /** Does what changes registers of the target, where it is stopped. A CPU that signals itself is between nothing that it would notice. */
  const change = (how: () => void): SigpResult => {
    if (target === from) how();
    else if (!target.changeState(how)) return busy;
    return accepted;
  };
  /** A CPU that is in the middle of an instruction ends it first. */
  const reset = (kind: CpuResetKind): SigpResult => {
    if (change(() => target.resetCpu(kind)) === busy) target.resetWhenStopped(kind);
    return accepted;
  };
  const isStopped = target.cpuState !== 'operating' && target.cpuState !== 'load';
  switch (order) {
    case ORDER.sense: {
      const bits = (isStopped ? STATUS.stopped : 0) | (target.hasExternalCall ? STATUS.externalCallPending : 0);
      return bits === 0 ? accepted : status(bits);
    }
    case ORDER.externalCall:
      return target.externalCall(from.index) ? accepted : status(STATUS.externalCallPending);
    case ORDER.emergencySignal:
      target.emergencySignal(from.index);
      return accepted;
    case ORDER.conditionalEmergencySignal: {
      // Sent where the other could take it: it is a hint whether it waits, and has nothing to do with this address space.
      target.emergencySignal(from.index);
      return accepted;
    }
    case ORDER.start:
      return isStopped ? change(() => target.startCpu()) : accepted;
    case ORDER.stop:
      target.stopCpu();
      return accepted;
    case ORDER.restart:
      if (isStopped) return change(() => target.restartCpu());
      // It takes the interruption by itself.
      target.restartCpu();
      return accepted;
    case ORDER.stopAndStoreStatus:
      target.stopCpu();
      if (isStopped || target === from) target.storeStatusInPrefixArea();
      else target.storeStatusWhenStopped();
      return accepted;
    case ORDER.initialCpuReset:
      return reset('initial');
    case ORDER.cpuReset:
      return reset('cpu');
    case ORDER.setPrefix: {
      const to = Number(parameter & 0x7fff_e000n);
      if (!target.isStorage(to, 8192)) return status(STATUS.invalidParameter);
      if (!isStopped) return status(STATUS.incorrectState);
      return change(() => target.setPrefix(to));
    }
    case ORDER.storeStatusAtAddress: {
      const to = Number(parameter & 0x7fff_fe00n);
      if (!target.isStorage(to, 512)) return status(STATUS.invalidParameter);
      if (!isStopped) return status(STATUS.incorrectState);
      target.storeStatus(to);
      return accepted;
    }
    case ORDER.storeAdditionalStatusAtAddress: {
      if (!target.hasVectors) return status(STATUS.invalidOrder);
      const to = Number(BigInt.asUintN(52, parameter & ~0x3ffn));
      if (!target.isStorage(to, 1024)) return status(STATUS.invalidParameter);
      if (!isStopped) return status(STATUS.incorrectState);
      target.storeVectors(to);
      return accepted;
    }
    case ORDER.senseRunningStatus:
      return isStopped ? status(STATUS.notRunning) : accepted;
    default:
      return status(STATUS.invalidOrder);
  }
}

/** z/Architecture is what there is: it is set already, and ESA/390 cannot be. */
function setArchitecture(complex: CpuComplex, from: S390Cpu, code: number): SigpResult {
  const othersRun = complex.cpus.some((cpu) => cpu !== from && cpu.cpuState !== 'stopped');
  if (code > 2 || code === 0) return status(STATUS.invalidParameter);
  return status(othersRun ? STATUS.incorrectState : STATUS.invalidParameter);
}
