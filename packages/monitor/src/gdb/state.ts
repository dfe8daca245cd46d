/** What the commands of one debugging session share: the machine, the chosen threads, breakpoints, modes. */
import {
  type Cpu,
  type CpuDebug,
  type DebugPoints,
  type Machine,
  Replay,
  type WatchKind,
  type Watchpoint,
} from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import { makeTarget, type Target } from './target-xml.ts';
import { parseThread, type ThreadId } from './threads.ts';

/** Answers of the stub where something is wrong: numbers of errors as QEMU's stub gives them. */
export const ERROR = { invalid: 'E22', fault: 'E14' } as const;

/** Bits of `qqemu.sstep`. */
export const SSTEP = { enable: 1, noIrq: 2, noTimer: 4 } as const;

const WATCH_KINDS: readonly (WatchKind | undefined)[] = [undefined, undefined, 'write', 'read', 'access'];

/** A breakpoint or watchpoint as Z and z name it. */
export interface Point {
  /** 0 software, 1 hardware breakpoint; 2 write, 3 read, 4 access watchpoint. */
  readonly type: number;
  readonly address: bigint;
  readonly length: bigint;
}

const targets = new WeakMap<object, Target>();

export class GdbState {
  readonly emulator: Emulator;
  /** Thread ids name a process too. */
  multiprocess = false;
  /** Flags of single steps: `SSTEP`. */
  sstep: number = SSTEP.enable | SSTEP.noIrq | SSTEP.noTimer;
  /** Addresses of memory packets are physical. */
  physical = false;
  /** Index of the vCPU that g, G, p, P, m, M, X are about. */
  general = 0;
  /** Index of the vCPU that s and c are about. */
  running = 0;
  #replay: { readonly machine: Machine; readonly replay: Replay | undefined } | undefined;
  readonly #points = new Map<string, Point>();

  constructor(emulator: Emulator) {
    this.emulator = emulator;
  }

  get machine(): Machine | undefined {
    return this.emulator.machine;
  }

  /** The machine's past, if it can go back. */
  get replay(): Replay | undefined {
    const { machine } = this;
    if (machine === undefined) return undefined;
    if (this.#replay?.machine !== machine) this.#replay = { machine, replay: Replay.of(machine) };
    return this.#replay.replay;
  }

  /** The vCPUs that can be debugged. */
  get cpus(): readonly Cpu[] {
    return (this.machine?.cpus ?? []).filter((cpu) => cpu.debug !== undefined);
  }

  cpu(index: number): Cpu | undefined {
    return this.cpus.find((cpu) => cpu.index === index) ?? this.cpus[0];
  }

  get generalCpu(): Cpu | undefined {
    return this.cpu(this.general);
  }

  /** The debugger's side of the vCPU that registers and memory are asked of. */
  get debug(): CpuDebug | undefined {
    return this.generalCpu?.debug;
  }

  get target(): Target | undefined {
    const description = this.debug?.description;
    if (description === undefined) return undefined;
    const target = targets.get(description) ?? makeTarget(description);
    targets.set(description, target);
    return target;
  }

  thread(text: string): ThreadId | undefined {
    return parseThread(text, this.cpus);
  }

  /** Begins anew, as for another debugger. */
  reset(): void {
    this.multiprocess = false;
    this.physical = false;
    this.sstep = SSTEP.enable | SSTEP.noIrq | SSTEP.noTimer;
    this.general = this.running = this.cpus[0]?.index ?? 0;
    this.clearPoints();
  }

  insert(point: Point): void {
    this.#points.set(pointKey(point), point);
  }

  /** False where there is no such point. */
  remove(point: Point): boolean {
    return this.#points.delete(pointKey(point));
  }

  get pointCount(): number {
    return this.#points.size;
  }

  /** Removes all breakpoints and watchpoints, from the machine too. */
  clearPoints(): void {
    this.#points.clear();
    this.applyPoints();
  }

  /** The breakpoints and watchpoints that are inserted now. */
  points(): DebugPoints {
    const breakpoints = new Set<bigint>();
    const watchpoints: Watchpoint[] = [];
    for (const { type, address, length } of this.#points.values()) {
      const kind = WATCH_KINDS[type];
      if (kind === undefined) breakpoints.add(address);
      else watchpoints.push({ kind, address, length });
    }
    return { breakpoints, watchpoints };
  }

  /** Gives the machine the breakpoints and watchpoints that are inserted now. */
  applyPoints(): void {
    const points = this.points();
    for (const cpu of this.cpus) cpu.debug?.setPoints(points);
  }

  /** Every vCPU goes on as if there were no debugger. */
  letGo(): void {
    this.clearPoints();
    for (const cpu of this.cpus) {
      cpu.held = false;
      if (cpu.debug !== undefined) cpu.debug.step = undefined;
    }
  }
}

function pointKey({ type, address, length }: Point): string {
  return `${type}:${address}:${type < 2 ? 0 : length}`;
}
