// Arm Watchdog Module (SP805): a counter that interrupts when it reaches zero, and resets the machine when it does so again.
// After: ARM DDI 0270, "Watchdog Module (SP805) Technical Reference Manual", chapter 3.
import { Device, type IrqOutput, MemoryRegion, type PropertySpec, type StateField, type Timer } from '@boardwalk/core';
import { RegisterTable } from '@boardwalk/devices/registers';

const INTEN = 1;
const RESEN = 2;
const UNLOCK = 0x1acce551;
const NS_PER_S = 1e9;
/** Peripheral and PrimeCell identification, one byte a register. */
const ID_BYTES = [0x05, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1] as const;

const REGISTERS = new RegisterTable<Sp805>([
  { offset: 0x000, name: 'WdogLoad', field: 'wdogLoad', write: (w) => w.reload() },
  { offset: 0x004, name: 'WdogValue', read: (w) => w.value() },
  { offset: 0x008, name: 'WdogControl', read: (w) => w.wdogControl, write: (w, v) => w.writeControl(v) },
  { offset: 0x00c, name: 'WdogIntClr', write: (w) => w.clearInterrupt() },
  { offset: 0x010, name: 'WdogRIS', read: (w) => w.raw },
  { offset: 0x014, name: 'WdogMIS', read: (w) => w.raw & w.wdogControl & INTEN },
  { offset: 0xc00, name: 'WdogLock', read: (w) => w.locked, write: (w, v) => w.writeLock(v) },
  ...ID_BYTES.map((byte, i) => ({ offset: 0xfe0 + 4 * i, name: `ID${i}`, read: () => byte })),
]);

/** The region's size in bytes. */
export const SP805_SIZE = 0x1000;

export class Sp805 extends Device {
  static override readonly typeName: string = 'sp805';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'clock-frequency', type: 'uint32', description: 'rate of WDOGCLK in Hz', default: 1_000_000 },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'wdogLoad', type: 'u32', reset: 0xffff_ffff },
    { name: 'wdogControl', type: 'u32', reset: 0 },
    { name: 'raw', type: 'u32', reset: 0 },
    { name: 'locked', type: 'u32', reset: 0 },
    { name: 'stoppedAt', type: 'u32', reset: 0xffff_ffff },
    { name: 'deadline', type: 'number', reset: 0 },
  ];

  readonly region: MemoryRegion = this.addRegion(
    MemoryRegion.io('sp805', SP805_SIZE, {
      valid: { min: 4, max: 4 },
      read: (offset) => REGISTERS.read(this, offset),
      write: (offset, _size, value) => {
        if (this.locked === 0 || offset === 0xc00) REGISTERS.write(this, offset, value);
      },
    }),
  );
  readonly irq: IrqOutput = this.addOutput();

  wdogLoad = 0xffff_ffff;
  wdogControl = 0;
  /** The interrupt, before its mask. */
  raw = 0;
  locked = 0;
  /** The counter while it stands still. */
  stoppedAt = 0xffff_ffff;
  /** Virtual time in ns at which a running counter reaches zero. */
  deadline = 0;
  #timer: Timer | undefined;
  #nsPerTick = 0;

  override realize(): void {
    super.realize();
    this.#nsPerTick = NS_PER_S / Number(this.getProperty('clock-frequency'));
    this.#timer = this.machine.clock.timer(() => this.#expired());
  }

  override resetHold(): void {
    super.resetHold();
    this.#timer?.disarm();
  }

  protected override afterRestore(): void {
    this.#timer?.arm(this.#running ? this.deadline : Infinity);
  }

  get #running(): boolean {
    return (this.wdogControl & INTEN) !== 0;
  }

  value(): number {
    if (!this.#running) return this.stoppedAt;
    return Math.max(0, Math.ceil((this.deadline - this.machine.clock.now()) / this.#nsPerTick));
  }

  reload(): void {
    this.stoppedAt = this.wdogLoad;
    if (this.#running) this.#count();
  }

  writeControl(value: number): void {
    const before = this.value();
    const wasRunning = this.#running;
    this.wdogControl = value & (INTEN | RESEN);
    if (this.#running && !wasRunning) this.reload();
    else if (!this.#running && wasRunning) {
      this.stoppedAt = before;
      this.#timer?.disarm();
    }
    this.#updateIrq();
  }

  clearInterrupt(): void {
    this.raw = 0;
    this.reload();
    this.#updateIrq();
  }

  writeLock(value: number): void {
    this.locked = value === UNLOCK ? 0 : 1;
  }

  /** Counts down from WdogLoad. */
  #count(): void {
    this.deadline = this.machine.clock.now() + this.wdogLoad * this.#nsPerTick;
    this.#timer?.arm(this.deadline);
  }

  #expired(): void {
    if (this.raw !== 0 && (this.wdogControl & RESEN) !== 0) {
      this.machine.reset('guest');
      return;
    }
    this.raw = 1;
    this.#count();
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.irq.set((this.raw & this.wdogControl & INTEN) !== 0);
  }
}
