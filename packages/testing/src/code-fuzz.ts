// Random code for a CPU: nothing that a guest executes makes the host throw or hang, and what is compiled does what the interpreter does,
// with interrupts, breakpoints and single steps at any instruction.

import {
  type Cpu,
  type DebugRegister,
  InstructionClockSource,
  type Machine,
  type MachineOptions,
  VirtualClock,
} from '@boardwalk/core';
import { differences } from './differences.ts';
import { interestingInteger, Random } from './random.ts';

export interface CodeFuzzOptions {
  /** Makes the machine. All are made alike, except for tier 1. */
  readonly boot: (options: Pick<MachineOptions, 'tier1' | 'clock'>) => Promise<Machine>;
  /** Where the code lies: an address of RAM, and the pc that programs start at. */
  readonly at: number;
  /** Bytes of code and data there; two pages unless said otherwise. */
  readonly bytes?: number;
  /** Bytes of an instruction that may be valid. Default: any bytes. */
  readonly instruction?: (random: Random) => readonly number[];
  /** Names of the registers that get random values; of the description's first feature all unless said otherwise. */
  readonly registers?: RegExp;
  /** Sets what an architecture needs before a round, so that traps go into the code, too. */
  readonly prepare?: (cpu: Cpu, random: Random) => void;
  /** Forgets translations, and that code changed before: else tier 1 would be held back by programs that are gone. */
  readonly forget?: (cpu: Cpu) => void;
  /** Moves interrupt lines, between any two instructions. */
  readonly interrupt?: (cpu: Cpu, random: Random) => void;
  /** Programs. */
  readonly rounds: number;
  /** Most instructions of a program; 1500 unless said otherwise. */
  readonly instructions?: number;
  readonly seed: number;
}

/** What a run of the fuzzer did. */
export interface CodeFuzzResult {
  /** Instructions that the interpreter executed. */
  readonly executed: number;
  /** Programs that a CPU halted in. */
  readonly halted: number;
  /** Breakpoints that stopped a program. */
  readonly stops: number;
}

/** Most of a program's slices may execute nothing: a CPU that traps for ever makes no progress. */
const MOST_IDLE = 50;
const THRESHOLD = 2;

/**
 * Runs random programs, each in the interpreter and with tier 1 compiling at once.
 * @throws Error that names round and seed where they come to different ends, or the emulator throws
 */
export async function fuzzCode(o: CodeFuzzOptions): Promise<CodeFuzzResult> {
  const clock = (): VirtualClock => new VirtualClock(new InstructionClockSource());
  const interpreted = await o.boot({ tier1: 'off', clock: clock() });
  const compiled = await o.boot({ tier1: { threshold: THRESHOLD }, clock: clock() });
  const subjects = [new Subject(interpreted, o), new Subject(compiled, o)] as const;
  let executed = 0;
  let halted = 0;
  let stops = 0;
  try {
    for (let round = 0; round < o.rounds; round++) {
      const seed = (o.seed + round * 0x9e3779b1) >>> 0;
      const [first, second] = subjects.map((subject) => subject.run(new Random(seed), `round ${round}, seed ${seed}`));
      if (first === undefined || second === undefined) throw new Error('no subject');
      const unlike = differences(first.state, second.state).concat(firstUnlike(first.memory, second.memory));
      if (unlike.length > 0) {
        throw new Error(`round ${round}, seed ${seed}: compiled code differs: ${unlike.slice(0, 4).join('; ')}`);
      }
      executed += first.executed;
      if (first.halted) halted++;
      stops += first.stops;
    }
  } finally {
    await interpreted.dispose();
    await compiled.dispose();
  }
  return { executed, halted, stops };
}

/** The first byte that differs, as a line; none if all are equal. */
function firstUnlike(left: Uint8Array, right: Uint8Array): readonly string[] {
  const at = left.findIndex((byte, i) => byte !== right[i]);
  return at < 0 ? [] : [`byte ${at} of the memory: ${left[at]}, expected ${right[at]}`];
}

/** What one program came to. */
interface Ended {
  readonly state: object;
  readonly memory: Uint8Array;
  readonly executed: number;
  readonly halted: boolean;
  readonly stops: number;
}

/** Most breakpoints at a time. */
const BREAKPOINTS = 3;

/** A machine that programs are run on. */
class Subject {
  readonly #machine: Machine;
  readonly #o: CodeFuzzOptions;
  readonly #cpu: Cpu;
  readonly #start: ReturnType<Cpu['save']>;
  /** Where the debugger stopped the program, in the order of the stops. */
  #stops: string[] = [];
  /** Where the program was when its debugger looked. */
  #places: bigint[] = [];

