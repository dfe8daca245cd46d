// A CPU and a board for tests of the machine: "instructions" are calls of a function.
import { RamSpace } from '../memory/index.ts';
import { type BoardDefinition, defineBoard } from './board.ts';
import { Cpu } from './cpu.ts';
import { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';
import { KiB } from './units.ts';

/** Executes one call of `instruction` per instruction. */
export class FakeCpu extends Cpu {
  static override readonly typeName: string = 'fake-cpu';
  halted = false;
  executed = 0;
  slices: number[] = [];
  /** An interrupt that ends a halt. */
  interrupt = false;
  readonly irq = this.addInput((level) => {
    this.interrupt = level;
  });
  instruction: (cpu: FakeCpu) => void;
  #exit = false;
  #inSlice = 0;

  constructor(index: number, instruction: (cpu: FakeCpu) => void) {
    super(index);
    this.instruction = instruction;
  }

  override hasWork(): boolean {
    return !this.halted || this.interrupt;
  }

  execute(budget: number): number {
    this.slices.push(budget);
    this.#inSlice = 0;
    if (this.interrupt) this.halted = false;
    this.#exit = false;
    while (this.#inSlice < budget && !this.halted && !this.#exit) {
      this.#inSlice++;
      this.executed++;
      this.instruction(this);
    }
    const executed = this.#inSlice;
    this.#inSlice = 0;
    return executed;
  }

  override instructionsInSlice(): number {
    return this.#inSlice;
  }

  requestExit(): void {
    this.#exit = true;
  }

  describe(): string {
    return `executed=${this.executed}`;
  }

  override resetHold(): void {
    super.resetHold();
    this.halted = false;
  }
}

/** A board with 64 KiB of RAM at 0. */
export function testBoard(more: Partial<BoardDefinition> = {}): BoardDefinition {
  return defineBoard({
    name: 'toy',
    description: 'board for tests',
    arch: 'test',
    defaultCpu: 'fake',
    maxCpus: 4,
    defaultRamSize: KiB(64),
    defaultRamId: 'toy.ram',
    build: (machine) => machine.map(0, machine.ram),
    ...more,
  });
}

/** A space that is small enough to be made for each test. */
export function smallSpace(): RamSpace {
  return RamSpace.create({ bytes: 1 << 20 });
}

/** A machine with one CPU for each instruction function. */
export async function machineOf(
  instructions: readonly ((cpu: FakeCpu) => void)[],
  options: MachineOptions = {},
  more: Partial<BoardDefinition> = {},
): Promise<{ readonly machine: Machine; readonly cpus: readonly FakeCpu[] }> {
  const cpus = instructions.map((instruction, i) => new FakeCpu(i, instruction));
  const board = testBoard({
    build(machine) {
      machine.map(0, machine.ram);
      for (const cpu of cpus) machine.add(cpu, `cpu${cpu.index}`);
    },
    ...more,
  });
  return { machine: await Machine.create(board, { space: smallSpace(), ...options }), cpus };
}
