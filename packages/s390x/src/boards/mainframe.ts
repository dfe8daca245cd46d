/** The machine as its CPUs' instructions reach it: each request goes to the part that answers it. */

import { type Cpu, type Device, devicesOf, isPluggable, type Machine, resetTree } from '@boardwalk/core';
import { PCI_BUS } from '@boardwalk/devices';
import type { CpuPort, FloatingInterruptions, MachineServices, Outcome, StopReason } from '../cpu/services.ts';
import { CCW_BUS, ChannelSubsystem } from '../css/channel-subsystem.ts';
import { Ipl, type IplSources } from '../ipl/ipl.ts';
import { type PciHostOptions, S390PciHost } from '../pci/pci-host.ts';
import { ZPCI_BUS } from '../pci/zpci-function.ts';
import { SCLP_EVENT_BUS } from '../sclp/event-device.ts';
import { Sclp } from '../sclp/sclp.ts';
import { diagnose } from './diagnose.ts';
import { type SystemFacts, systemInformation } from './system-information.ts';
import { Diag288Watchdog } from './watchdog.ts';

/** A disabled wait at this address is how programs say that they have ended. */
const SPECIAL_WAIT_ADDRESS = 0xfffn;

/** What the CPU model says of the machine. */
export interface MachineModel {
  /** Machine type, in hexadecimal digits: 0x8561. */
  readonly machineType: number;
  /** Address bits of the largest machine of this model. */
  readonly addressBits: number;
  readonly enhancedSuppression: boolean;
}

/** How a {@link Mainframe} is made. */
export interface MainframeOptions {
  /** Makes what CPUs have in common, given who performs what their instructions ask for. */
  readonly interruptions: (services: MachineServices) => FloatingInterruptions;
  readonly model: MachineModel;
  readonly ipl: IplSources;
  /** The load parameter that the user gave. */
  readonly loadParameter: string;
  /** Of the PCI bridge; without it there is none. */
  readonly pci?: Omit<PciHostOptions, 'interruptions' | 'event'>;
}

/** Channel subsystem, PCI bridge, service processor and IPL of one machine. Made before the CPUs, which are given it. */
export class Mainframe implements MachineServices {
  readonly css: ChannelSubsystem;
  readonly sclp: Sclp;
  readonly pci: S390PciHost | undefined;
  readonly ipl: Ipl;
  /** The machine's CPUs, in the order in which they came. */
  readonly cpus: CpuPort[] = [];
  readonly #machine: Machine;
  readonly #options: MainframeOptions;
  readonly #interruptions: FloatingInterruptions;

