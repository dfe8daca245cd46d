// RISC-V ACLINT devices: MSWI and SSWI (software interrupts between harts) and MTIMER (the machine timer), and the SiFive CLINT that joins MSWI and MTIMER.
// After: "RISC-V Advanced Core Local Interruptor Specification" 1.0-rc4, chapters 2 to 4; "SiFive FU540-C000 Manual" v1p4, chapter 9 (CLINT, memory map in table 27).

import { Device, type DeviceState, type IrqOutput, MemoryRegion, type StateField, type Timer } from '@boardwalk/core';

const NS_PER_S = 1_000_000_000;

/** Size of a block of software interrupt registers. */
export const SWI_SIZE = 0x4000;
/** Size of an MTIMER that follows the CLINT's layout: compare registers from 0, `mtime` at {@link CLINT_MTIME}. */
export const MTIMER_SIZE = 0x8000;
/** Offset of `mtime` in an MTIMER that follows the CLINT's layout. */
export const CLINT_MTIME = 0x7ff8;

/** How many harts a block of per-hart registers can have. */
const MAX_HARTS = 4095;

function checkHarts(harts: number): number {
  if (!Number.isInteger(harts) || harts < 1 || harts > MAX_HARTS) {
    throw new RangeError(`a core-local interruptor serves 1 to ${MAX_HARTS} harts, not ${harts}`);
  }
  return harts;
}

/** Machine-level software interrupts: one `msip` register a hart, its bit 0 is the interrupt line. */
export class AclintMswi extends Device {
  static override readonly typeName: string = 'riscv.aclint.mswi';
  static override readonly state: readonly StateField[] = [{ name: 'msip', type: 'bytes', reset: 0 }];

  readonly region: MemoryRegion;
  /** To each hart's machine software interrupt input. */
  readonly irqs: readonly IrqOutput[];
  /** Bit 0 of each hart's register. */
  readonly msip: Uint8Array;
  #lineOf: ((hart: number) => boolean) | undefined;

  constructor(harts: number) {
    super();
    this.irqs = this.addOutputs(checkHarts(harts));
    this.msip = new Uint8Array(harts);
    this.region = this.addRegion(
      MemoryRegion.io('riscv.aclint.mswi', SWI_SIZE, {
        valid: { min: 4, max: 4 },
        read: (offset) => {
          this.#look();
          return this.msip[offset >> 2] ?? 0;
        },
        write: (offset, _size, value) => {
          const hart = offset >> 2;
          if (hart >= harts) return;
          this.#look();
          this.msip[hart] = value & 1;
          this.irqs[hart]?.set((value & 1) !== 0);
        },
      }),
    );
  }

  /** Harts move their lines themselves (harts on threads do): what they have made of them is looked at when it matters. */
  follow(lineOf: (hart: number) => boolean): void {
    this.#lineOf = lineOf;
  }

  override resetHold(): void {
    this.#look();
    super.resetHold();
  }

  override save(): DeviceState {
    this.#look();
    return super.save();
  }

  #look(): void {
    if (this.#lineOf === undefined) return;
    for (const [hart, irq] of this.irqs.entries()) {
      const level = this.#lineOf(hart);
      this.msip[hart] = level ? 1 : 0;
      irq.set(level);
    }
  }
}

/** Supervisor-level software interrupts: writing 1 to `setssip` makes an edge; the register always reads 0. */
export class AclintSswi extends Device {
  static override readonly typeName: string = 'riscv.aclint.sswi';

  readonly region: MemoryRegion;
  /** To each hart's supervisor software interrupt input, which latches the edge in `mip.SSIP`. */
  readonly irqs: readonly IrqOutput[];

  constructor(harts: number) {
    super();
    this.irqs = this.addOutputs(checkHarts(harts));
    this.region = this.addRegion(
      MemoryRegion.io('riscv.aclint.sswi', SWI_SIZE, {
        valid: { min: 4, max: 4 },
        read: () => 0,
        write: (offset, _size, value) => {
          if ((value & 1) !== 0) this.irqs[offset >> 2]?.pulse();
        },
      }),
    );
  }
}