  constructor(machine: Machine, o: CodeFuzzOptions) {
    this.#machine = machine;
    this.#o = o;
    const [cpu] = machine.cpus;
    if (cpu?.debug === undefined) throw new Error('the machine has no CPU with debugging');
    this.#cpu = cpu;
    cpu.resetHold();
    this.#start = cpu.save();
    machine.interceptStops(({ reason }) => this.#stops.push(`${reason} at ${cpu.debug?.pc.toString(16)}`));
  }

  /** Runs one program. */
  run(random: Random, title: string): Ended {
    const cpu = this.#cpu;
    const { bytes = 8192, at, instructions = 1500 } = this.#o;
    this.#o.forget?.(cpu);
    cpu.restore(this.#start);
    const code = new Uint8Array(bytes).map(() => random.u32());
    for (let offset = 0; offset < bytes / 2 && this.#o.instruction !== undefined; ) {
      const insn = this.#o.instruction(random);
      code.set(insn.slice(0, bytes - offset), offset);
      offset += Math.max(insn.length, 1);
    }
    this.#machine.addressSpace.writeBytes(at, code);
    this.#setRegisters(random);
    if (cpu.debug !== undefined) cpu.debug.pc = BigInt(at);
    this.#o.prepare?.(cpu, random);
    // Every other program has a debugger.
    const isDebugged = random.oneIn(2);
    this.#stops = [];
    this.#places = [];
    this.#setBreakpoints();
    let executed = 0;
    try {
      for (let idle = 0; executed < instructions && !cpu.halted && idle < MOST_IDLE; ) {
        // A trap may end a slice early, but where a slice ends is the same for all.
        const target = executed + 1 + random.below(200);
        if (random.oneIn(3)) this.#o.interrupt?.(cpu, random);
        if (isDebugged && random.oneIn(2)) this.#setBreakpoints(random);
        if (isDebugged && random.oneIn(4)) executed += this.#step();
        for (idle = 0; executed < target && !cpu.halted && idle < MOST_IDLE; idle++) {
          const stops = this.#stops.length;
          let now = cpu.execute(target - executed);
          if (now < 0 || now > target - executed) throw new Error(`${now} of ${target - executed} instructions`);
          if (this.#stops.length > stops && executed + now < target) now += this.#step();
          executed += now;
          if (now > 0) idle = 0;
        }
      }
    } catch (error) {
      throw new Error(`${title}: the emulator threw`, { cause: error });
    }
    const memory = new Uint8Array(bytes);
    this.#machine.addressSpace.readBytes(at, memory);
    const stops = this.#stops.filter((stop) => !stop.startsWith('step')).length;
    const state = { ...cpu.save().fields, halted: cpu.halted, executed, stops: this.#stops.join() };
    return { state, memory, executed, halted: cpu.halted, stops };
  }

  /** Goes over one instruction, with or without a breakpoint. */
  #step(): number {
    const { debug } = this.#cpu;
    if (debug === undefined || this.#cpu.halted) return 0;
    debug.step = {};
    try {
      return this.#cpu.execute(1);
    } finally {
      debug.step = undefined;
    }
  }

  /** Breakpoints where the program has been or near it: it comes there again if that is a loop. None without a generator. */
  #setBreakpoints(random?: Random): void {
    const breakpoints = new Set<bigint>();
    if (random !== undefined) {
      this.#places.push(this.#cpu.debug?.pc ?? 0n);
      for (let left = random.below(BREAKPOINTS + 1); left > 0; left--) {
        const near = random.oneIn(2) ? 0 : 2 * (random.below(16) - 8);
        breakpoints.add(random.pick(this.#places) + BigInt(near));
      }
    }
    this.#cpu.debug?.setPoints({ breakpoints, watchpoints: [] });
  }

  #setRegisters(random: Random): void {
    const { debug } = this.#cpu;
    const [general] = debug?.description.features ?? [];
    general?.registers.forEach((register: DebugRegister, i) => {
      if (this.#o.registers?.test(register.name) === false) return;
      debug?.writeRegister(register.number ?? i, this.#value(random));
    });
  }

  /** A number that may be an address of code or data, or one that instructions get wrong. */
  #value(random: Random): bigint {
    const { at, bytes = 8192 } = this.#o;
    const near = BigInt(at + random.below(bytes));
    return random.pick([interestingInteger(random), near, near & ~7n, near & ~7n]);
  }
}
