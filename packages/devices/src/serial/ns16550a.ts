// NS16550A: universal asynchronous receiver/transmitter with 16-byte FIFOs.
// After: National Semiconductor, "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", June 1995 (section 8, registers; 8.4, FIFO interrupt modes).
// The transmitter is as fast as the character backend; the receiver's character timeout keeps the line's rate.

import {
  type CharBackend,
  CharFrontend,
  Device,
  type DeviceState,
  MemoryRegion,
  NullChar,
  type RegionOps,
  type StateField,
  type Timer,
} from '@boardwalk/core';
import { RegisterTable } from '../registers.ts';

/** Interrupt enable register. */
const IER_RDA = 0x01;
const IER_THRE = 0x02;
const IER_LINE = 0x04;
const IER_MODEM = 0x08;

/** Interrupt identification register, by falling priority. */
const IIR_LINE = 0x06;
const IIR_RDA = 0x04;
const IIR_TIMEOUT = 0x0c;
const IIR_THRE = 0x02;
const IIR_MODEM = 0x00;
const IIR_NONE = 0x01;
const IIR_FIFOS = 0xc0;

/** FIFO control register. */
const FCR_ENABLE = 0x01;
const FCR_CLEAR_RECEIVER = 0x02;
const FCR_STORED = 0xc9;

/** Line control register. */
const LCR_STOP = 0x04;
const LCR_PARITY = 0x08;
const LCR_BREAK = 0x40;
const LCR_DLAB = 0x80;

/** Modem control register. */
const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;

/** Line status register. */
const LSR_DR = 0x01;
const LSR_OE = 0x02;
const LSR_BI = 0x10;
const LSR_ERRORS = 0x1e;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;
const LSR_FIFO_ERROR = 0x80;

/** Modem status register: lines in the high half, "has changed" in the low half. */
const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;
const MSR_LINES = 0xf0;
const MSR_DELTA_RI = 0x04;

const FIFO_DEPTH = 16;
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
/** Characters of silence after which the receiver reports what it holds. */
const TIMEOUT_CHARACTERS = 4;

const REGISTERS = new RegisterTable<Ns16550a>(
  [
    {
      offset: 0,
      name: 'RBR/THR/DLL',
      read: (u) => (u.dlab ? u.dll : u.readRbr()),
      write: (u, v) => (u.dlab ? u.writeDivisor(v, u.dlm) : u.writeThr(v)),
    },
    {
      offset: 1,
      name: 'IER/DLM',
      read: (u) => (u.dlab ? u.dlm : u.ier),
      write: (u, v) => (u.dlab ? u.writeDivisor(u.dll, v) : u.writeIer(v)),
    },
    { offset: 2, name: 'IIR/FCR', read: (u) => u.readIir(), write: (u, v) => u.writeFcr(v) },
    { offset: 3, name: 'LCR', field: 'lcr', write: (u) => u.lineControlChanged() },
    { offset: 4, name: 'MCR', field: 'mcr', writeMask: 0x1f, write: (u) => u.updateModemStatus() },
    // Writing LSR and MSR is reserved for factory tests.
    { offset: 5, name: 'LSR', read: (u) => u.readLsr() },
    { offset: 6, name: 'MSR', read: (u) => u.readMsr() },
    { offset: 7, name: 'SCR', field: 'scr', writeMask: 0xff },
  ],
  1,
);

/** How an {@link Ns16550a} is wired. */
export interface Ns16550aOptions {
  /** What the line is connected to; nothing by default. */
  readonly chardev?: CharBackend;
  /** Registers lie `1 << regshift` bytes apart (0, 1 or 2). */
  readonly regshift?: number;
  /** Widest access in bytes that reaches one register (1, 2 or 4); wider ones are split. `1 << regshift` by default. */
  readonly ioWidth?: 1 | 2 | 4;
  /** Byte order of a wide register. */
  readonly endianness?: 'little' | 'big';
  /** Input clock in Hz; the line's rate is `clockFrequency / 16 / divisor`. */
  readonly clockFrequency?: number;
}

