/**
 * What the CPUs of a machine have in common: the TOD clock, storage keys, floating interruptions, SIGP among them. Principles of
 * Operation, SA22-7832, chapters "Control" and "Interruptions".
 */
import { Device, type DeviceState, type StateField, type StateValue } from '@boardwalk/core';
import { S390Frontend } from './frontend.ts';
import type { CpuConfig } from './models.ts';
import type { S390Cpu } from './s390-cpu.ts';
import { type FloatingInterruptions, type IoInterruption, ioSubclass, type MachineServices } from './services.ts';
import { StorageKeys } from './storage-keys.ts';
import { todOfUnix, unitsOf } from './tod.ts';

/** A floating external interruption that waits. */
interface ExternalInterruption {
  readonly code: number;
  readonly parameter: number;
  readonly parameter64: bigint;
}

const CLASSES = 8;
const IO_WORDS = 3;

/** The CPUs' common part. The board adds it to the machine first, then the CPUs. */
export class CpuComplex extends Device implements FloatingInterruptions {
  static override readonly typeName: string = 's390-cpu-complex';
  static override readonly state: readonly StateField[] = [
    { name: 'todBase', type: 'u64' },
    { name: 'todIsSet', type: 'bool', reset: false },
    { name: 'serviceParameter', type: 'u32', reset: 0 },
    { name: 'channelReport', type: 'bool', reset: false },
  ];

  readonly config: CpuConfig;
  readonly frontend: S390Frontend;
  readonly keys = new StorageKeys(() => this.#cpus.some((cpu) => cpu.hasUsedKeys));
  /** Who performs what instructions ask of the machine. */
  readonly services: MachineServices;
  /** SET CLOCK has set it since the reset. */
  todIsSet = false;
  /** Parameter of the pending service signal, or 0. */
  serviceParameter = 0;
  channelReport = false;
  #todBase = 0n;
  readonly #cpus: S390Cpu[] = [];
  readonly #io: IoInterruption[][] = Array.from({ length: CLASSES }, () => []);
  #external: ExternalInterruption[] = [];

  constructor(config: CpuConfig, services: MachineServices) {
    super();
    this.config = config;
    this.services = services;
    this.frontend = new S390Frontend(config);
  }

  override realize(): void {
    super.realize();
    this.add(this.keys, 's390-skeys');
  }

  /** The CPUs, in the order in which they came. */
  get cpus(): readonly S390Cpu[] {
    return this.#cpus;
  }

  /** The CPU with an address. */
  cpuAt(address: number): S390Cpu | undefined {
    const likely = this.#cpus[address];
    return likely?.index === address ? likely : this.#cpus.find(({ index }) => index === address);
  }

  /** Called by each CPU when it becomes part of the machine. */
  join(cpu: S390Cpu): void {
    this.#cpus.push(cpu);
    cpu.publishTod();
    for (const one of this.#cpus) one.setCpuCount(this.#cpus.length);
    this.services.cpuJoined(cpu);
  }

  override resetHold(): void {
    super.resetHold();
    this.todBase = todOfUnix(this.machine.wallClockMs()) - unitsOf(this.machine.clock.now());
    this.reset();
  }

  // --- the TOD clock ---

  /** Units since virtual time 0. */
  units(): bigint {
    return unitsOf(this.machine.clock.now());
  }

  /** The TOD clock's value at virtual time 0. */
  get todBase(): bigint {
    return this.#todBase;
  }

  set todBase(value: bigint) {
    this.#todBase = value;
    for (const cpu of this.#cpus) cpu.publishTod();
  }

  get tod(): bigint {
    return BigInt.asUintN(64, this.todBase + this.units());
  }

  set tod(value: bigint) {
    this.todBase = BigInt.asUintN(64, value - this.units());
    this.todIsSet = true;
    for (const cpu of this.#cpus) cpu.updateTimers();
  }

  // --- floating interruptions ---

  serviceSignal(parameter: number): void {
    this.serviceParameter = (this.serviceParameter | parameter) >>> 0;
    this.#tell();
  }

  queueIo(interruption: IoInterruption): void {
    this.#io[ioSubclass(interruption)]?.push(interruption);
    this.#tell();
  }

  cancelIo(subsystemId: number): boolean {
    let found = false;
    for (const queue of this.#io) {
      const at = queue.findIndex((one) => one.subsystemId === subsystemId && one.word >>> 31 === 0);
      if (at < 0) continue;
      queue.splice(at, 1);
      found = true;
    }
    if (found) this.#tell();
    return found;
  }

  channelReportPending(): void {
    this.channelReport = true;
    this.#tell();
  }

  queueExternal(code: number, parameter: number, parameter64: bigint): void {
    this.#external.push({ code, parameter, parameter64 });
    this.#tell();
  }

  reset(): void {
    for (const queue of this.#io) queue.length = 0;
    this.#external = [];
    this.serviceParameter = 0;
    this.channelReport = false;
    this.#tell();
  }

  /** Pending I/O classes as bits: bit 7 is class 0. */
  get ioClasses(): number {
    return this.#io.reduce((set, queue, n) => (queue.length > 0 ? set | (0x80 >> n) : set), 0);
  }

  get hasExternal(): boolean {
    return this.serviceParameter !== 0 || this.#external.length > 0;
  }

  /** Takes the first I/O interruption of the most urgent of these classes. */
  takeIo(classes: number): IoInterruption | undefined {
    for (const [n, queue] of this.#io.entries()) {
      if ((classes & (0x80 >> n)) === 0) continue;
      const taken = queue.shift();
      if (taken === undefined) continue;
      this.#tell();
      return taken;
    }
    return undefined;
  }

  takeExternal(): ExternalInterruption | undefined {
    if (this.serviceParameter !== 0) {
      const parameter = this.serviceParameter;
      this.serviceParameter = 0;
      this.#tell();
      return { code: 0x2401, parameter, parameter64: 0n };
    }
    const taken = this.#external.shift();
    this.#tell();
    return taken;
  }

  takeChannelReport(): boolean {
    const was = this.channelReport;
    this.channelReport = false;
    this.#tell();
    return was;
  }

  /** Every CPU learns what is pending; whichever is enabled first takes it. */
  #tell(): void {
    for (const cpu of this.#cpus) cpu.floatingChanged();
  }

  // --- snapshots ---

  override save(): DeviceState {
    const state = super.save();
    const io: StateValue = this.#io.flat().flatMap((one) => [one.subsystemId, one.parameter, one.word]);
    const external: StateValue = this.#external.flatMap((one) => [
      BigInt(one.code),
      BigInt(one.parameter),
      one.parameter64,
    ]);
    return { ...state, fields: { ...state.fields, io, external } };
  }

  override restore(state: DeviceState): void {
    super.restore(state);
    for (const queue of this.#io) queue.length = 0;
    this.#external = [];
    const { io, external } = state.fields;
    if (!Array.isArray(io) || !Array.isArray(external))
      throw new Error(`${this.path}: saved state lacks interruptions`);
    for (let n = 0; n + IO_WORDS <= io.length; n += IO_WORDS) {
      const [subsystemId = 0, parameter = 0, word = 0] = io.slice(n, n + IO_WORDS).map(Number);
      const one = { subsystemId, parameter, word };
      this.#io[ioSubclass(one)]?.push(one);
    }
    for (let n = 0; n + 3 <= external.length; n += 3) {
      const [code = 0n, parameter = 0n, parameter64 = 0n] = external.slice(n, n + 3).map(BigInt);
      this.#external.push({ code: Number(code), parameter: Number(parameter), parameter64 });
    }
  }
}
