// One run of the benchmarks: cases are run once, however many workloads look at them.
import type { Case, Context } from './cases.ts';
import type { Emulator } from './emulators.ts';
import { interleave } from './interleave.ts';
import { alternate, type PacedCase } from './paced.ts';
import { derive, type Result, summarize, summarizePairs } from './results.ts';
import { BenchError, type Metric, type Sample, type Samples, SIDES, type Side } from './sample.ts';
import { EMPTY, type Workload } from './workloads.ts';

/** CPU times that start-up is taken off. */
const NEEDS_EMPTY: readonly Metric[] = ['runCpu'];

/** Told about each run, for a display. */
export type OnRun = (name: string, side: Side, round: number, sample: Sample) => void;

/** How much is run. */
export interface Plan {
  /** Runs on each side. */
  readonly runs: number;
  /** Measure in pairs, and what can be paced in so many batches a run; undefined: whole runs, and medians of each side. */
  readonly batches?: number | undefined;
}

export class Session {
  private readonly emulators: Readonly<Record<Side, Emulator>>;
  private readonly context: Context;
  private readonly plan: Plan;
  private readonly onRun: OnRun;
  private readonly done = new Map<Case, Promise<Samples>>();

  constructor(emulators: Readonly<Record<Side, Emulator>>, context: Context, plan: Plan, onRun: OnRun = () => {}) {
    this.emulators = emulators;
    this.context = context;
    this.plan = plan;
    this.onRun = onRun;
  }

  /**
   * Measures a workload.
   *
   * @throws BenchError when a run fails, results differ, or this host cannot measure what is asked.
   */
  async measure(workload: Workload): Promise<Result> {
    const { batches } = this.plan;
    const result = batches === undefined ? await this.whole(workload) : await this.pairs(workload, batches);
    if (result === undefined)
      throw new BenchError(`this host cannot measure ${workload.metric}: it needs Linux's /proc`);
    return result;
  }

  private async whole(workload: Workload): Promise<Result | undefined> {
    return summarize(workload, await this.derived(workload));
  }

  private async derived(workload: Workload): Promise<Samples> {
    const empty = NEEDS_EMPTY.includes(workload.cpu) ? await this.samples(EMPTY) : undefined;
    return derive(await this.samples(workload.case), empty);
  }

  private async pairs(workload: Workload, batches: number): Promise<Result | undefined> {
    if (workload.paced !== undefined) {
      const groups = await this.paced(workload.paced, batches);
      return summarizePairs({ ...workload, metric: 'batch', cpu: 'batchCpu' }, groups);
    }
    const { ours, peer } = await this.derived(workload);
    const groups = ours.flatMap((sample, run) => (peer[run] ? [{ ours: [sample], peer: [peer[run]] }] : []));
    return summarizePairs(workload, groups);
  }

  private async paced(of: PacedCase, batches: number): Promise<Samples[]> {
    const start = await of.prepare(this.context);
    const groups: Samples[] = [];
    for (let run = 0; run < this.plan.runs; run++) {
      const group = await alternate((side) => start(this.emulators[side]), batches);
      groups.push(group);
      for (const side of SIDES) this.onRun(of.name, side, run, total(group[side]));
    }
    return groups;
  }

  private samples(of: Case): Promise<Samples> {
    const known = this.done.get(of);
    if (known) return known;
    const samples = this.run(of);
    this.done.set(of, samples);
    return samples;
  }

  private async run(of: Case): Promise<Samples> {
    const run = await of.prepare(this.context);
    return interleave(
      this.plan.runs,
      (side) => run(this.emulators[side]),
      (side, round, sample) => this.onRun(of.name, side, round, sample),
    );
  }
}

/** A guest's batches together, as a run that others can be held against. */
function total(batches: readonly Sample[]): Sample {
  const sum = (metric: Metric) => batches.reduce((all, { values }) => all + (values[metric] ?? Number.NaN), 0);
  return { values: { wall: sum('batch'), cpu: sum('batchCpu') } };
}