/** A 16550A at `region`, interrupting through `irq`. */
export class Ns16550a extends Device {
  static override readonly typeName: string = 'serial-mm';
  static override readonly state: readonly StateField[] = [
    { name: 'ier', type: 'u8', reset: 0 },
    { name: 'fcr', type: 'u8', reset: 0 },
    { name: 'lcr', type: 'u8', reset: 0 },
    { name: 'mcr', type: 'u8', reset: 0 },
    { name: 'msr', type: 'u8', reset: MSR_CTS | MSR_DSR | MSR_DCD },
    { name: 'scr', type: 'u8', reset: 0 },
    { name: 'dll', type: 'u8', reset: 0 },
    { name: 'dlm', type: 'u8', reset: 0 },
    { name: 'rxData', type: 'bytes', count: FIFO_DEPTH, reset: 0 },
    { name: 'rxFlags', type: 'bytes', count: FIFO_DEPTH, reset: 0 },
    { name: 'rxHead', type: 'u8', reset: 0 },
    { name: 'rxCount', type: 'u8', reset: 0 },
    { name: 'overrun', type: 'bool', reset: false },
    { name: 'threInterrupt', type: 'bool', reset: false },
    { name: 'timedOut', type: 'bool', reset: false },
    { name: 'timeoutDeadline', type: 'number', reset: -1 },
  ];

  readonly region: MemoryRegion;
  readonly irq = this.addOutput('irq');
  readonly #chardev: CharBackend;
  #line: CharFrontend | undefined;
  readonly #clockFrequency: number;
  #timeout: Timer | undefined;

  ier = 0;
  fcr = 0;
  lcr = 0;
  mcr = 0;
  msr = 0;
  scr = 0;
  dll = 0;
  dlm = 0;
  rxData = new Uint8Array(FIFO_DEPTH);
  rxFlags = new Uint8Array(FIFO_DEPTH);
  rxHead = 0;
  rxCount = 0;
  overrun = false;
  threInterrupt = false;
  timedOut = false;
  /** When the receiver's timeout is due, in ns of virtual time; negative when it is not running. */
  timeoutDeadline = -1;

