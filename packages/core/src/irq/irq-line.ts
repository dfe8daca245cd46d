// Interrupt lines: one output drives one input. Levels are logical; a chip's active-low pin is inverted where it is wired.
import type { Device } from '../device/device.ts';

/** Told the new level of a line. `index` is the input's number within its group. */
export type IrqHandler = (level: boolean, index: number) => void;

/** An input pin of a device. */
export class IrqInput {
  readonly owner: Device;
  readonly name: string;
  readonly index: number;
  readonly #handler: IrqHandler;
  #level = false;
  #driver: IrqOutput | undefined;
  #watcher: IrqHandler | undefined;

  constructor(owner: Device, name: string, index: number, handler: IrqHandler) {
    this.owner = owner;
    this.name = name;
    this.index = index;
    this.#handler = handler;
  }

  /** The level that is applied now. */
  get level(): boolean {
    return this.#level;
  }

  /** The output that is wired to it. */
  get driver(): IrqOutput | undefined {
    return this.#driver;
  }

  /** Applies a level; the device hears of it when it changed. */
  set(level: boolean): void {
    if (level === this.#level) return;
    this.#level = level;
    this.owner.traceInput(this, level);
    this.#handler(level, this.index);
    this.#watcher?.(level, this.index);
  }

  /** Looks on: told of each change after the device. One looks on at a time; undefined ends it. */
  watch(watcher: IrqHandler | undefined): void {
    this.#watcher = watcher;
  }

  /** @internal a snapshot's level: the device's own state says what it made of it */
  restore(level: boolean): void {
    this.#level = level;
  }

  /** @internal */
  attach(driver: IrqOutput): void {
    if (this.#driver !== undefined) {
      throw new Error(`${this.owner.path}: input ${this.name}[${this.index}] is wired already; use an OrGate`);
    }
    this.#driver = driver;
  }
}

/** An output pin of a device. */
export class IrqOutput {
  readonly name: string;
  readonly index: number;
  #level = false;
  #target: IrqInput | undefined;
  #watcher: IrqHandler | undefined;

  constructor(name = 'irq', index = 0) {
    this.name = name;
    this.index = index;
  }

  /** The level that is driven now. */
  get level(): boolean {
    return this.#level;
  }

  /** The input that it is wired to. */
  get target(): IrqInput | undefined {
    return this.#target;
  }

  /**
   * Wires it to an input, which gets the present level.
   * @throws Error if either end is wired already: an OrGate joins lines, a Splitter divides one
   */
  connect(input: IrqInput): void {
    if (this.#target !== undefined)
      throw new Error(`output ${this.name}[${this.index}] is wired already; use a Splitter`);
    input.attach(this);
    this.#target = input;
    input.set(this.#level);
  }

  set(level: boolean): void {
    const changed = level !== this.#level;
    this.#level = level;
    this.#target?.set(level);
    if (changed) this.#watcher?.(level, this.index);
  }

  /** Looks on: told of each change after the input that is wired to it. One looks on at a time; undefined ends it. */
  watch(watcher: IrqHandler | undefined): void {
    this.#watcher = watcher;
  }

  raise(): void {
    this.set(true);
  }

  lower(): void {
    this.set(false);
  }

  /** High and low again: an edge. */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** @internal */
  restore(level: boolean): void {
    this.#level = level;
  }
}
