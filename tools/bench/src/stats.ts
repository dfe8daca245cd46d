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
