/**
 * A hart as a device: interrupt inputs, reset, and the supervisor timer of Sstc. RISC-V Privileged Architecture, "Reset" and
 * "Sstc".
 */
import { CALL, type DeviceState, type PropertySpec, type Timer, type VirtualRange } from '@boardwalk/core';
import { Semihosting } from '@boardwalk/devices';
import { FAULTED, NOT_RAM, type Slot, TranslatedCpu } from '@boardwalk/translator';
import { IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI, MENVCFG_STCE } from './bits.ts';
import { menvcfgReset } from './csr/environment.ts';
import type { RiscvFrontend } from './frontend.ts';
import type { HartDescription } from './hart-thread.ts';
import { MODE_RESET, modeDataMmu, modePriv } from './mode.ts';
import { EXTENSIONS, type Extension, isaString } from './models.ts';
import { formatMappings, formatRegisters, mappingsOf } from './show.ts';
import { common, csr } from './state.ts';

const PAGE_BYTES = 4096;
const ACCESS_LOAD = 0;
const ACCESS_STORE = 1;

const PRIVILEGE_LETTERS = ['U', 'S', '?', 'M'] as const;

/** The counter that `time` shows and stimecmp is compared with: the platform's mtime. */
export interface TimeSource {
  /** The 64-bit counter now. */
  mtime(): bigint;
  /** Virtual time in ns at which the counter reaches a value; Infinity where that is too far away to matter. */
  timeOf(value: bigint): number;
  /** Calls back when software has set the counter. */
  onSet(callback: () => void): void;
  /** How {@link mtime} follows from virtual time, for harts on threads: ticks at this rate in Hz, plus this. */
  readonly rate?: { readonly frequency: number; readonly offset: bigint };
}

/** How a hart is set into its platform. */
export interface RiscvCpuOptions {
  readonly time: TimeSource;
  /** Where it starts after a reset. */
  readonly resetVector: number;
  /** Where all harts' `msip` registers are, the first hart's first, if harts on threads may write them without the device. */
  readonly softwareIrqs?: number;
}

/** Groups of interrupt inputs, and the bits of mip that they drive. */
const INTERRUPT_LINES = {
  'm-software': IRQ_MSI,
  'm-timer': IRQ_MTI,
  'm-external': IRQ_MEI,
  's-external': IRQ_SEI,
} as const;

/** Name of a level-triggered interrupt input of a hart. */
export type InterruptLine = keyof typeof INTERRUPT_LINES;

function extensionProperty(name: Extension): PropertySpec {
  return {
    name,
    type: 'bool',
    description: EXTENSIONS[name].description,
    readonly: true,
    get: (o) => o instanceof RiscvCpu && o.frontend.config.extensions.has(name),
  };
}

/** A hart. Its lines are `m-software`, `m-timer`, `m-external`, `s-external` and `s-software`. */
export class RiscvCpu extends TranslatedCpu {
  static override readonly typeName: string = 'riscv-cpu';
  static override readonly properties: readonly PropertySpec[] = [
    ...(Object.keys(EXTENSIONS) as Extension[]).map(extensionProperty),
    {
      name: 'isa',
      type: 'str',
      description: 'the ISA string',
      readonly: true,
      get: (o) => (o instanceof RiscvCpu ? isaString(o.frontend.config) : ''),
    },
  ];

  override readonly frontend: RiscvFrontend;
  readonly #options: RiscvCpuOptions;
  #timer: Timer | undefined;
  #semihosting: Semihosting | undefined;