/** Where an {@link AclintMtimer} has its registers, and how fast it counts. */
export interface AclintMtimerOptions {
  readonly harts: number;
  /** Rate of `mtime` in Hz, at most 1 GHz: the device tree's `timebase-frequency`. */
  readonly frequency: number;
  /** Region size in bytes. */
  readonly size?: number;
  /** Offset of `mtimecmp` of the first hart. */
  readonly mtimecmpBase?: number;
  /** Offset of `mtime`. */
  readonly mtimeBase?: number;
}

/** The machine timer: a 64-bit counter for everybody and a 64-bit compare register a hart. The line is high while `mtime >= mtimecmp`. */
export class AclintMtimer extends Device {
  static override readonly typeName: string = 'riscv.aclint.mtimer';
  static override readonly state: readonly StateField[] = [
    { name: 'compareBytes', type: 'bytes', reset: 0xff },
    { name: 'offset', type: 'u64', reset: 0n },
  ];

  readonly region: MemoryRegion;
  /** To each hart's machine timer interrupt input. */
  readonly irqs: readonly IrqOutput[];
  /** Rate of `mtime` in Hz. */
  readonly frequency: number;
  readonly #harts: number;
  readonly #mtimecmpBase: number;
  readonly #mtimeBase: number;
  readonly #timers: Timer[] = [];
  readonly #followers: (() => void)[] = [];

  /** `mtimecmp` of each hart, all ones at reset: no interrupt. */
  readonly compare: BigUint64Array;
  /** The array above as bytes: its length is each timer's own. */
  readonly compareBytes: Uint8Array;
  /** What a write to `mtime` has added to the clock's count, modulo 2^64. */
  offset = 0n;

