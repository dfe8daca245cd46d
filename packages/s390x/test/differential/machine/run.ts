/** Runs a guest on the whole machine, QEMU's and ours. */
import {
  Device,
  type DeviceOptions,
  Machine,
  plugDevice,
  TypeRegistry,
  typeOfClass,
  unplugDevice,
} from '@boardwalk/core';
import { architecture, s390CcwVirtio } from '../../../src/index.ts';
import { RAM_SIZE } from '../layout.ts';
import { type AttendedMachine, executable, runReference } from '../reference.ts';
import { type Guest, type Log, readLog, USER } from './guest.ts';

const CPUS = 2;
const TIMEOUT_MS = 60_000;

/** A device, as the user says it. */
export type DeviceText = string;

function parseDevice(text: DeviceText): DeviceOptions {
  const [driver = '', ...pairs] = text.split(',');
  const { id, ...properties } = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
  return { driver, ...(id !== undefined && { id }), properties };
}

/** What the user does when the guest asks for it. */
export type UserStep = { readonly plug: DeviceText } | { readonly unplug: string };

/** What a run has besides its guest. */
export interface Surroundings {
  readonly devices: readonly DeviceText[];
  /** The first one is number 1. */
  readonly steps?: readonly UserStep[];
}

const POLL_MS = 2;

/** Does what the guest asks for, step by step, until the machine ends. */
async function attend(
  { peek, poke, ...machine }: Pick<AttendedMachine, 'peek' | 'poke'> & { readonly ended: () => boolean },
  steps: readonly UserStep[],
  perform: (step: UserStep) => void | Promise<void>,
): Promise<void> {
  for (const [n, step] of steps.entries()) {
    while (peek(USER.asked) <= n && !machine.ended()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (machine.ended()) return;
    await perform(step);
    poke(USER.done, BigInt(n + 1));
  }
}

/** What QEMU logged. */
export async function logOfReference(guest: Guest, { devices, steps = [] }: Surroundings): Promise<Log> {
  const user = (machine: AttendedMachine): Promise<void> =>
    attend({ ...machine, ended: () => machine.ended }, steps, (step) => {
      if ('unplug' in step) return machine.execute('device_del', { id: step.unplug });
      const { driver, id, properties } = parseDevice(step.plug);
      return machine.execute('device_add', { driver, id, ...properties });
    });
  return readLog(guest, await runReference(guest.bytes, { cpus: CPUS, devices, ...(steps.length > 0 && { user }) }));
}

/** What our machine logged. @throws Error when it does not end by itself */
export async function logOfSubject(
  guest: Guest,
  { devices, steps = [] }: Surroundings,
  tier: 'tier0' | 'tier1',
): Promise<Log> {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  architecture.registerTypes?.(types);
  const machine = await Machine.create(s390CcwVirtio, {
    ramSize: RAM_SIZE,
    cpu: 'max',
    smp: { cpus: CPUS },
    types,
    devices: devices.map(parseDevice),
    kernel: executable(guest.bytes),
    tier1: tier === 'tier0' ? 'off' : { threshold: 1 },
  });
  try {
    const host = machine.addressSpace.hostOffset(0, RAM_SIZE, true);
    const bytes = (): DataView => machine.space.view;
    let ended = false;
    machine.start();
    const timer = setTimeout(() => machine.shutdown('host', 1), TIMEOUT_MS);
    const attended = attend(
      {
        ended: () => ended,
        peek: (address) => bytes().getBigUint64(host + address),
        poke: (address, value) => bytes().setBigUint64(host + address, value),
      },
      steps,
      (step) => {
        if ('unplug' in step) unplugDevice(machine, step.unplug);
        else plugDevice(machine, parseDevice(step.plug));
      },
    );
    const { cause } = await machine.run();
    ended = true;
    await attended;
    clearTimeout(timer);
    const log = readLog(guest, machine.space.u8.slice(host, host + RAM_SIZE));
    if (cause !== 'guest') throw new Error(`${tier}: the guest does not end:\n${JSON.stringify(log, undefined, 1)}`);
    return log;
  } finally {
    await machine.dispose();
  }
}
