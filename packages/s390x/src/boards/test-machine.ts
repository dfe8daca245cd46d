// For tests: the mainframe's parts with CPUs that execute nothing. What a test does stands for their instructions.
import {
  Cpu,
  defineBoard,
  Machine,
  type MachineOptions,
  ManualClock,
  MiB,
  RamSpace,
  TypeRegistry,
} from '@boardwalk/core';
import { registerDeviceTypes, registerPciDevices } from '@boardwalk/devices';
import type { CpuPort, CpuResetKind, CpuState, FloatingInterruptions, IoInterruption } from '../cpu/services.ts';
import { registerCcwDevices } from '../css/ccw-devices.ts';
import type { IplSources } from '../ipl/ipl.ts';
import { registerZpci } from '../pci/zpci-function.ts';
import { registerEventDevices } from '../sclp/event-devices.ts';
import { Mainframe } from './mainframe.ts';

/** Registers that a test sets, and a note of what was done to the CPU. */
export class IdleCpu extends Cpu implements CpuPort {
  static override readonly typeName: string = 'idle-cpu';
  halted = true;
  cpuState: CpuState = 'stopped';
  prefix = 0;
  pswMask = 0n;
  pswAddress = 0n;
  readonly done: string[] = [];
  readonly #gprs = new BigUint64Array(16);

  execute(): number {
    return 0;
  }
  requestExit(): void {
    this.done.push('exit');
  }
  describe(): string {
    return `psw=${this.pswMask}:${this.pswAddress}`;
  }
  gpr(number: number): bigint {
    return this.#gprs[number] ?? 0n;
  }
  setGpr(number: number, value: bigint): void {
    this.#gprs[number] = value;
  }
  controlRegister(): bigint {
    return 0n;
  }
  setPsw(mask: bigint, address: bigint): void {
    this.pswMask = mask;
    this.pswAddress = address;
  }
  setShortPsw(word: bigint): void {
    this.done.push(`short psw ${word.toString(16)}`);
  }
  startCpu(): void {
    this.cpuState = 'operating';
  }
  stopCpu(): void {
    this.cpuState = 'stopped';
  }
  restartCpu(): void {
    this.done.push('restart');
  }
  storeStatus(address: number): void {
    this.done.push(`status ${address}`);
  }
  resetCpu(kind: CpuResetKind): void {
    this.done.push(`reset ${kind}`);
    this.cpuState = 'stopped';
  }
  queueMachineCheck(code: bigint): void {
    this.done.push(`machine check ${code}`);
  }
}

/** What is pending. */
export class PendingInterruptions implements FloatingInterruptions {
  io: IoInterruption[] = [];
  service: number[] = [];
  reports = 0;

  serviceSignal(parameter: number): void {
    this.service.push(parameter);
  }
  queueIo(interruption: IoInterruption): void {
    this.io.push(interruption);
  }
  cancelIo(subsystemId: number): boolean {
    const left = this.io.filter((interruption) => interruption.subsystemId !== subsystemId);
    const found = left.length < this.io.length;
    this.io = left;
    return found;
  }
  channelReportPending(): void {
    this.reports++;
  }
  queueExternal(): void {}
  reset(): void {
    this.io = [];
    this.service = [];
    this.reports = 0;
  }
}

/** A machine for a test, with what the test looks at. */
export interface TestMainframe {
  readonly machine: Machine;
  readonly mainframe: Mainframe;
  readonly cpu: IdleCpu;
  readonly pending: PendingInterruptions;
  readonly clock: ManualClock;
}

/** Makes one of 16 MiB, with the user's devices. The caller disposes it. */
export async function testMainframe(
  options: MachineOptions = {},
  ipl: Partial<IplSources> = {},
  cpus = 1,
): Promise<TestMainframe> {
  const pending = new PendingInterruptions();
  const clock = new ManualClock();
  let mainframe: Mainframe | undefined;
  const board = defineBoard({
    name: 'test-mainframe',
    description: 'mainframe without instructions',
    arch: 's390x',
    defaultCpu: 'idle',
    maxCpus: 4,
    defaultRamSize: MiB(16),
    defaultRamId: 'test.ram',
    build(machine) {
      machine.map(0, machine.ram);
      mainframe = new Mainframe(machine, {
        interruptions: () => pending,
        model: { machineType: 0x8561, addressBits: 47, enhancedSuppression: true },
        ipl: { kernel: undefined, firmware: undefined, device: () => undefined, ...ipl },
        loadParameter: '',
        pci: { suppression: true, tod: () => 0n },
      });
      for (let index = 0; index < cpus; index++) mainframe.cpuJoined(machine.add(new IdleCpu(index), `cpu[${index}]`));
      machine.onReset(() => mainframe?.ipl.load());
    },
  });
  const types = new TypeRegistry();
  types.register({ name: 'device', abstract: true });
  registerDeviceTypes(types);
  registerCcwDevices(types);
  registerPciDevices(types);
  registerZpci(types);
  registerEventDevices(types);
  const space = RamSpace.create({ bytes: MiB(32) });
  const machine = await Machine.create(board, { accel: 'qtest', types, clock, space, smp: { cpus }, ...options });
  const [cpu] = machine.cpus;
  if (mainframe === undefined || !(cpu instanceof IdleCpu)) throw new Error('the board was not built');
  return { machine, mainframe, cpu, pending, clock };
}