  /** @param index the hart's number, mhartid */
  constructor(index: number, frontend: RiscvFrontend, options: RiscvCpuOptions) {
    super(index, frontend);
    this.frontend = frontend;
    this.#options = options;
    for (const [name, bit] of Object.entries(INTERRUPT_LINES)) {
      this.addInput((level) => this.#setLine(bit, level), name);
    }
    // Software may clear this one: the line's edge sets the bit of mip.
    this.addInput((level) => level && this.#raiseSupervisorSoftware(), 's-software');
  }

  override realize(): void {
    super.realize();
    this.#timer = this.machine.clock.timer(() => this.#updateTimer());
    this.#options.time.onSet(() => this.#updateTimer());
    this.#semihosting = new Semihosting(this.machine);
    this.#options.time.onSet(() => this.#publishTime());
    this.frontend.attach(this.base, {
      readTime: () => this.setRegister(common.ret, this.#options.time.mtime()),
      timerChanged: () => this.#updateTimer(),
      walked: () => this.#logWalk(),
      semihost: () => this.#semihost(),
    });
  }

  protected override threadDescription(): HartDescription | undefined {
    const { time, resetVector, softwareIrqs } = this.#options;
    const { config, options } = this.frontend;
    // A thread makes a plain hart: it knows nothing of classes derived from it.
    if (time.rate === undefined || this.constructor !== RiscvCpu) return undefined;
    const { logWalks = false, semihosting = false } = options;
    return { config, resetVector, frequency: time.rate.frequency, logWalks, semihosting, softwareIrqs };
  }

  /** The hart's thread has a semihosting call: the others use nothing while this one's tables are walked here. */
  protected override serveThread(): void {
    this.machine.team?.freeze(() => {
      this.#answerSemihosting();
      // What was entered here, the thread enters again by its own rules.
      this.engine.exports.tlbFlush(this.base);
    });
  }

  override resynced(): void {
    super.resynced();
    this.#updateTimer();
  }

  /** Tells the hart's thread what is added to the ticks of the clock. */
  #publishTime(): void {
    const { rate } = this.#options.time;
    if (this.threadWords === 0 || rate === undefined) return;
    this.machine.space.view.setBigUint64(this.threadWords, rate.offset, true);
  }

  override resetExit(): void {
    super.resetExit();
    this.#publishTime();
  }

  override resetHold(): void {
    super.resetHold();
    this.setRegister(csr.mhartid, BigInt(this.index));
    this.setRegister(csr.menvcfg, menvcfgReset(this.frontend.config));
    this.setRegister(common.mode, BigInt(MODE_RESET));
    this.pc = BigInt(this.#options.resetVector);
    this.#updateTimer();
  }

  override restore(state: DeviceState): void {
    super.restore(state);
    this.#publishTime();
    this.#updateTimer();
  }

  override dispose(): void {
    this.#timer?.disarm();
    super.dispose();
  }

  /** A wait ends where an interrupt is pending that mie has, enabled or not. */
  override hasWork(): boolean {
    if (!this.halted) return true;
    const pending = this.#lowWord(common.pendingIrq) | this.#lowWord(csr.mip);
    return (pending & this.#lowWord(csr.mie)) !== 0;
  }

  override describe(): string {
    const privilege = PRIVILEGE_LETTERS[modePriv(Number(this.register(common.mode)))];
    return `pc=0x${this.pc.toString(16).padStart(16, '0')} mode=${privilege}`;
  }

  override formatRegisters(): string {
    return formatRegisters(this.frontend.config, (slot) => this.register(slot));
  }

  override mappings(): readonly VirtualRange[] | undefined {
    return mappingsOf(this.register(csr.satp), this.machine.addressSpace);
  }

  override formatMappings(): string | undefined {
    return formatMappings(this.register(csr.satp), this.machine.addressSpace);
  }

  /** The low 32 bits of a register, without a bigint: the run loop asks often. */
  #lowWord(slot: Slot): number {
    return this.machine.space.i32[(this.base + slot.offset) >>> 2] ?? 0;
  }

  #setLine(bit: number, level: boolean): void {
    this.setIrqLine(bit, level);
    // Who interrupts another hart mostly waits for its answer: that hart's turn comes at once.
    const sender = this.machine.currentCpu;
    if (bit === IRQ_MSI && level && sender !== this) sender?.requestExit();
  }

  /** The page walk that has just ended, its arguments and its result being those of the helper (mmu.ts). */
  #logWalk(): void {
    const [va = 0n, access = 0n, mmu = 0n, fault = 0n] = common.args.map((slot) => this.register(slot));
    const what = `hart ${this.index}: ${['load', 'store', 'fetch'][Number(access)]} 0x${va.toString(16)} mmu ${mmu}`;
    const rights = [...'rwx'].map((letter, bit) =>
      (this.register(common.walkProt) >> BigInt(bit)) & 1n ? letter : '-',
    );
    const found = `0x${this.register(common.walkPa).toString(16)} ${rights.join('')}`;
    this.machine.log.write('mmu', `${what}: ${fault === 0n ? found : `exception ${this.register(common.excCode)}`}`);
  }

  #semihost(): void {
    const { vcpuThread } = this.machine;
    if (vcpuThread === undefined) this.#answerSemihosting();
    else vcpuThread.call({ kind: CALL.service });
  }

  #answerSemihosting(): void {
    const { space } = this.engine;
    const [operation = 0n, parameter = 0n] = common.args.map((slot) => this.register(slot));
    const result = this.#semihosting?.call(Number(BigInt.asUintN(32, operation)), parameter, {
      wordBytes: 8,
      read: (address, into) =>
        this.#eachPiece(address, into.length, ACCESS_LOAD, (host, from, to) => {
          into.set(space.u8.subarray(host, host + to - from), from);
        }),
      write: (address, bytes) =>
        this.#eachPiece(address, bytes.length, ACCESS_STORE, (host, from, to) => {
          space.u8.set(bytes.subarray(from, to), host);
          space.noteWrite(host, to - from);
        }),
    });
    if (result !== undefined) this.setRegister(common.ret, result);
  }

  /**
   * Guest memory as a load or store of the running program would find it, by pages; false where that would fault or reach a device.
   *
   * @param use given the place of a piece in host memory, and which bytes of the whole it is
   */
  #eachPiece(
    address: bigint,
    length: number,
    access: number,
    use: (host: number, from: number, to: number) => void,
  ): boolean {
    const { engine, base } = this;
    const mmu = modeDataMmu(this.#lowWord(common.mode));
    for (let at = 0; at < length; ) {
      const va = BigInt.asIntN(64, address + BigInt(at));
      const bytes = Math.min(length - at, PAGE_BYTES - Number(BigInt.asUintN(64, va) % BigInt(PAGE_BYTES)));
      const host = engine.exports.translate(base, va, access, mmu);
      this.setRegister(common.fault, 0n);
      if (host === NOT_RAM || host === FAULTED) return false;
      use(host, at, at + bytes);
      at += bytes;
    }
    return true;
  }

  #raiseSupervisorSoftware(): void {
    Atomics.or(this.machine.space.i32, (this.base + csr.mip.offset) >>> 2, 1 << IRQ_SSI);
  }

  /** Sets the line of the supervisor timer interrupt, and the timer for the moment when it will rise. */
  #updateTimer(): void {
    // The hart's thread sees to it, and looks anew when it goes on.
    if (this.machine.team !== undefined) return;
    const enabled = (this.register(csr.menvcfg) & MENVCFG_STCE) !== 0n;
    const compare = this.register(csr.stimecmp);
    const due = enabled && this.#options.time.mtime() >= compare;
    this.setIrqLine(IRQ_STI, due);
    this.#timer?.arm(enabled && !due ? this.#options.time.timeOf(compare) : Infinity);
    if (!due) return;
    this.requestExit();
    this.machine.wake();
  }
}
