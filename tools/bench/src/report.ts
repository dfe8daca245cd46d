// A result as a line for programs or for people.
import type { Result } from './results.ts';
import { geometricMean } from './stats.ts';

/** One JSON object, without a line end; numbers to six digits. */
export function jsonLine(result: Result): string {
  return JSON.stringify(result, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value,
  );
}

const COLUMNS = ['workload', 'ours', 'peer', 'unit', 'ratio', 'cpu ratio', 'spread', 'runs'] as const;
const WIDTHS = [16, 10, 10, 5, 8, 10, 12, 5] as const;

/** The table's first line. */
export const tableHeader = line(COLUMNS);

/** A result's line of the table. */
export function tableRow(result: Result): string {
  const percent = (value: number) => `${Math.round(value * 100)}%`;
  return line([
    result.workload,
    digits(result.ours),
    digits(result.peer),
    result.unit,
    ratioText(result.ratio),
    ratioText(result.cpuRatio),
    `${percent(result.spread.ours)}/${percent(result.spread.peer)}`,
    String(result.runs),
  ]);
}

/** The table's last line: the geometric mean of the times' ratios; undefined for fewer than two. */
export function tableFooter(results: readonly Result[]): string | undefined {
  const times = results.filter(({ unit }) => unit === 's');
  const ratios = times.flatMap(({ ratio }) => ratio ?? []);
  const mean = ratios.length > 1 ? geometricMean(ratios) : undefined;
  return mean === undefined ? undefined : `geometric mean of ${ratios.length} ratios of time: ${ratioText(mean)}`;
}

function ratioText(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(2);
}

function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 3);
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, column) => (column === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[column] ?? 0)))
    .join(' ')
    .trimEnd();
}