  constructor(options: Ns16550aOptions = {}) {
    super();
    const shift = options.regshift ?? 0;
    this.#chardev = options.chardev ?? new NullChar();
    this.#clockFrequency = options.clockFrequency ?? 1_843_200;
    this.region = this.addRegion(MemoryRegion.io('serial', 8 << shift, this.#ops(shift, options)));
  }

  override realize(): void {
    super.realize();
    this.#timeout = this.machine.clock.timer(() => this.#receiverTimedOut());
    this.#line = new CharFrontend(this.#chardev, {
      // In loopback the receiver is cut off from the line.
      canReceive: () => ((this.mcr & MCR_LOOP) !== 0 ? 0 : this.#capacity() - this.rxCount),
      receive: (character) => this.#receive(character, 0),
      event: (event) => {
        if (event === 'break') this.#receive(0, LSR_BI);
      },
    });
  }

  override save(): DeviceState {
    const state = super.save();
    return this.#line?.save(state) ?? state;
  }

  override restore(state: DeviceState): void {
    super.restore(this.#line?.restore(state) ?? state);
  }

  protected override afterRestore(): void {
    if (this.timeoutDeadline >= 0) this.#timeout?.arm(this.timeoutDeadline);
    else this.#timeout?.disarm();
  }

  override resetHold(): void {
    super.resetHold();
    this.#timeout?.disarm();
    this.#line?.poll();
  }

  override dispose(): void {
    this.#timeout?.disarm();
  }

  /** Whether the divisor latch is on the first two addresses. */
  get dlab(): boolean {
    return (this.lcr & LCR_DLAB) !== 0;
  }

  /** The line's rate in baud, 0 while the divisor is 0 (the generator stands still). */
  get baud(): number {
    const divisor = this.dll | (this.dlm << 8);
    return divisor === 0 ? 0 : this.#clockFrequency / 16 / divisor;
  }

  /** @internal */
  readRbr(): number {
    const character = this.rxCount === 0 ? 0 : (this.rxData[this.rxHead] ?? 0);
    if (this.rxCount > 0) {
      this.rxHead = (this.rxHead + 1) % FIFO_DEPTH;
      this.rxCount--;
    }
    this.timedOut = false;
    this.#line?.poll();
    this.#startTimeout();
    this.#updateIrq();
    return character;
  }

  // The word length is not applied: programs that never set LCR expect their bytes to arrive whole, as on a line set up by firmware.
  /** @internal */
  writeThr(value: number): void {
    const character = value & 0xff;
    if ((this.mcr & MCR_LOOP) !== 0) this.#receive(character, 0);
    else this.#line?.writeByte(character);
    // The holding register is empty again at once: that is what the interrupt reports.
    this.threInterrupt = true;
    this.#updateIrq();
  }

  /** @internal */
  writeDivisor(low: number, high: number): void {
    this.dll = low & 0xff;
    this.dlm = high & 0xff;
  }

  /** @internal */
  writeIer(value: number): void {
    const enabled = value & ~this.ier;
    this.ier = value & 0x0f;
    // Enabling the transmitter's interrupt while the holding register is empty interrupts at once.
    if ((enabled & IER_THRE) !== 0) this.threInterrupt = true;
    this.#updateIrq();
  }

  /** @internal */
  readIir(): number {
    const id = this.#interruptId();
    if (id === IIR_THRE) {
      this.threInterrupt = false;
      this.#updateIrq();
    }
    return id | ((this.fcr & FCR_ENABLE) !== 0 ? IIR_FIFOS : 0);
  }

  /** @internal */
  writeFcr(value: number): void {
    const toggled = ((value ^ this.fcr) & FCR_ENABLE) !== 0;
    // With bit 0 clear the other bits are not programmed.
    this.fcr = (value & FCR_ENABLE) !== 0 ? value & FCR_STORED : 0;
    if (toggled || ((value & FCR_ENABLE) !== 0 && (value & FCR_CLEAR_RECEIVER) !== 0)) {
      this.rxCount = 0;
      this.timedOut = false;
      this.#line?.poll();
    }
    this.#startTimeout();
    this.#updateIrq();
  }

  /** @internal */
  lineControlChanged(): void {
    if ((this.lcr & LCR_BREAK) !== 0 && (this.mcr & MCR_LOOP) !== 0) this.#receive(0, LSR_BI);
  }

  /** @internal */
  readLsr(): number {
    let status = LSR_THRE | LSR_TEMT;
    if (this.rxCount > 0) status |= LSR_DR | (this.rxFlags[this.rxHead] ?? 0);
    if (this.overrun) status |= LSR_OE;
    if ((this.fcr & FCR_ENABLE) !== 0 && this.#anyErrorHeld()) status |= LSR_FIFO_ERROR;
    this.overrun = false;
    if (this.rxCount > 0) this.rxFlags[this.rxHead] = 0;
    this.#updateIrq();
    return status;
  }

  /** @internal */
  readMsr(): number {
    const status = this.msr;
    this.msr &= MSR_LINES;
    this.#updateIrq();
    return status;
  }

  /** Follows the modem lines: a ready terminal outside, or our own outputs in loopback. @internal */
  updateModemStatus(): void {
    const lines = (this.mcr & MCR_LOOP) === 0 ? MSR_CTS | MSR_DSR | MSR_DCD : loopedBackLines(this.mcr);
    const changed = (lines ^ this.msr) & MSR_LINES;
    // Ring reports its trailing edge only.
    const ringEnded = (changed & MSR_RI) !== 0 && (lines & MSR_RI) === 0 ? MSR_DELTA_RI : 0;
    const deltas = ((changed & ~MSR_RI) >> 4) | ringEnded;
    this.msr = lines | (this.msr & 0x0f) | deltas;
    this.#line?.poll();
    this.#updateIrq();
  }

  #ops(shift: number, options: Ns16550aOptions): RegionOps {
    return {
      endianness: options.endianness ?? 'little',
      valid: { min: 1, max: 4 },
      impl: { min: 1, max: options.ioWidth ?? (shift === 0 ? 1 : shift === 1 ? 2 : 4) },
      read: (offset) => (isRegister(offset, shift) ? REGISTERS.read(this, offset >> shift) : 0),
      write: (offset, _size, value) => {
        if (isRegister(offset, shift)) REGISTERS.write(this, offset >> shift, value & 0xff);
      },
    };
  }

  #capacity(): number {
    return (this.fcr & FCR_ENABLE) !== 0 ? FIFO_DEPTH : 1;
  }

  /** A character arrives on the line, whether there is room or not. */
  #receive(character: number, flags: number): void {
    if (this.rxCount < this.#capacity()) {
      this.#store(character, flags);
    } else {
      // A full FIFO keeps what it has; the single buffer of 16450 mode is overwritten.
      this.overrun = true;
      if ((this.fcr & FCR_ENABLE) === 0) {
        this.rxData[this.rxHead] = character;
        this.rxFlags[this.rxHead] = flags;
      }
    }
    this.#updateIrq();
  }

