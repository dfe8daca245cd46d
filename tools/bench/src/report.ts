// A result as a line for programs or for people.
import type { Interval, Result } from './results.ts';
import { geometricMean } from './stats.ts';

/** One JSON object, without a line end; numbers to six digits. */
export function jsonLine(result: Result): string {
  return JSON.stringify(result, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value,
  );
}

const COLUMNS: readonly Column[] = [
  { title: 'workload', width: 16 },
  { title: 'ours', width: 10 },
  { title: 'peer', width: 10 },
  { title: 'unit', width: 5 },
  { title: 'ratio', width: 8 },
  { title: 'cpu ratio', width: 10 },
  { title: 'spread', width: 12 },
  { title: 'runs', width: 5 },
];

/** Of measurements that were made in pairs. */
const PAIRED_COLUMNS: readonly Column[] = [
  { title: 'workload', width: 26 },
  { title: 'ours', width: 8 },
  { title: 'peer', width: 8 },
  { title: 'unit', width: 5 },
  { title: 'ratio [95%]', width: 19 },
  { title: 'cpu ratio [95%]', width: 19 },
  { title: 'runs', width: 6 },
];

interface Column {
  readonly title: string;
  readonly width: number;
}

/** The table's first line. */
export function tableHeader(paired = false): string {
  const columns = paired ? PAIRED_COLUMNS : COLUMNS;
  return line(
    columns,
    columns.map(({ title }) => title),
  );
}

/** A result's line of the table. */
export function tableRow(result: Result): string {
  const { workload, ours, peer, unit, ratio, cpuRatio, runs, interval, cpuInterval, batches } = result;
  const start = [workload, digits(ours), digits(peer), unit];
  if (interval) {
    const times = batches === undefined ? String(runs) : `${runs}x${batches}`;
    return line(PAIRED_COLUMNS, [...start, ratioText(ratio, interval), ratioText(cpuRatio, cpuInterval), times]);
  }
  const percent = (value: number) => `${Math.round(value * 100)}%`;
  const spread = `${percent(result.spread.ours)}/${percent(result.spread.peer)}`;
  return line(COLUMNS, [...start, ratioText(ratio), ratioText(cpuRatio), spread, String(runs)]);
}

/** The table's last line: the geometric mean of the times' ratios; undefined for fewer than two. */
export function tableFooter(results: readonly Result[]): string | undefined {
  const times = results.filter(({ unit }) => unit === 's');
  const ratios = times.flatMap(({ ratio }) => ratio ?? []);
  const mean = ratios.length > 1 ? geometricMean(ratios) : undefined;
  return mean === undefined ? undefined : `geometric mean of ${ratios.length} ratios of time: ${ratioText(mean)}`;
}

function ratioText(value: number | undefined, interval?: Interval): string {
  if (value === undefined) return '-';
  return interval ? `${value.toFixed(2)} [${interval.map((bound) => bound.toFixed(2)).join(', ')}]` : value.toFixed(2);
}

function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 3);
}

function line(columns: readonly Column[], cells: readonly string[]): string {
  return cells
    .map((cell, column) => {
      const width = columns[column]?.width ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ')
    .trimEnd();
}
