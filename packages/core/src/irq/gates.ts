// Joining and dividing interrupt lines.
import { Device } from '../device/device.ts';
import type { IrqOutput } from './irq-line.ts';

/** Its output is high while any of its inputs is. */
export class OrGate extends Device {
  static override readonly typeName: string = 'or-irq';
  readonly irq: IrqOutput;

  /** @param lines inputs, at least one */
  constructor(lines: number) {
    super();
    this.irq = this.addOutput('out');
    const inputs = this.addInputs(lines, () => this.irq.set(inputs.some((input) => input.level)));
  }

  /** Follows its inputs, whatever the order in which devices are reset. */
  override resetHold(): void {}
}

/** Each of its outputs follows its one input. */
export class Splitter extends Device {
  static override readonly typeName: string = 'split-irq';
  readonly outputs: readonly IrqOutput[];

  /** @param lines outputs, at least one */
  constructor(lines: number) {
    super();
    this.outputs = this.addOutputs(lines, 'out');
    this.addInput((level) => {
      for (const output of this.outputs) output.set(level);
    });
  }

  override resetHold(): void {}
}
