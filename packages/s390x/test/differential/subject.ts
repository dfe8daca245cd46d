/** Runs an image on a machine of ours that has a CPU and storage, and nothing else. */
import { type BoardDefinition, defineBoard, Machine } from '@boardwalk/core';
import { CpuComplex } from '../../src/cpu/complex.ts';
import { parseCpu } from '../../src/cpu/models.ts';
import { S390Cpu } from '../../src/cpu/s390-cpu.ts';
import type { MachineServices } from '../../src/cpu/services.ts';
import { EXECUTOR, RAM_SIZE } from './layout.ts';
import { StoppedError } from './reference.ts';

const TIMEOUT_MS = 60_000;
const NOT_OPERATIONAL = 3;

/** A machine without a channel subsystem or a service processor: it ends when its CPU stops. */
function services(machine: Machine): MachineServices {
  const none = (): number => NOT_OPERATIONAL;
  return {
    pci: undefined,
    serviceCall: none,
    diagnose: none,
    systemInformation: none,
    cpuJoined: () => {},
    cpuStopped: (_, reason) => machine.shutdown(reason === 'stopped' ? 'guest' : 'host', 0),
    startSubchannel: none,
    testSubchannel: none,
    modifySubchannel: none,
    storeSubchannel: none,
    clearSubchannel: none,
    haltSubchannel: none,
    resumeSubchannel: none,
    cancelSubchannel: none,
    resetChannelPath: none,
    setAddressLimit: none,
    setChannelMonitor: none,
    storeChannelReportWord: none,
    storeChannelPathStatus: none,
    channelSubsystemCall: none,
  };
}

/** A board with a CPU and storage; `started` is told the CPU when the machine has been reset. */
export function bareBoard(started: (cpu: S390Cpu) => void): BoardDefinition {
  return defineBoard({
    name: 'bare',
    arch: 's390x',
    description: 'CPU and storage',
    defaultCpu: 'max',
    maxCpus: 1,
    defaultRamSize: RAM_SIZE,
    defaultRamId: 'ram',
    build(machine) {
      machine.map(0, machine.ram);
      const complex = machine.add(new CpuComplex(parseCpu('max'), services(machine)), 'complex');
      const cpu = machine.add(new S390Cpu(0, complex), 'cpu[0]');
      machine.onReset(() => started(cpu));
    },
  });
}

/** `sliding`: tier 1, of blocks that are for all addresses. */
export type Tier = 'tier0' | 'tier1' | 'sliding';

/** The RAM after the run. @throws StoppedError when it does not end by itself */
export async function runSubject(image: Uint8Array, tier: Tier): Promise<Uint8Array> {
  // What runs twice runs in a region.
  const tier1 = tier === 'tier0' ? 'off' : { threshold: 1 };
  const start = (cpu: S390Cpu): void => {
    cpu.engine.slidesAlways = tier === 'sliding';
    cpu.setPsw(0x1_8000_0000n, BigInt(EXECUTOR));
    cpu.startCpu();
  };
  const machine = await Machine.create(bareBoard(start), { ramSize: RAM_SIZE, tier1 });
  try {
    const host = machine.addressSpace.hostOffset(0, RAM_SIZE, true);
    const ram = machine.space.u8.subarray(host, host + RAM_SIZE);
    ram.set(image);
    machine.start();
    const timer = setTimeout(() => machine.shutdown('host', 1), TIMEOUT_MS);
    const { cause } = await machine.run();
    clearTimeout(timer);
    const result = ram.slice();
    if (cause !== 'guest') throw new StoppedError(result);
    return result;
  } finally {
    await machine.dispose();
  }
}
