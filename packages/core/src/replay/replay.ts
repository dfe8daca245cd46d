/**
 * Going back in time: a machine whose clock counts instructions is put back to an earlier state, and runs again to the
 * instruction that is wanted. States are kept in memory; what came from outside meanwhile (bytes of serial ports) comes
 * again at the same instruction.
 */
import type { CharBackend } from '../char/index.ts';
import type { DeviceState } from '../device/state.ts';
import { restoreTree, saveTree } from '../device/tree.ts';
import type { CpuDebug, DebugPoints, DebugStop } from '../machine/debug.ts';
import type { Cpu, Machine } from '../machine/index.ts';
import type { RamBlock } from '../memory/index.ts';

const PAGE = 4096;
/** States that are kept; the oldest goes, but for the first. */
const MOST_STATES = 8;
/** Instructions between two states, at least. */
const STATE_DISTANCE = 1_000_000n;
const LONGEST_RUN = 1_000_000_000;

/** Bytes that came for the guest. */
interface Input {
  /** Instructions executed before, and the virtual time in ns. */
  readonly at: bigint;
  readonly ns: number;
  readonly data: Uint8Array;
  readonly deliver: (data: Uint8Array) => void;
}

interface KeptState {
  readonly at: bigint;
  readonly ns: number;
  readonly devices: Readonly<Record<string, DeviceState>>;
  /** Pages that are not zero, by block. */
  readonly ram: ReadonlyMap<RamBlock, ReadonlyMap<number, Uint8Array>>;
}

const NO_POINTS: DebugPoints = { breakpoints: new Set(), watchpoints: [] };

/** Notes what comes from outside, while somebody wants to go back. */
export class InputLog {
  readonly #inputs: Input[] = [];
  /** Where the machine is; undefined while nobody wants to know. */
  place: (() => { readonly at: bigint; readonly ns: number }) | undefined;

  /** The same line, with its input noted. */
  wrap(line: CharBackend): CharBackend {
    return {
      write: (data) => line.write(data),
      onData: (callback) =>
        line.onData((data) => {
          const place = this.place?.();
          if (place !== undefined) this.#inputs.push({ ...place, data: data.slice(), deliver: callback });
          callback(data);
        }),
      onEvent: (callback) => line.onEvent?.(callback),
      canReceive: (accepting) => line.canReceive?.(accepting),
      close: () => line.close(),
    };
  }

  /** What came at or after an instruction. */
  from(at: bigint): readonly Input[] {
    return this.#inputs.filter((input) => input.at >= at);
  }

