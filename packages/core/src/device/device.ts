// The base of everything on a board: lifecycle, state, memory regions and interrupt lines.

import { type IrqHandler, IrqInput, IrqOutput } from '../irq/irq-line.ts';
import type { Machine } from '../machine/machine.ts';
import type { MemoryRegion } from '../memory/index.ts';
import { BwObject, type PropertySpec } from '../object/index.ts';
import type { Bus } from './bus.ts';
import {
  checkSavedState,
  checkState,
  type DeviceState,
  describeState,
  resetState,
  restoreState,
  type StateField,
  saveState,
} from './state.ts';

/**
 * A part of a machine. Life: constructed with its options; added to a machine or to another device, which realizes it;
 * reset (three phases over the whole tree) before the machine starts and whenever it is reset; disposed with the machine.
 */
export class Device extends BwObject {
  static override readonly typeName: string = 'device';
  /** The class's own state; ancestors' fields are added to it. */
  static readonly state: readonly StateField[] = [];
  /** Of the saved state: raised when a field changes its meaning. */
  static readonly stateVersion: number = 1;

  #machine: Machine | undefined;
  #realized = false;
  #hotplugged = false;
  /** What a user's device was plugged into. */
  parentBus: Bus | undefined;
  readonly #regions: MemoryRegion[] = [];
  readonly #inputs = new Map<string, readonly IrqInput[]>();
  readonly #outputs = new Map<string, readonly IrqOutput[]>();

  /** The machine that it is part of. @throws Error before it has been added */
  /** @internal tells of a new level of an input */
  traceInput({ name, index }: IrqInput, level: boolean): void {
    const trace = this.#machine?.trace;
    if (trace?.enabled('irq_line_set')) {
      trace.tell('irq_line_set', `device '${this.path}' line ${name}[${index}] level ${level ? 1 : 0}`);
    }
  }

