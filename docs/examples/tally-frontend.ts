// A complete architecture, small enough to read at once: Tally, a machine with eight 32-bit registers that exists nowhere.
//
// Instructions have four bytes: operation, rd << 4 | rs, and a signed 16-bit immediate, little-endian. Addresses are physical.
import {
  type ArchitecturePackage,
  type BoardDefinition,
  type CharBackend,
  Device,
  defineBoard,
  KiB,
  MemoryRegion,
} from '@boardwalk/core';
import {
  defineHelper,
  type Frontend,
  type InsnContext,
  type IrBuilder,
  type Slot,
  StateLayout,
  TranslatedCpu,
} from '@boardwalk/translator';

// --- 1. the state: common words that the engine knows, then the architecture's own registers

const state = new StateLayout();
const { pc, excCode, excValue, walkPa, walkBits, pendingIrq, halted } = state.common;
const r = state.array('r', 'i32', 8);
const savedPc = state.field('savedPc', 'i64');
const cause = state.field('cause', 'i32');
const enabled = state.field('enabled', 'i32');

const VECTOR = 0x100;
const CAUSE = { undefined: 1, bus: 2, misaligned: 3, interrupt: 4 } as const;

// --- 2. what happens at exceptions, interrupts and TLB misses: helpers in the IR, compiled to WebAssembly

const raise = defineHelper('tally_raise', [], undefined, (b) => {
  b.set(savedPc, b.get(pc));
  b.set(cause, b.get(excCode));
  b.set(enabled, b.i32(0));
  b.set(pc, b.i64(VECTOR));
});

const serviceInterrupt = defineHelper('tally_interrupt', [], 'i32', (b) => {
  b.if(b.get(pendingIrq), () => {
    b.set(halted, b.i32(0));
    b.if(b.get(enabled), () => {
      b.set(excCode, b.i32(CAUSE.interrupt));
      b.set(excValue, b.i64(0));
      b.call(raise);
      b.return_(b.i32(1));
    });
  });
  return b.i32(0);
});

/** No translation: every page is mapped to itself. */
const walk = defineHelper('tally_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
  b.set(walkPa, va);
  b.set(walkBits, b.i32(12));
  return b.i32(0);
});

// --- 3. the instructions: a table of names, lengths and meanings

interface Operands {
  readonly rd: Slot;
  readonly rs: Slot;
  readonly immediate: number;
  /** Address of the next instruction. */
  readonly next: number;
}

interface Instruction {
  readonly name: string;
  /** It ends its block. */
  readonly ends?: boolean;
  emit(b: IrBuilder, o: Operands): void;
}

const WORD = { size: 4, ty: 'i32', align: 'natural' } as const;

const INSTRUCTIONS: readonly Instruction[] = [
  {
    name: 'wait',
    ends: true,
    emit(b, o) {
      b.set(pc, b.i64(o.next));
      b.halt();
    },
  },
  { name: 'li', emit: (b, o) => b.set(o.rd, b.i32(o.immediate)) },
  { name: 'add', emit: (b, o) => b.set(o.rd, b.add(b.get(o.rd), b.get(o.rs))) },
  { name: 'addi', emit: (b, o) => b.set(o.rd, b.add(b.get(o.rs), b.i32(o.immediate))) },
  { name: 'lw', emit: (b, o) => b.set(o.rd, b.load(b.add(b.get(o.rs), b.i32(o.immediate)), WORD)) },
  { name: 'sw', emit: (b, o) => b.store(b.add(b.get(o.rs), b.i32(o.immediate)), b.get(o.rd), WORD) },
  {
    name: 'bnz',
    ends: true,
    emit: (b, o) => b.gotoIf(b.ne(b.get(o.rd), b.i32(0)), o.next + o.immediate, 0, o.next, 0),
  },
  {
    name: 'ei',
    ends: true,
    emit(b, o) {
      b.set(enabled, b.i32(1));
      b.set(pc, b.i64(o.next));
      b.exitToLookup();
    },
  },
  {
    name: 'rfe',
    ends: true,
    emit(b) {
      b.set(enabled, b.i32(1));
      b.set(pc, b.get(savedPc));
      b.exitToLookup();
    },
  },
];

