// -smp: how many CPUs, and how they sit in sockets, cores and threads (rules of QEMU 7.2's -smp, cores before sockets).
import { UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';

/** What the user says; what is left out is computed. */
export interface SmpOptions {
  readonly cpus?: number;
  readonly maxcpus?: number;
  readonly sockets?: number;
  readonly cores?: number;
  readonly threads?: number;
}

/** A complete topology: sockets * cores * threads == maxcpus >= cpus. */
export type SmpTopology = Required<SmpOptions>;

const levels = ['cpus', 'maxcpus', 'sockets', 'cores', 'threads'] as const;
const otherLevels: readonly string[] = ['dies', 'clusters'];

/**
 * Reads `4` or `cpus=4,sockets=2,...`. A level that no board has yet must be 1.
 * @throws UserError that names the parameter
 */
export function parseSmp(text: string): SmpOptions {
  const options: { -readonly [K in keyof SmpOptions]: number } = {};
  text
    .split(',')
    .filter((item, i) => item !== '' || i === 0)
    .forEach((item, i) => {
      const [key, value] = item.includes('=') ? split(item) : i === 0 ? ['cpus', item] : [item, ''];
      const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
      const level = levels.find((name) => name === key);
      if (level === undefined && !otherLevels.includes(key)) throw new UserError(`-smp: Invalid parameter '${key}'`);
      if (!Number.isSafeInteger(number)) throw new UserError(`-smp: Parameter '${key}' expects a number`);
      if (level !== undefined) options[level] = number;
      else if (number !== 1) throw new UserError(`-smp: ${key} not supported by this machine's CPU topology`);
    });
  return options;
}

function split(item: string): [string, string] {
  const at = item.indexOf('=');
  return [item.slice(0, at), item.slice(at + 1)];
}

/**
 * Completes a topology and checks it against the board.
 * @throws UserError as the client of -smp expects it
 */
export function resolveSmp(options: SmpOptions, board: BoardDefinition): SmpTopology {
  for (const level of levels) {
    const value = options[level];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new UserError('Invalid CPU topology: CPU topology parameters must be greater than zero');
    }
  }
  const topology = complete(options, board.defaultCpus ?? board.minCpus ?? 1);
  const { cpus, maxcpus, sockets, cores, threads } = topology;
  const product = `sockets (${sockets}) * cores (${cores}) * threads (${threads})`;
  if (sockets * cores * threads !== maxcpus) {
    throw new UserError(
      `Invalid CPU topology: product of the hierarchy must match maxcpus: ${product} != maxcpus (${maxcpus})`,
    );
  }
  if (maxcpus < cpus) {
    throw new UserError(
      `Invalid CPU topology: maxcpus must be equal to or greater than smp: ${product} == maxcpus (${maxcpus}) < smp_cpus (${cpus})`,
    );
  }
  const minimum = board.minCpus ?? 1;
  if (cpus < minimum) {
    throw new UserError(`Invalid SMP CPUs ${cpus}. The min CPUs supported by machine '${board.name}' is ${minimum}`);
  }
  if (maxcpus > board.maxCpus) {
    throw new UserError(
      `Invalid SMP CPUs ${maxcpus}. The max CPUs supported by machine '${board.name}' is ${board.maxCpus}`,
    );
  }
  return topology;
}

function complete(given: SmpOptions, defaultCpus: number): SmpTopology {
  const nothing = levels.every((level) => given[level] === undefined);
  const base: SmpOptions = nothing ? { cpus: defaultCpus } : given;
  const total = base.maxcpus ?? base.cpus;
  let { sockets, cores, threads } = base;
  if (total === undefined) {
    sockets ??= 1;
    cores ??= 1;
    threads ??= 1;
  } else if (cores === undefined) {
    sockets ??= 1;
    threads ??= 1;
    cores = Math.floor(total / (sockets * threads));
  } else if (sockets === undefined) {
    threads ??= 1;
    sockets = Math.floor(total / (cores * threads));
  } else {
    threads ??= Math.floor(total / (sockets * cores));
  }
  const maxcpus = total ?? sockets * cores * threads;
  return { cpus: base.cpus ?? maxcpus, maxcpus, sockets, cores, threads };
}
