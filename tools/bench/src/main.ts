import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { DebianError } from '@boardwalk/debian';
import { backendSides, backendWorkloads, chosenPairs, missing } from './backends.ts';
import { type Emulator, findEmulators } from './emulators.ts';
import { type BenchOptions, HELP, parseBenchOptions } from './options.ts';
import { jsonLine, tableFooter, tableHeader, tableRow } from './report.ts';
import type { Result } from './results.ts';
import { BenchError, type Sample, type Side } from './sample.ts';
import { Session } from './session.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/**
 * `npm run bench`: results on standard output, all else on standard error.
 *
 * @returns the exit status: 1 for a mistake in the options and when a workload failed.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await bench(args);
  } catch (error) {
    process.stderr.write(`bench: ${concern(error)}\n`);
    return 1;
  }
}

async function bench(args: readonly string[]): Promise<number> {
  const options = parseBenchOptions(args);
  if (options.help) return print(HELP);
  if (options.list)
    return print(WORKLOADS.map(({ name, description }) => `${name.padEnd(16)}${description}\n`).join(''));
  const workloads = select(options.only).filter(({ name }) => !options.target.lacks.includes(name));
  if (!options.json) process.stdout.write(`${tableHeader(options.batches !== undefined)}\n`);
  if (!options.backends) return compare(options, findEmulators(options), workloads);
  let status = 0;
  for (const pair of chosenPairs(options)) {
    const reason = missing(pair);
    if (reason !== undefined) {
      process.stderr.write(`skipped: ${pair.name}: ${reason}\n`);
      continue;
    }
    status |= await compare(options, backendSides(options, pair), backendWorkloads(workloads, pair));
  }
  return status;
}

/** Runs workloads on two sides in turn, and prints their results; 1 if one failed. */
async function compare(
  options: BenchOptions,
  emulators: Readonly<Record<Side, Emulator>>,
  workloads: readonly Workload[],
): Promise<number> {
  process.stderr.write(`${circumstances(emulators).join('\n')}\n`);
  const context = { scale: options.scale, timeoutMs: options.timeout * 1000, target: options.target };
  const session = new Session(emulators, context, options, showRun);
  const results: Result[] = [];
  for (const workload of workloads) {
    const result = await session.measure(workload).catch((error: unknown) => {
      process.stderr.write(`bench: ${workload.name}: ${concern(error)}\n`);
    });
    if (!result) continue;
    results.push(result);
    process.stdout.write(`${options.json ? jsonLine(result) : tableRow(result)}\n`);
  }
  const footer = options.json ? undefined : tableFooter(results);
  if (footer !== undefined) process.stdout.write(`${footer}\n`);
  return results.length === workloads.length ? 0 : 1;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/**
 * Workloads in the table's order.
 *
 * @param names none: all of them.
 * @throws BenchError for a name that is none.
 */
export function select(names: readonly string[]): readonly Workload[] {
  const unknown = names.find((name) => !WORKLOADS.some((workload) => workload.name === name));
  if (unknown !== undefined) throw new BenchError(`no workload ${unknown}; npm run bench -- --list names them`);
  return names.length === 0 ? WORKLOADS : WORKLOADS.filter(({ name }) => names.includes(name));
}

/** One line for the user; what is neither the user's nor the host's doing is a fault of ours and goes on. */
function concern(error: unknown): string {
  if (error instanceof BenchError || error instanceof DebianError) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
}

function showRun(name: string, side: Side, round: number, { values }: Sample): void {
  process.stderr.write(
    `  ${name} ${round + 1} ${side}: ${values.wall?.toFixed(3)} s, CPU ${values.cpu?.toFixed(2)} s\n`,
  );
}

/** What figures mean nothing without. */
function circumstances({ ours, peer }: Readonly<Record<Side, Emulator>>): string[] {
  const [processor] = cpus();
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    `ours: ${ours.version}${commit()}`,
    `peer: ${peer.version}`,
    `host: ${cpus().length} x ${processor?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`,
    `load: ${load.join(' ')}; other work on this host makes all of this worth less`,
  ];
}

function commit(): string {
  try {
    const text = execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `, ${text.trim()}`;
  } catch {
    return '';
  }
}
