// The few statistics of a report: medians, spreads and ratios.

/**
 * The middle value; of an even number of values the mean of the two in the middle.
 *
 * @throws RangeError without values.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('a median needs a value');
  return (lower + upper) / 2;
}

/** How far values lie apart: (largest - smallest) / median; 0 when the median is 0. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / Math.abs(middle);
}

/** `ours / peer`; undefined where the peer has none to divide by. */
export function ratio(ours: number, peer: number): number | undefined {
  return peer > 0 ? ours / peer : undefined;
}

/** The geometric mean: what a set of ratios has in common. Undefined without values or with one that is not positive. */
export function geometricMean(values: readonly number[]): number | undefined {
  if (values.length === 0 || values.some((value) => !(value > 0))) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** An estimate, and the interval that the true value is in, with a confidence of 95%. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/**
 * The median of values that were measured in groups, with its interval by the bootstrap (Efron 1979, percentiles): groups are drawn again,
 * and values in each, because what a group has in common (a process, how it was compiled, where its pages lie) is drawn once for it.
 *
 * @param groups at least one with a value; those without are left out.
 * @param random draws, from 0 to below 1.
 */
export function medianOfGroups(groups: readonly (readonly number[])[], random = Math.random): Estimate {
  const drawn = <T>(list: readonly T[]): T[] => list.map(() => list[Math.floor(random() * list.length)] as T);
  const filled = groups.filter(({ length }) => length > 0);
  const medians = Array.from({ length: RESAMPLES }, () => median(drawn(filled).flatMap(drawn))).sort((a, b) => a - b);
  const rank = (share: number): number => medians[Math.round(share * (RESAMPLES - 1))] ?? Number.NaN;
  const tail = (1 - CONFIDENCE) / 2;
  return { value: median(filled.flat()), low: rank(tail), high: rank(1 - tail) };
}