const LENGTH = 4;

function register(number: number): Slot {
  const slot = r[number & 7];
  if (slot === undefined) throw new Error(`no register ${number}`);
  return slot;
}

function translateInsn(b: IrBuilder, context: InsnContext): void {
  const [low, immediate] = [context.fetch16(0), (context.fetch16(2) << 16) >> 16];
  const instruction = INSTRUCTIONS[low & 0xff];
  context.length = LENGTH;
  context.ended = instruction?.ends ?? instruction === undefined;
  if (instruction === undefined) b.raise(CAUSE.undefined, b.i64(low & 0xff));
  else {
    const operands = { rd: register(low >> 12), rs: register(low >> 8), immediate, next: context.pcLo + LENGTH };
    instruction.emit(b, operands);
  }
}

function disassemble(bytes: Uint8Array): { readonly text: string; readonly length: number } {
  const [operation = 0, registers = 0, low = 0, high = 0] = bytes;
  const { name } = INSTRUCTIONS[operation] ?? { name: '?' };
  const immediate = ((low | (high << 8)) << 16) >> 16;
  return { text: `${name} r${(registers >> 4) & 7}, r${registers & 7}, ${immediate}`, length: LENGTH };
}

// --- 4. the frontend

export const tallyFrontend: Frontend = {
  name: 'tally',
  endian: 'little',
  pageBits: 12,
  mmuModes: 1,
  state,
  exceptions: {
    busLoad: CAUSE.bus,
    busStore: CAUSE.bus,
    busFetch: CAUSE.bus,
    misalignedLoad: CAUSE.misaligned,
    misalignedStore: CAUSE.misaligned,
  },
  translateInsn,
  fetchMmu: (b) => b.i32(0),
  walk,
  raise,
  serviceInterrupt,
  disassemble,
};

// --- 5. the CPU as a device, and a board around it

export class TallyCpu extends TranslatedCpu {
  static override readonly typeName: string = 'tally-cpu';

  constructor(index: number) {
    super(index, tallyFrontend);
    this.addInput((level) => this.setIrqLine(0, level));
  }
}

/** Writes a character for each word that is stored to it; a store to the word after it ends the run. */
class Printer extends Device {
  static override readonly typeName: string = 'tally-printer';
  readonly region = this.addRegion(
    MemoryRegion.io('printer', 8, {
      valid: { min: 4, max: 4 },
      read: () => 0,
      write: (offset, _size, value) => {
        if (offset === 0) this.#out.write(Uint8Array.of(value & 0xff));
        else this.machine.shutdown('guest', value & 0xff);
      },
    }),
  );
  readonly #out: CharBackend;

  constructor(out: CharBackend) {
    super();
    this.#out = out;
  }
}

export const tallyBoard: BoardDefinition = defineBoard({
  name: 'tally',
  description: 'a Tally CPU, RAM, a printer',
  arch: 'tally',
  isDefault: true,
  defaultCpu: 'tally',
  maxCpus: 1,
  defaultRamSize: KiB(16),
  defaultRamId: 'tally.ram',
  build(machine) {
    machine.map(0, machine.ram);
    machine.map(0x7000, machine.add(new Printer(machine.serial(0)), 'printer').region);
    machine.add(new TallyCpu(0), 'cpu');
    const { kernel } = machine.options;
    if (kernel !== undefined) machine.onReset(() => void machine.addressSpace.writeBytes(0, kernel));
  },
});

// --- 6. what a package of an architecture exports

export const architecture: ArchitecturePackage = {
  names: ['tally'],
  boards: [tallyBoard],
  cpuModels: () => [{ name: 'tally', description: 'the only Tally CPU' }],
};
