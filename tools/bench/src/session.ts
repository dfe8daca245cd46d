// One run of the benchmarks: cases are run once, however many workloads look at them.
import type { Case, Context } from './cases.ts';
import type { Emulator } from './emulators.ts';
import { interleave } from './interleave.ts';
import { derive, type Result, summarize } from './results.ts';
import { BenchError, type Metric, type Sample, type Samples, type Side } from './sample.ts';
import { EMPTY, type Workload } from './workloads.ts';

/** CPU times that start-up is taken off. */
const NEEDS_EMPTY: readonly Metric[] = ['runCpu'];

/** Told about each run, for a display. */
export type OnRun = (name: string, side: Side, round: number, sample: Sample) => void;

export class Session {
  private readonly emulators: Readonly<Record<Side, Emulator>>;
  private readonly context: Context;
  private readonly runs: number;
  private readonly onRun: OnRun;
  private readonly done = new Map<Case, Promise<Samples>>();

  constructor(emulators: Readonly<Record<Side, Emulator>>, context: Context, runs: number, onRun: OnRun = () => {}) {
    this.emulators = emulators;
    this.context = context;
    this.runs = runs;
    this.onRun = onRun;
  }

  /**
   * Measures a workload.
   *
   * @throws BenchError when a run fails, results differ, or this host cannot measure what is asked.
   */
  async measure(workload: Workload): Promise<Result> {
    const empty = NEEDS_EMPTY.includes(workload.cpu) ? await this.samples(EMPTY) : undefined;
    const result = summarize(workload, derive(await this.samples(workload.case), empty));
    if (result === undefined)
      throw new BenchError(`this host cannot measure ${workload.metric}: it needs Linux's /proc`);
    return result;
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
      this.runs,
      (side) => run(this.emulators[side]),
      (side, round, sample) => this.onRun(of.name, side, round, sample),
    );
  }
}
