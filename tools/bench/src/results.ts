// From samples to what is reported.
import { type Metric, type Sample, type Samples, SIDES, type Side, UNITS } from './sample.ts';
import { median, ratio, spread } from './stats.ts';
import type { Workload } from './workloads.ts';

/** Medians of a metric on both sides. */
export interface Comparison {
  readonly ours: number;
  readonly peer: number;
  /** ours / peer; absent where the peer's is 0. */
  readonly ratio?: number;
  readonly unit: string;
}

/** A workload's result. */
export interface Result extends Comparison {
  readonly workload: string;
  readonly metric: Metric;
  /** Runs on each side. */
  readonly runs: number;
  readonly higherIsBetter: boolean;
  /** The ratio of CPU time. */
  readonly cpuRatio?: number;
  /** (largest - smallest) / median of each side's runs. */
  readonly spread: Readonly<Record<Side, number>>;
  /** All that was measured in these runs. */
  readonly metrics: Readonly<Partial<Record<Metric, Comparison>>>;
  /** The metric in each run, in order. */
  readonly samples: Readonly<Record<Side, readonly number[]>>;
}

/**
 * Adds what follows from other metrics: times without start-up, and instructions a second.
 *
 * @param empty runs of the empty program; without them there is no `run` and no `runCpu`.
 */
export function derive(samples: Samples, empty: Samples | undefined): Samples {
  const counts = {
    measured: medianOf(samples.ours.flatMap(({ instructions }) => instructions ?? [])),
    all: medianOf(samples.ours.flatMap(({ allInstructions }) => allInstructions ?? [])),
  };
  const side = (name: Side) => samples[name].map((sample) => deriveOne(sample, empty?.[name], counts));
  return { ours: side('ours'), peer: side('peer') };
}

interface Counts {
  readonly measured: number | undefined;
  readonly all: number | undefined;
}

function deriveOne(sample: Sample, empty: readonly Sample[] | undefined, counts: Counts): Sample {
  const { wall, cpu, guest } = sample.values;
  if (guest === undefined) return sample;
  const values: Partial<Record<Metric, number>> = { ...sample.values };
  const [emptyWall, emptyCpu] = [middle(empty, 'wall'), middle(empty, 'cpu')];
  if (wall !== undefined && emptyWall !== undefined) values.run = Math.max(0, wall - emptyWall);
  if (cpu !== undefined && emptyCpu !== undefined) values.runCpu = Math.max(0, cpu - emptyCpu);
  if (counts.measured && guest > 0) values.mips = counts.measured / guest / 1e6;
  if (counts.all && values.runCpu) values.mipsCpu = counts.all / values.runCpu / 1e6;
  return { ...sample, values };
}

function middle(samples: readonly Sample[] | undefined, metric: Metric): number | undefined {
  return medianOf((samples ?? []).flatMap(({ values }) => values[metric] ?? []));
}

function medianOf(values: readonly number[]): number | undefined {
  return values.length > 0 ? median(values) : undefined;
}

/** A workload's result; undefined when this host cannot measure its metric. */
export function summarize(workload: Workload, samples: Samples): Result | undefined {
  const { name, metric, cpu, higherIsBetter = false } = workload;
  const comparison = compare(samples, metric);
  if (comparison === undefined) return undefined;
  const list = (side: Side) => samples[side].flatMap(({ values }) => values[metric] ?? []);
  const cpuRatio = compare(samples, cpu)?.ratio;
  const names = new Set(
    SIDES.flatMap((side) => samples[side].flatMap(({ values }) => Object.keys(values) as Metric[])),
  );
  const metrics: Partial<Record<Metric, Comparison>> = {};
  for (const each of names) {
    const found = compare(samples, each);
    if (found) metrics[each] = found;
  }
  return {
    workload: name,
    metric,
    ...comparison,
    runs: samples.ours.length,
    higherIsBetter,
    ...(cpuRatio === undefined ? {} : { cpuRatio }),
    spread: { ours: spread(list('ours')), peer: spread(list('peer')) },
    metrics,
    samples: { ours: list('ours'), peer: list('peer') },
  };
}

function compare(samples: Samples, metric: Metric): Comparison | undefined {
  const [ours, peer] = [middle(samples.ours, metric), middle(samples.peer, metric)];
  if (ours === undefined || peer === undefined) return undefined;
  const quotient = ratio(ours, peer);
  return { ours, peer, ...(quotient === undefined ? {} : { ratio: quotient }), unit: UNITS[metric] };
}