  /** Forgets what came after an instruction: the future will be another. */
  cut(at: bigint): void {
    while ((this.#inputs.at(-1)?.at ?? -1n) > at) this.#inputs.pop();
  }

  clear(): void {
    this.#inputs.length = 0;
  }
}

/** What a run back ended at: a stop, or the oldest state that is kept. */
export type ReverseEnd = DebugStop | { readonly reason: 'begin' };

/** The past of a machine with one vCPU whose clock counts instructions. */
export class Replay {
  readonly #machine: Machine;
  readonly #cpu: Cpu;
  readonly #debug: CpuDebug;
  readonly #states: KeptState[] = [];

  private constructor(machine: Machine, cpu: Cpu, debug: CpuDebug) {
    this.#machine = machine;
    this.#cpu = cpu;
    this.#debug = debug;
    machine.inputs.place = () => ({ at: debug.instructions, ns: machine.clock.now() });
    // A reset begins a new count.
    machine.on('reset', () => {
      this.#states.length = 0;
      machine.inputs.clear();
    });
  }

  /** For a machine that can go back; undefined for one with several vCPUs, or whose time is not that of its instructions. */
  static of(machine: Machine): Replay | undefined {
    const [cpu] = machine.cpus;
    const debug = cpu?.debug;
    if (cpu === undefined || debug === undefined || machine.cpus.length !== 1) return undefined;
    return machine.clock.source.kind === 'instructions' ? new Replay(machine, cpu, debug) : undefined;
  }

  /** The machine, which stands still, is about to go on: keeps its state, and what was ahead of it is forgotten. */
  keep(): void {
    const at = this.#debug.instructions;
    while ((this.#states.at(-1)?.at ?? -1n) > at) this.#states.pop();
    this.#machine.inputs.cut(at);
    const last = this.#states.at(-1);
    if (last !== undefined && at - last.at < STATE_DISTANCE) return;
    if (this.#states.length === MOST_STATES) this.#states.splice(1, 1);
    this.#states.push(this.#take(at));
  }

  /** One instruction back. */
  step(): ReverseEnd {
    const at = this.#debug.instructions;
    const first = this.#states[0];
    if (first === undefined || at <= first.at) return { reason: 'begin' };
    this.#goTo(at - 1n);
    return { reason: 'step' };
  }

  /** Back to the last breakpoint or watched access before this moment, or to the oldest state. */
  continue(points: DebugPoints): ReverseEnd {
    let end = this.#debug.instructions;
    for (const state of [...this.#states].reverse()) {
      if (state.at >= end) continue;
      const found = this.#lastStop(state, end, points);
      if (found !== undefined) {
        this.#goTo(found.at);
        return found.stop;
      }
      end = state.at;
    }
    const [first] = this.#states;
    if (first !== undefined) this.#restore(first);
    return { reason: 'begin' };
  }

  #lastStop(
    state: KeptState,
    end: bigint,
    points: DebugPoints,
  ): { readonly at: bigint; readonly stop: DebugStop } | undefined {
    this.#restore(state);
    let last: { readonly at: bigint; readonly stop: DebugStop } | undefined;
    const before = this.#debug.description.watchStopsBefore === true;
    for (;;) {
      this.#debug.setPoints(points);
      const stop = this.#run(end);
      this.#debug.setPoints(NO_POINTS);
      if (stop === undefined) return last;
      // What stops before its access is told after it: going back over it is the debugger's.
      const at = this.#debug.instructions + (before && stop.reason === 'watchpoint' ? 1n : 0n);
      if (at < end) last = { at, stop };
      if (stop.reason === 'breakpoint' || before) this.#run(this.#debug.instructions + 1n);
      if (this.#debug.instructions >= end) return last;
    }
  }

  #goTo(at: bigint): void {
    const state = this.#states.findLast((kept) => kept.at <= at);
    if (state === undefined) return;
    this.#restore(state);
    this.#debug.setPoints(NO_POINTS);
    this.#run(at);
  }

  /** Runs to an instruction, unless a breakpoint or watchpoint comes before. */
  #run(end: bigint): DebugStop | undefined {
    const { clock, inputs } = this.#machine;
    const debug = this.#debug;
    const ahead = [...inputs.from(debug.instructions)];
    let stop: DebugStop | undefined;
    const release = this.#machine.interceptStops((found) => {
      stop ??= found;
    });
    try {
      while (stop === undefined && debug.instructions < end) {
        clock.runExpired();
        const [next] = ahead;
        if (next !== undefined && next.at <= debug.instructions && next.ns <= clock.now()) {
          ahead.shift();
          next.deliver(next.data);
          continue;
        }
        if (!this.#execute(end, next)) break;
      }
    } finally {
      release();
    }
    return stop;
  }

  /** A slice, as the run loop makes them. False where nothing will ever happen. */
  #execute(end: bigint, next: Input | undefined): boolean {
    const { clock } = this.#machine;
    const { source } = clock;
    const now = clock.now();
    if (!this.#cpu.hasWork()) {
      const until = Math.min(clock.nextDeadline(), next?.ns ?? Infinity);
      if (until === Infinity) return false;
      source.set(Math.max(until, now));
      return true;
    }
    const at = this.#debug.instructions;
    const limits = [end - at, ...(next !== undefined && next.at > at ? [next.at - at] : [])].map(Number);
    const untilTimer = clock.nextDeadline() - now;
    if (untilTimer > 0 && untilTimer < Infinity) limits.push(source.instructionsFor(untilTimer) ?? LONGEST_RUN);
    source.retire(this.#cpu.execute(Math.min(LONGEST_RUN, ...limits)));
    return true;
  }

  #take(at: bigint): KeptState {
    const { space, clock } = this.#machine;
    const ram = new Map(space.blocks.map((block) => [block, pagesOf(block)]));
    return { at, ns: clock.now(), devices: saveTree(this.#machine), ram };
  }

  #restore(state: KeptState): void {
    for (const [block, pages] of state.ram) putPages(block, pages);
    this.#machine.clock.source.set(state.ns);
    restoreTree(this.#machine, state.devices);
  }
}

function pagesOf(block: RamBlock): ReadonlyMap<number, Uint8Array> {
  const { bytes } = block;
  const pages = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (!isZero(bytes, at)) pages.set(at, bytes.slice(at, at + PAGE));
  }
  return pages;
}

/** Writes only what is different: translations of code that has not changed stay. */
function putPages(block: RamBlock, pages: ReadonlyMap<number, Uint8Array>): void {
  const { bytes, space, offset } = block;
  for (let at = 0; at < bytes.length; at += PAGE) {
    const wanted = pages.get(at);
    const page = bytes.subarray(at, at + PAGE);
    if (wanted === undefined ? isZero(bytes, at) : page.every((byte, i) => byte === wanted[i])) continue;
    if (wanted === undefined) page.fill(0);
    else page.set(wanted);
    space.noteWrite(offset + at, page.length);
  }
}

function isZero(bytes: Uint8Array, at: number): boolean {
  const length = Math.min(PAGE, bytes.length - at);
  if (length < PAGE) return bytes.subarray(at, at + length).every((byte) => byte === 0);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, PAGE / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}
