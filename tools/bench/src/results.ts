// From samples to what is reported.
import { type Metric, type Sample, type Samples, SIDES, type Side, UNITS } from './sample.ts';
import { type Estimate, median, medianOfGroups, ratio, spread } from './stats.ts';
import type { Workload } from './workloads.ts';

/** Medians of a metric on both sides. */
export interface Comparison {
  readonly ours: number;
  readonly peer: number;
  /** ours / peer; absent where the peer's is 0. */
  readonly ratio?: number;
  readonly unit: string;
}

export type Interval = readonly [low: number, high: number];

/** A workload's result. */
export interface Result extends Comparison {
  readonly workload: string;
  readonly metric: Metric;
  /** Runs on each side. */
  readonly runs: number;
  readonly higherIsBetter: boolean;
  /** The ratio of CPU time. */
  readonly cpuRatio?: number;
  /** Of paired measurements: where the ratios are with a confidence of 95%. */
  readonly interval?: Interval;
  readonly cpuInterval?: Interval;
  /** Batches of each run, where it was made of some. */
  readonly batches?: number;
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

/**
 * A workload's result from measurements that were made in pairs: ratios are medians of the pairs' ratios. Undefined when this host
 * cannot measure the metric.
 *
 * @param groups samples that go together: of a pair of guests, or of a run.
 */
export function summarizePairs(
  workload: Workload,
  groups: readonly Samples[],
  random = Math.random,
): Result | undefined {
  const all = { ours: groups.flatMap(({ ours }) => ours), peer: groups.flatMap(({ peer }) => peer) };
  const result = summarize(workload, all);
  const [wall, cpu] = [workload.metric, workload.cpu].map((metric) => pairedRatio(groups, metric, random));
  if (result === undefined || wall === undefined) return undefined;
  const batches = groups[0]?.ours.length ?? 0;
  return {
    ...result,
    ratio: wall.value,
    interval: [wall.low, wall.high],
    ...(cpu === undefined ? {} : { cpuRatio: cpu.value, cpuInterval: [cpu.low, cpu.high] }),
    runs: groups.length,
    ...(batches > 1 ? { batches } : {}),
  };
}

function pairedRatio(groups: readonly Samples[], metric: Metric, random: () => number): Estimate | undefined {
  const ratios = groups.map(({ ours, peer }) =>
    ours.flatMap(({ values }, index) => {
      const other = peer[index]?.values[metric];
      const value = values[metric];
      return value === undefined || other === undefined ? [] : (ratio(value, other) ?? []);
    }),
  );
  return ratios.flat().length > 0 ? medianOfGroups(ratios, random) : undefined;
}

function compare(samples: Samples, metric: Metric): Comparison | undefined {
  const [ours, peer] = [middle(samples.ours, metric), middle(samples.peer, metric)];
  if (ours === undefined || peer === undefined) return undefined;
  const quotient = ratio(ours, peer);
  return { ours, peer, ...(quotient === undefined ? {} : { ratio: quotient }), unit: UNITS[metric] };
}
