/** Runs a guest on the whole machine, QEMU's and ours. */
import { Device, type DeviceOptions, Machine, TypeRegistry, typeOfClass } from '@boardwalk/core';
import { architecture, s390CcwVirtio } from '../../../src/index.ts';
import { RAM_SIZE } from '../layout.ts';
import { executable, runReference } from '../reference.ts';
import { type Guest, type Log, readLog } from './guest.ts';

const CPUS = 2;
const TIMEOUT_MS = 60_000;

/** A device, as the user says it. */
export type DeviceText = string;

function parseDevice(text: DeviceText): DeviceOptions {
  const [driver = '', ...pairs] = text.split(',');
  const { id, ...properties } = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
  return { driver, ...(id !== undefined && { id }), properties };
}

/** What QEMU logged. */
export async function logOfReference(guest: Guest, devices: readonly DeviceText[]): Promise<Log> {
  return readLog(guest, await runReference(guest.bytes, { cpus: CPUS, devices }));
}

/** What our machine logged. @throws Error when it does not end by itself */
export async function logOfSubject(
  guest: Guest,
  devices: readonly DeviceText[],
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
    machine.start();
    const timer = setTimeout(() => machine.shutdown('host', 1), TIMEOUT_MS);
    const { cause } = await machine.run();
    clearTimeout(timer);
    const log = readLog(guest, machine.space.u8.slice(host, host + RAM_SIZE));
    if (cause !== 'guest') throw new Error(`${tier}: the guest does not end:\n${JSON.stringify(log, undefined, 1)}`);
    return log;
  } finally {
    await machine.dispose();
  }
}