  constructor(options: AclintMtimerOptions) {
    super();
    const { frequency } = options;
    if (!(Number.isInteger(frequency) && frequency > 0 && frequency <= NS_PER_S)) {
      throw new RangeError(`a timebase of ${frequency} Hz is no whole number from 1 Hz to 1 GHz`);
    }
    this.#harts = checkHarts(options.harts);
    this.compareBytes = new Uint8Array(this.#harts * 8).fill(0xff);
    this.compare = new BigUint64Array(this.compareBytes.buffer);
    this.frequency = frequency;
    this.#mtimecmpBase = options.mtimecmpBase ?? 0;
    this.#mtimeBase = options.mtimeBase ?? CLINT_MTIME;
    this.irqs = this.addOutputs(this.#harts);
    this.region = this.addRegion(
      MemoryRegion.io('riscv.aclint.mtimer', options.size ?? MTIMER_SIZE, {
        valid: { min: 4, max: 8 },
        impl: { min: 4, max: 4 },
        read: (offset) => this.#read(offset),
        write: (offset, _size, value) => this.#write(offset, value),
      }),
    );
  }

  override realize(): void {
    super.realize();
    for (let hart = 0; hart < this.#harts; hart++) {
      this.#timers.push(this.machine.clock.timer(() => this.#update(hart)));
    }
  }

  override resetHold(): void {
    super.resetHold();
    // mtime restarts from 0 although the virtual clock goes on.
    this.offset = BigInt.asUintN(64, -this.#ticks());
    this.#updateAll();
  }

  protected override afterRestore(): void {
    this.#updateAll();
  }

  override dispose(): void {
    for (const timer of this.#timers) timer.disarm();
  }

  /** How {@link mtime} follows from virtual time. */
  get rate(): { readonly frequency: number; readonly offset: bigint } {
    return { frequency: this.frequency, offset: this.offset };
  }

  /** The counter's value, which the `time` CSR shows too. */
  mtime(): bigint {
    return BigInt.asUintN(64, this.#ticks() + this.offset);
  }

  /**
   * Virtual time in ns at which the counter, if nobody sets it, reaches a value: the first at which {@link mtime} is not below it. It
   * may lie in the past. Infinity beyond 2^53 ns, which are a hundred days: far values are how software says never.
   */
  timeOf(value: bigint): number {
    const ticks = this.#ticks() + value - this.mtime();
    const rate = BigInt(this.frequency);
    const ns = (ticks * BigInt(NS_PER_S) + rate - 1n) / rate;
    return ns > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(ns);
  }

  /** Calls back when software has set the counter: whoever waits for a value of it waits anew. */
  onSet(callback: () => void): void {
    this.#followers.push(callback);
  }

  /** Counts since the machine started. */
  #ticks(): bigint {
    return (BigInt(this.machine.clock.now()) * BigInt(this.frequency)) / BigInt(NS_PER_S);
  }

  #hart(offset: number): number {
    const hart = (offset - this.#mtimecmpBase) >> 3;
    return offset >= this.#mtimecmpBase && hart < this.#harts ? hart : -1;
  }

  #read(offset: number): number {
    if ((offset & ~4) === this.#mtimeBase) {
      return halfOf(this.mtime(), offset);
    }
    return halfOf(this.compare[this.#hart(offset)] ?? 0n, offset);
  }

  #write(offset: number, value: number): void {
    if ((offset & ~4) === this.#mtimeBase) {
      this.offset = BigInt.asUintN(64, withHalf(this.mtime(), offset, value) - this.#ticks());
      this.#updateAll();
      for (const follower of this.#followers) follower();
      return;
    }
    const hart = this.#hart(offset);
    if (hart < 0) return;
    this.compare[hart] = withHalf(this.compare[hart] ?? 0n, offset, value);
    this.#update(hart);
  }

  #updateAll(): void {
    for (let hart = 0; hart < this.#harts; hart++) this.#update(hart);
  }

  /** Sets the hart's line and arms its timer for the moment when the line will rise. */
  #update(hart: number): void {
    const compare = this.compare[hart] ?? 0n;
    const due = this.mtime() >= compare;
    this.irqs[hart]?.set(due);
    this.#timers[hart]?.arm(due ? Infinity : this.timeOf(compare));
  }
}

/** The 32-bit half of a 64-bit register that an offset selects. */
function halfOf(value: bigint, offset: number): number {
  return Number(BigInt.asUintN(32, (offset & 4) !== 0 ? value >> 32n : value));
}

/** A 64-bit register with one half replaced. */
function withHalf(value: bigint, offset: number, half: number): bigint {
  const low = BigInt.asUintN(32, value);
  return (offset & 4) !== 0 ? (BigInt(half) << 32n) | low : value - low + BigInt(half);
}

/** The SiFive CLINT's size, and its register blocks' offsets in it. */
export const CLINT_SIZE = 0x10000;

/** SiFive core-local interruptor: MSWI at 0, MTIMER at 0x4000 with `mtime` at 0xbff8. */
export class SifiveClint extends Device {
  static override readonly typeName: string = 'riscv.sifive.clint';

  readonly region: MemoryRegion;
  readonly mswi: AclintMswi;
  readonly mtimer: AclintMtimer;

  /** @param frequency rate of `mtime` in Hz */
  constructor(harts: number, frequency: number) {
    super();
    this.mswi = this.add(new AclintMswi(harts), 'mswi');
    this.mtimer = this.add(new AclintMtimer({ harts, frequency }), 'mtimer');
    this.region = this.addRegion(MemoryRegion.container('riscv.sifive.clint', CLINT_SIZE));
    this.region.addSubregion(0, this.mswi.region);
    this.region.addSubregion(SWI_SIZE, this.mtimer.region);
  }

  /** To each hart's machine software interrupt input. */
  get softwareIrqs(): readonly IrqOutput[] {
    return this.mswi.irqs;
  }

  /** To each hart's machine timer interrupt input. */
  get timerIrqs(): readonly IrqOutput[] {
    return this.mtimer.irqs;
  }

  /** The counter's value, which the `time` CSR shows too. */
  mtime(): bigint {
    return this.mtimer.mtime();
  }

  /** As {@link AclintMtimer.timeOf}. */
  timeOf(value: bigint): number {
    return this.mtimer.timeOf(value);
  }
}