  constructor(machine: Machine, options: MainframeOptions) {
    this.#machine = machine;
    this.#options = options;
    const interruptions = options.interruptions(this);
    this.#interruptions = interruptions;
    this.css = machine.add(new ChannelSubsystem(interruptions), 'virtual-css-bridge');
    this.pci =
      options.pci &&
      machine.add(
        new S390PciHost({
          ...options.pci,
          interruptions,
          event: (event) => this.css.pciEvent(event),
        }),
        's390-pcihost',
      );
    this.ipl = machine.add(
      new Ipl(options.ipl, { cpus: this.cpus, subsystemReset: () => this.subsystemReset() }),
      's390-ipl',
    );
    this.sclp = machine.add(new Sclp(interruptions, () => this.#sclpFacts(), this.pci), 'sclp');
    machine.onPowerdown(() => this.sclp.quiesce.send());
    machine.onNmi((cpu) => this.#restart(cpu));
  }

  // --- instructions

  readonly startSubchannel: MachineServices['startSubchannel'] = (cpu, id, orb) =>
    this.css.startSubchannel(cpu, id, orb);
  readonly testSubchannel: MachineServices['testSubchannel'] = (cpu, id, irb) => this.css.testSubchannel(cpu, id, irb);
  readonly modifySubchannel: MachineServices['modifySubchannel'] = (cpu, id, schib) =>
    this.css.modifySubchannel(cpu, id, schib);
  readonly storeSubchannel: MachineServices['storeSubchannel'] = (cpu, id, schib) =>
    this.css.storeSubchannel(cpu, id, schib);
  readonly clearSubchannel: MachineServices['clearSubchannel'] = (cpu, id) => this.css.clearSubchannel(cpu, id);
  readonly haltSubchannel: MachineServices['haltSubchannel'] = (cpu, id) => this.css.haltSubchannel(cpu, id);
  readonly resumeSubchannel: MachineServices['resumeSubchannel'] = (cpu, id) => this.css.resumeSubchannel(cpu, id);
  readonly cancelSubchannel: MachineServices['cancelSubchannel'] = (cpu, id) => this.css.cancelSubchannel(cpu, id);
  readonly resetChannelPath: MachineServices['resetChannelPath'] = (cpu, parameter) =>
    this.css.resetChannelPath(cpu, parameter);
  readonly setAddressLimit: MachineServices['setAddressLimit'] = (cpu, limit) => this.css.setAddressLimit(cpu, limit);
  readonly setChannelMonitor: MachineServices['setChannelMonitor'] = (cpu, parameter, origin) =>
    this.css.setChannelMonitor(cpu, parameter, origin);
  readonly storeChannelReportWord: MachineServices['storeChannelReportWord'] = (cpu, crw) =>
    this.css.storeChannelReportWord(cpu, crw);
  readonly storeChannelPathStatus: MachineServices['storeChannelPathStatus'] = (cpu, status) =>
    this.css.storeChannelPathStatus(cpu, status);
  readonly channelSubsystemCall: MachineServices['channelSubsystemCall'] = (cpu, page) =>
    this.css.channelSubsystemCall(cpu, page);

  serviceCall(cpu: CpuPort, command: number, address: number): Outcome {
    return this.sclp.serviceCall(cpu, command, address);
  }

  diagnose(cpu: CpuPort, code: number, r1: number, r3: number): Outcome {
    return diagnose({ machine: this.#machine, css: this.css, ipl: this.ipl }, cpu, code, r1, r3);
  }

  systemInformation(
    _cpu: CpuPort,
    functionCode: number,
    selector1: number,
    selector2: number,
    block: DataView,
  ): Outcome {
    return systemInformation([functionCode, selector1, selector2], this.#systemFacts(), block) ? 0 : 3;
  }

  cpuJoined(cpu: CpuPort): void {
    this.cpus.push(cpu);
    if (this.#machine.built) this.sclp.cpuChange.send();
  }

  /** The operator's restart, which is what a monitor's NMI is here. */
  #restart(cpu: Cpu | undefined): void {
    const found = this.cpus.find((candidate) => candidate.index === (cpu?.index ?? 0));
    this.#machine.whileStill(() => found?.restartCpu());
    this.#machine.wake();
  }

  /** The machine ends when none of its CPUs can go on. */
  cpuStopped(cpu: CpuPort, reason: StopReason): void {
    const goesOn = (other: CpuPort) =>
      other !== cpu && other.cpuState === 'operating' && !isDisabledWait(other.pswMask);
    if (this.cpus.some(goesOn) || this.ipl.isLoading) return;
    if (reason === 'stopped' || cpu.pswAddress === SPECIAL_WAIT_ADDRESS) {
      this.#machine.shutdown('guest');
      return;
    }
    const { pswMask, pswAddress } = cpu;
    this.#machine.panic({ type: 's390', core: cpu.index, pswMask, pswAddress, reason: 'disabled-wait' });
  }

  /** What DIAGNOSE 0x308 resets besides CPUs. */
  subsystemReset(): void {
    const reset = new Set<Device>([this.css, this.sclp, ...(this.pci === undefined ? [] : [this.pci])]);
    for (const device of devicesOf(this.#machine)) if (isOfSubsystem(device)) reset.add(device);
    for (const device of reset) resetTree(device);
    this.#interruptions.reset();
  }

  #sclpFacts() {
    const { ramSize, smp } = this.#machine;
    const { model, loadParameter } = this.#options;
    return {
      ramSize,
      cpus: this.cpus.map(({ index }) => index).sort((a, b) => a - b),
      maxCpus: smp.maxcpus,
      addressBits: model.addressBits,
      enhancedSuppression: model.enhancedSuppression,
      loadParameter: this.ipl.loadParameter || loadParameter,
    };
  }

  #systemFacts(): SystemFacts {
    return { machineType: this.#options.model.machineType, cpus: this.cpus.length };
  }
}

const BUSES: readonly string[] = [CCW_BUS, SCLP_EVENT_BUS, PCI_BUS, ZPCI_BUS];

/** What users plug in belongs to the channel subsystem, the PCI bridge or the service processor; the watchdog to neither, and is reset too. */
function isOfSubsystem(device: Device): boolean {
  if (device instanceof Diag288Watchdog) return true;
  return isPluggable(device) && BUSES.includes(device.busType);
}

/** Bits 6 and 7 (I/O and external), 13 (machine check) and 14 (wait) of a PSW. */
const PSW_IO_EXTERNAL = 0x0300_0000_0000_0000n;
const PSW_MACHINE_CHECK = 0x0004_0000_0000_0000n;
const PSW_WAIT = 0x0002_0000_0000_0000n;

function isDisabledWait(mask: bigint): boolean {
  return (mask & PSW_WAIT) !== 0n && (mask & (PSW_IO_EXTERNAL | PSW_MACHINE_CHECK)) === 0n;
}
