// Goldfish RTC: nanoseconds since 1970 in a 64-bit counter, with one alarm.
// After: Android emulator "GOLDFISH VIRTUAL HARDWARE", section "Goldfish timer"; the registers from ALARM_STATUS on as Linux drivers/rtc/rtc-goldfish.c uses them.

import { Device, MemoryRegion, type StateField, type Timer } from '@boardwalk/core';
import { RegisterTable } from '../registers.ts';

const REGISTERS = new RegisterTable<GoldfishRtc>([
  // Reading the low half latches the high half, so that the two belong together.
  { offset: 0x00, name: 'TIME_LOW', read: (r) => r.readTimeLow(), write: (r, v) => r.writeTimeLow(v) },
  { offset: 0x04, name: 'TIME_HIGH', field: 'timeHigh' },
  { offset: 0x08, name: 'ALARM_LOW', field: 'alarmLow', write: (r) => r.armAlarm() },
  { offset: 0x0c, name: 'ALARM_HIGH', field: 'alarmHigh' },
  { offset: 0x10, name: 'IRQ_ENABLED', field: 'irqEnabled', writeMask: 1, write: (r) => r.updateIrq() },
  { offset: 0x14, name: 'CLEAR_ALARM', write: (r) => r.clearAlarm() },
  { offset: 0x18, name: 'ALARM_STATUS', read: (r) => r.alarmRunning },
  { offset: 0x1c, name: 'CLEAR_INTERRUPT', write: (r) => r.clearInterrupt() },
]);

/** The RTC's region size in bytes. */
export const GOLDFISH_RTC_SIZE = 0x1000;

/** A real-time clock that shows the machine's date; alarms ring in virtual time. */
export class GoldfishRtc extends Device {
  static override readonly typeName: string = 'goldfish_rtc';
  // The date goes on through a reset; only the alarm and its registers start afresh.
  static override readonly state: readonly StateField[] = [
    { name: 'timeHigh', type: 'u32', reset: 0 },
    { name: 'alarmLow', type: 'u32', reset: 0 },
    { name: 'alarmHigh', type: 'u32', reset: 0 },
    { name: 'irqEnabled', type: 'u32', reset: 0 },
    { name: 'irqPending', type: 'u32', reset: 0 },
    { name: 'alarmRunning', type: 'u32', reset: 0 },
    { name: 'offset', type: 'u64' },
  ];

  readonly region: MemoryRegion;
  readonly irq = this.addOutput();
  #timer: Timer | undefined;

  timeHigh = 0;
  alarmLow = 0;
  alarmHigh = 0;
  irqEnabled = 0;
  irqPending = 0;
  alarmRunning = 0;
  /** What a guest that set the date has added to the machine's, in ns modulo 2^64. */
  offset = 0n;

  constructor() {
    super();
    this.region = this.addRegion(MemoryRegion.io('goldfish_rtc', GOLDFISH_RTC_SIZE, REGISTERS.ops32(this)));
  }

  override realize(): void {
    super.realize();
    this.#timer = this.machine.clock.timer(() => this.#alarm());
  }

  override resetHold(): void {
    super.resetHold();
    this.#timer?.disarm();
  }

  protected override afterRestore(): void {
    if (this.alarmRunning !== 0) this.armAlarm();
    else this.#timer?.disarm();
  }

  override dispose(): void {
    this.#timer?.disarm();
  }

  /** The date in ns since 1970. */
  now(): bigint {
    return BigInt.asUintN(64, this.offset + BigInt(Math.floor(this.machine.wallClockMs() * 1000)) * 1000n);
  }

  /** @internal */
  readTimeLow(): number {
    const now = this.now();
    this.timeHigh = Number(BigInt.asUintN(32, now >> 32n));
    return Number(BigInt.asUintN(32, now));
  }

  /** Sets the date: TIME_HIGH is written first. @internal */
  writeTimeLow(low: number): void {
    const date = (BigInt(this.timeHigh) << 32n) | BigInt(low);
    this.offset = BigInt.asUintN(64, this.offset + date - this.now());
    if (this.alarmRunning !== 0) this.armAlarm();
  }

  /** Starts the alarm; a date in the past rings at once. @internal */
  armAlarm(): void {
    const date = (BigInt(this.alarmHigh) << 32n) | BigInt(this.alarmLow);
    const ns = Number(date - this.now());
    if (ns <= 0) {
      this.#alarm();
      return;
    }
    this.alarmRunning = 1;
    this.#timer?.arm(this.machine.clock.now() + ns);
  }

  /** @internal */
  clearAlarm(): void {
    this.alarmRunning = 0;
    this.#timer?.disarm();
  }

  /** @internal */
  clearInterrupt(): void {
    this.irqPending = 0;
    this.updateIrq();
  }

  /** @internal */
  updateIrq(): void {
    this.irq.set((this.irqPending & this.irqEnabled) !== 0);
  }

  #alarm(): void {
    this.clearAlarm();
    this.irqPending = 1;
    this.updateIrq();
  }
}
