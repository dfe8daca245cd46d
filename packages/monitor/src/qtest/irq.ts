// qtest's view of interrupt lines: one device's are watched, any input can be driven.
import { Device, type IrqInput, type IrqOutput, resolvePath, UserError } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { QtestCommand } from './memory.ts';
import type { Words } from './words.ts';

/** Groups of lines without a name of their own. */
const UNNAMED_INPUTS = 'in';
const UNNAMED_OUTPUTS = 'irq';
/** What they are called on QEMU. */
const UNNAMED_GPIO_IN = 'unnamed-gpio-in';

/** Watches lines of one device, and says `IRQ raise N` and `IRQ lower N`. */
export class IrqWatch {
  readonly #emulator: Emulator;
  readonly #say: (line: string) => void;
  #device: Device | undefined;
  #lines: readonly (IrqInput | IrqOutput)[] = [];
  #levels: boolean[] = [];

  constructor(emulator: Emulator, say: (line: string) => void) {
    this.#emulator = emulator;
    this.#say = say;
  }

  /** A new client has heard of nothing yet. */
  forget(): void {
    this.#levels = [];
  }

  end(): void {
    for (const line of this.#lines) line.watch(undefined);
  }

  get commands(): Record<string, QtestCommand> {
    return {
      irq_intercept_in: (words) =>
        this.#intercept(words, (device) => group(device.irqInputs, words.optional(), UNNAMED_INPUTS)),
      irq_intercept_out: (words) =>
        this.#intercept(words, (device) => group(device.irqOutputs, words.optional(), UNNAMED_OUTPUTS)),
      set_irq_in: (words) => this.#setInput(words),
    };
  }

  #intercept(words: Words, linesOf: (device: Device) => readonly (IrqInput | IrqOutput)[]): string {
    const device = this.#find(words.word('path'));
    if (this.#device === device) return '';
    if (this.#device !== undefined) throw new UserError('IRQ intercept already enabled');
    this.#lines = linesOf(device);
    this.#device = device;
    this.#lines.forEach((line, number) => {
      line.watch((level) => this.#changed(level, number));
    });
    return '';
  }

  #changed(level: boolean, index: number): void {
    if ((this.#levels[index] ?? false) === level) return;
    this.#levels[index] = level;
    this.#say(`IRQ ${level ? 'raise' : 'lower'} ${index}`);
  }

  #setInput(words: Words): string {
    const device = this.#find(words.word('path'));
    const name = words.word('name');
    const number = words.count('number');
    const level = words.number('level') !== 0n;
    const lines = device.irqInputs.get(name === UNNAMED_GPIO_IN ? UNNAMED_INPUTS : name);
    const line = lines?.[number];
    if (line === undefined) throw new UserError(`Unknown input ${name}[${number}] of ${device.path}`);
    line.set(level);
    return '';
  }

  /** By its path, whole or a part that fits one device. */
  #find(path: string): Device {
    const { object } = resolvePath(this.#emulator.root, path);
    if (!(object instanceof Device)) throw new UserError('Unknown device');
    return object;
  }
}

/** The lines of a name; without one those that have none, or where each has a name all of them, in order. */
function group<L>(groups: ReadonlyMap<string, readonly L[]>, name: string | undefined, unnamed: string): readonly L[] {
  if (name === undefined) return groups.get(unnamed) ?? [...groups.values()].flat();
  const lines = groups.get(name);
  if (lines === undefined) throw new UserError(`Unknown lines '${name}'`);
  return lines;
}