  get machine(): Machine {
    if (this.#machine === undefined) throw new Error(`${this.constructor.name} is not part of a machine yet`);
    return this.#machine;
  }

  get realized(): boolean {
    return this.#realized;
  }

  /** True for a device that came when the machine was complete already. */
  get hotplugged(): boolean {
    return this.#hotplugged;
  }

  /** Whether the device can come and go while the machine is there. Override where it can. */
  get hotpluggable(): boolean {
    return false;
  }

  /**
   * Checks options and makes what needs the machine (timers, regions in its RAM, parts of its own: `this.add`).
   * Called once, by the machine.
   * @throws UserError for an option that cannot be
   */
  realize(): void {}

  /** First phase of a reset: forget what is in flight. No effect on other devices yet. */
  resetEnter(): void {}

  /** Second phase: registers get their reset values and outputs are lowered; override (and call super) for what depends. */
  resetHold(): void {
    resetState(this);
    for (const group of this.#outputs.values()) for (const output of group) output.lower();
  }

  /** Third phase: every device has its reset values and firmware is in place; fetch a vector, start a timer. */
  resetExit(): void {}

  /** Takes a copy of the state. Devices with more than declared fields add to it. */
  save(): DeviceState {
    return {
      type: this.type,
      version: (this.constructor as typeof Device).stateVersion,
      fields: saveState(this),
      inputs: levels(this.#inputs),
      outputs: levels(this.#outputs),
    };
  }

  /**
   * Looks whether a saved state is one of this device, and changes nothing.
   * @throws Error for the state of another type, a newer version or a malformed value
   */
  checkSaved(state: DeviceState): void {
    const { stateVersion } = this.constructor as typeof Device;
    if (state.type !== this.type) {
      throw new Error(`${this.path}: saved state is that of '${state.type}', not '${this.type}'`);
    }
    if (state.version > stateVersion)
      throw new Error(`${this.path}: saved state has a newer version, ${state.version}`);
    checkSavedState(this, state.fields);
  }

  /**
   * Puts a copy back; then {@link afterRestore} makes what follows from it (timers, mappings).
   * @throws Error for the state of another type, a newer version or a malformed value
   */
  restore(state: DeviceState): void {
    this.checkSaved(state);
    restoreState(this, state.fields);
    restoreLevels(this.#inputs, state.inputs);
    restoreLevels(this.#outputs, state.outputs);
    this.afterRestore();
  }

  /** Re-arms timers and sets mappings from the restored fields. Lines have their saved levels already. */
  protected afterRestore(): void {}

  /** The declared state as `name=value` texts. */
  describeState(): string[] {
    return describeState(this);
  }

  /**
   * Asks the guest to let the device go, where its board does so.
   * @returns whether it was asked: the board takes the device out when the guest has agreed. Otherwise it goes at once
   */
  requestUnplug(): boolean {
    return false;
  }

  /**
   * Takes the device out of a machine that goes on: undoes what {@link realize} mapped and claimed. Called for devices that are
   * {@link hotpluggable}, before {@link dispose}.
   */
  unplug(): void {}

  /**
   * Lets go of host resources. The machine calls it once, for every device; an override may return a promise, which the machine waits
   * for before it closes drives.
   */
  override dispose(): void {}

  /** Options are fixed once the device is realized, but for those that a class names. */
  protected override refuseChange(spec: PropertySpec): string | undefined {
    if (!this.#realized || this.canChangeRealized(spec.name)) return undefined;
    return `Attempt to set property '${spec.name}' on device '${this.id}' (type '${this.type}') after it was realized`;
  }

  /** Whether a property stays writable once the device is realized. Override for those that do; by default none does. */
  protected canChangeRealized(_name: string): boolean {
    return false;
  }

  /** Memory regions that the device offers to be mapped, in the order of their registration. */
  get regions(): readonly MemoryRegion[] {
    return this.#regions;
  }

  /** Registers a region of the device's own and makes it a child. */
  protected addRegion<R extends MemoryRegion>(region: R): R {
    this.#regions.push(region);
    this.addChild(`${region.name}[*]`, region);
    return region;
  }

  /** Input lines by group; the unnamed group is `in`. */
  get irqInputs(): ReadonlyMap<string, readonly IrqInput[]> {
    return this.#inputs;
  }

  /** Output lines by group; the unnamed group is `irq`. */
  get irqOutputs(): ReadonlyMap<string, readonly IrqOutput[]> {
    return this.#outputs;
  }

  /** Makes `count` input lines; `handler` hears of changes. */
  protected addInputs(count: number, handler: IrqHandler, name = 'in'): readonly IrqInput[] {
    if (this.#inputs.has(name)) throw new Error(`${this.constructor.name} has inputs '${name}' already`);
    const inputs = Array.from({ length: count }, (_, index) => new IrqInput(this, name, index, handler));
    this.#inputs.set(name, inputs);
    return inputs;
  }

  /** Makes one input line. */
  protected addInput(handler: (level: boolean) => void, name = 'in'): IrqInput {
    this.addInputs(1, handler, name);
    return this.input(name);
  }

  /** Makes `count` output lines. */
  protected addOutputs(count: number, name = 'irq'): readonly IrqOutput[] {
    if (this.#outputs.has(name)) throw new Error(`${this.constructor.name} has outputs '${name}' already`);
    const outputs = Array.from({ length: count }, (_, index) => new IrqOutput(name, index));
    this.#outputs.set(name, outputs);
    return outputs;
  }

  /** Makes one output line. */
  protected addOutput(name = 'irq'): IrqOutput {
    this.addOutputs(1, name);
    return this.output(name);
  }

  /** An input line: `input(3)` of the unnamed group, `input('reset')`, `input('gpio', 7)`. @throws RangeError if there is none */
  input(nameOrIndex: string | number = 'in', index = 0): IrqInput {
    if (typeof nameOrIndex === 'number') return lineOf(this, this.#inputs, 'input', 'in', nameOrIndex);
    return lineOf(this, this.#inputs, 'input', nameOrIndex, index);
  }

  /** An output line, named as in {@link input}. @throws RangeError if there is none */
  output(nameOrIndex: string | number = 'irq', index = 0): IrqOutput {
    if (typeof nameOrIndex === 'number') return lineOf(this, this.#outputs, 'output', 'irq', nameOrIndex);
    return lineOf(this, this.#outputs, 'output', nameOrIndex, index);
  }

  /** Adds a part; it is realized at once if this device is being realized or has been, else together with this device. */
  add<T extends Device>(part: T, name = `${part.type}[*]`): T {
    this.addChild(name, part);
    if (this.#machine !== undefined) this.#machine.adopt(part);
    return part;
  }

  /** @internal the machine takes the device in: realizes it, then those of its parts that are not yet */
  attach(machine: Machine): void {
    if (this.#realized) return;
    this.#machine = machine;
    this.#hotplugged = machine.built;
    this.#realized = true;
    this.realize();
    checkState(this);
    for (const child of [...this.children.values()])
      if (child instanceof Device && !child.#realized) machine.adopt(child);
  }
}

function lineOf<L>(
  device: Device,
  groups: ReadonlyMap<string, readonly L[]>,
  kind: string,
  name: string,
  index: number,
): L {
  const line = groups.get(name)?.[index];
  if (line === undefined) throw new RangeError(`${device.type} '${device.id}' has no ${kind} ${name}[${index}]`);
  return line;
}

function levels(
  groups: ReadonlyMap<string, readonly { readonly level: boolean }[]>,
): Record<string, readonly boolean[]> {
  return Object.fromEntries([...groups].map(([name, lines]) => [name, lines.map((line) => line.level)]));
}

function restoreLevels(
  groups: ReadonlyMap<string, readonly { restore(level: boolean): void }[]>,
  saved: Readonly<Record<string, readonly boolean[]>>,
): void {
  for (const [name, lines] of groups)
    lines.forEach((line, i) => {
      line.restore(saved[name]?.[i] ?? false);
    });
}
