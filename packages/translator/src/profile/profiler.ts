/**
 * Where a guest spends its instructions: samples its pc and callers every so many instructions. Counting makes samples exact: they
 * fall on any instruction, whatever was compiled, and a run that repeats gives the same profile. docs/profiling.md.
 */
import type { Machine } from '@boardwalk/core';
import type { Engine } from '../engine/engine.ts';
import { TranslatedCpu } from '../engine/translated-cpu.ts';
import { hex64 } from '../ir/print.ts';
import { pcOf } from '../pc.ts';
import { CallTree, type FunctionShare } from './call-tree.ts';
import type { SymbolTable } from './symbols.ts';

/** Instructions from one sample to the next, unless said otherwise. */
export const DEFAULT_SAMPLE_INSNS = 1_000_000;
/** Callers of a sample that are looked for at most. */
const DEEPEST = 64;
const UNKNOWN = '[unknown]';
/** What a processor of so many instructions a microsecond would take: V8's profiles know time only. */
const INSNS_PER_MICROSECOND = 1000;
const LISTED = 20;

export interface ProfilerOptions {
  /** Instructions of a vCPU from one sample to the next. */
  readonly every?: number;
  /** Names of functions; the first table that knows an address counts. */
  readonly symbols?: readonly SymbolTable[];
}

/** A profile of a machine's guest. */
export class Profiler {
  readonly every: number;
  readonly #symbols: readonly SymbolTable[];
  readonly #tree = new CallTree();
  readonly #engines = new Set<Engine>();

  constructor(o: ProfilerOptions = {}) {
    this.every = o.every ?? DEFAULT_SAMPLE_INSNS;
    this.#symbols = o.symbols ?? [];
    if (!Number.isSafeInteger(this.every) || this.every < 1)
      throw new RangeError('a sample is of at least 1 instruction');
  }

  /** Begins to sample the vCPUs of a machine; gives what ends it. Until then nothing costs anything. */
  attach(machine: Machine): () => void {
    const cpus = machine.cpus.filter((cpu) => cpu instanceof TranslatedCpu);
    for (const cpu of cpus) {
      cpu.sampler = { every: this.every, sample: () => this.#sample(cpu) };
      cpu.engine.profile = this;
      this.#engines.add(cpu.engine);
    }
    return () => {
      for (const cpu of cpus) {
        cpu.sampler = undefined;
        cpu.engine.profile = undefined;
      }
    };
  }

  get samples(): number {
    return this.#tree.samples;
  }

  /** Functions, those with the most samples of their own first. */
  functions(): readonly FunctionShare[] {
    return this.#tree.functions();
  }

  /** A line for each stack, for flamegraph.pl, inferno, speedscope. */
  folded(): string {
    return this.#tree.folded();
  }

  /** A CPU profile as V8 writes it, 1000 instructions to the microsecond. */
  cpuProfile(): object {
    return this.#tree.cpuProfile(this.every / INSNS_PER_MICROSECOND);
  }

  /** The hottest functions, and the regions of tier 1 that were left most often with the reasons, in lines. */
  describe(): readonly string[] {
    const percent = (n: number): string => `${((n * 100) / Math.max(this.samples, 1)).toFixed(1).padStart(5)}%`;
    const functions = this.functions()
      .slice(0, LISTED)
      .map(({ name, self, total }) => `${percent(self)}  ${percent(total)}  ${name}`);
    return [
      `${this.samples} samples, one every ${this.every} instructions`,
      ...['', '  self   total  function', ...functions],
      ...['', 'regions left, by reason:', ...this.#regions()],
    ];
  }

  #regions(): string[] {
    const regions = [...this.#engines].flatMap((engine) => [...(engine.tier1?.list() ?? [])]);
    const left = (r: (typeof regions)[number]): number => Object.values(r.exits).reduce((a, b) => a + b, 0);
    regions.sort((a, b) => left(b) - left(a));
    return regions.slice(0, LISTED).map((region) => {
      const reasons = Object.entries(region.exits).filter(([, count]) => count > 0);
      const pc = pcOf(region.pcLo, region.pcHi);
      const name = this.#symbolOf(pc) ?? '';
      const place = `0x${hex64(region.pcLo, region.pcHi)} ${name}`.trim();
      return `${String(left(region)).padStart(10)}  ${place}: ${reasons.map(([why, n]) => `${why} ${n}`).join(', ')}`;
    });
  }

  #symbolOf(pc: bigint): string | undefined {
    for (const table of this.#symbols) {
      const name = table.nameOf(pc);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  #sample(cpu: TranslatedCpu): void {
    const same = (a: bigint, b: bigint): boolean => {
      const name = this.#symbolOf(a);
      return name !== undefined && name === this.#symbolOf(b);
    };
    const names = [this.#symbolOf(cpu.pc) ?? UNKNOWN];
    for (const caller of cpu.callers(same)) {
      names.push(this.#symbolOf(caller) ?? UNKNOWN);
      if (names.length > DEEPEST) break;
    }
    this.#tree.add(names.reverse());
  }
}
