/**
 * DIAGNOSE: requests to the machine that are no instructions of the architecture. Codes after Linux (arch/s390/include/asm/diag.h,
 * arch/s390/kvm of the KVM guest interface). A code that is not known is a specification exception.
 */
import { devicesOf, type Machine } from '@boardwalk/core';
import { CC_UNCHANGED, type CpuPort, type Outcome, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';
import type { ChannelSubsystem } from '../css/channel-subsystem.ts';
import { VirtioCcw } from '../css/virtio-ccw.ts';
import type { Ipl } from '../ipl/ipl.ts';
import { Diag288Watchdog } from './watchdog.ts';

const DIAGNOSE = {
  /** Another CPU may have this one's turn. */
  voluntaryTimeSliceEnd: 0x44,
  voluntaryTimeSliceEndDirected: 0x9c,
  watchdog: 0x288,
  ipl: 0x308,
  /** Calls of the hypervisor; the number is in general register 1. */
  hypercall: 0x500,
} as const;

const CALL_VIRTIO_CCW_NOTIFY = 3n;
/** `-EINVAL`. */
const INVALID = -22n;

/** Parts of the board that answer. */
export interface DiagnoseParts {
  readonly machine: Machine;
  readonly css: ChannelSubsystem;
  readonly ipl: Ipl;
}

/** Carries out DIAGNOSE. */
export function diagnose(
  { machine, css, ipl }: DiagnoseParts,
  cpu: CpuPort,
  code: number,
  r1: number,
  r3: number,
): Outcome {
  switch (code) {
    case DIAGNOSE.voluntaryTimeSliceEnd:
    case DIAGNOSE.voluntaryTimeSliceEndDirected:
      machine.cpus.find(({ index }) => index === cpu.index)?.requestExit();
      return CC_UNCHANGED;
    case DIAGNOSE.watchdog: {
      const watchdog = devicesOf(machine).find((device) => device instanceof Diag288Watchdog);
      return watchdog?.diagnose(cpu, r1, r3) ?? programInterruption(PGM_SPECIFICATION);
    }
    case DIAGNOSE.ipl:
      return ipl.diagnose(cpu, r1, r3);
    case DIAGNOSE.hypercall:
      if (cpu.gpr(1) !== CALL_VIRTIO_CCW_NOTIFY) return programInterruption(PGM_SPECIFICATION);
      cpu.setGpr(2, notify(css, Number(cpu.gpr(2) & 0xffff_ffffn), Number(cpu.gpr(3))));
      return CC_UNCHANGED;
    default:
      return programInterruption(PGM_SPECIFICATION);
  }
}

/** @returns 0, or a negative error number as 64 bits */
function notify(css: ChannelSubsystem, subsystemId: number, queue: number): bigint {
  const subchannel = css.find(subsystemId);
  if (subchannel === undefined || subchannel === 'invalid' || !subchannel.enabled) return BigInt.asUintN(64, INVALID);
  const { device } = subchannel;
  const done = device instanceof VirtioCcw && device.notify(queue);
  return done ? 0n : BigInt.asUintN(64, INVALID);
}