  #store(character: number, flags: number): void {
    const tail = (this.rxHead + this.rxCount) % FIFO_DEPTH;
    this.rxData[tail] = character;
    this.rxFlags[tail] = flags;
    this.rxCount++;
    this.timedOut = false;
    this.#startTimeout();
  }

  #anyErrorHeld(): boolean {
    for (let i = 0; i < this.rxCount; i++) {
      if (this.rxFlags[(this.rxHead + i) % FIFO_DEPTH] !== 0) return true;
    }
    return false;
  }

  /** Length of one character on the line, in ns. */
  #characterTime(): number {
    const stopBits = (this.lcr & LCR_STOP) !== 0 ? 2 : 1;
    const bits = 1 + 5 + (this.lcr & 3) + ((this.lcr & LCR_PARITY) !== 0 ? 1 : 0) + stopBits;
    const divisor = this.dll | (this.dlm << 8) || 1;
    return (bits * divisor * 16e9) / this.#clockFrequency;
  }

  #startTimeout(): void {
    if ((this.fcr & FCR_ENABLE) === 0 || this.rxCount === 0) {
      this.timeoutDeadline = -1;
      this.#timeout?.disarm();
      return;
    }
    this.timeoutDeadline = Math.ceil(this.machine.clock.now() + TIMEOUT_CHARACTERS * this.#characterTime());
    this.#timeout?.arm(this.timeoutDeadline);
  }

  #receiverTimedOut(): void {
    this.timeoutDeadline = -1;
    this.timedOut = this.rxCount > 0;
    this.#updateIrq();
  }

  #interruptId(): number {
    const lineError = this.overrun || (this.rxCount > 0 && ((this.rxFlags[this.rxHead] ?? 0) & LSR_ERRORS) !== 0);
    if ((this.ier & IER_LINE) !== 0 && lineError) return IIR_LINE;
    if ((this.ier & IER_RDA) !== 0) {
      const level = (this.fcr & FCR_ENABLE) !== 0 ? (TRIGGER_LEVELS[this.fcr >> 6] ?? 1) : 1;
      if (this.rxCount >= level) return IIR_RDA;
      if (this.timedOut) return IIR_TIMEOUT;
    }
    if ((this.ier & IER_THRE) !== 0 && this.threInterrupt) return IIR_THRE;
    if ((this.ier & IER_MODEM) !== 0 && (this.msr & 0x0f) !== 0) return IIR_MODEM;
    return IIR_NONE;
  }

  #updateIrq(): void {
    this.irq.set(this.#interruptId() !== IIR_NONE);
  }
}

/** In loopback the four modem outputs feed the four inputs: DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD. */
function loopedBackLines(mcr: number): number {
  return (
    ((mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
    ((mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) |
    ((mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) |
    ((mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0)
  );
}

/** Only the lowest byte lane of a spread-out register is wired. */
function isRegister(offset: number, shift: number): boolean {
  return (offset & ((1 << shift) - 1)) === 0;
}
