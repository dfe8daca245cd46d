// -smp: how many CPUs, and how they sit in sockets, dies, clusters, cores and threads (rules of QEMU 7.2's -smp, cores before sockets).
import { UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';

/** Levels that only some boards have. */
export type SmpLevel = 'dies' | 'clusters';

/** What the user says; what is left out is computed. */
export interface SmpOptions {
  readonly cpus?: number;
  readonly maxcpus?: number;
  readonly sockets?: number;
  /** In a socket. */
  readonly dies?: number;
  /** In a die. */
  readonly clusters?: number;
  /** In a cluster. */
  readonly cores?: number;
  /** In a core. */
  readonly threads?: number;
}

/** A complete topology: the product of the levels is maxcpus, which is at least cpus. */
export type SmpTopology = Required<SmpOptions>;

const hierarchy = ['sockets', 'dies', 'clusters', 'cores', 'threads'] as const;
const parameters = ['cpus', 'maxcpus', ...hierarchy] as const;
const optionalLevels: readonly SmpLevel[] = ['dies', 'clusters'];

/**
 * Reads `4` or `cpus=4,sockets=2,...`.
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
      const parameter = parameters.find((name) => name === key);
      if (parameter === undefined) throw new UserError(`-smp: Invalid parameter '${key}'`);
      if (!Number.isSafeInteger(number)) throw new UserError(`-smp: Parameter '${key}' expects a number`);
      options[parameter] = number;
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
  for (const parameter of parameters) {
    const value = options[parameter];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new UserError('Invalid CPU topology: CPU topology parameters must be greater than zero');
    }
  }
  const absent = optionalLevels.filter((level) => !board.smpLevels?.includes(level));
  for (const level of absent) {
    if ((options[level] ?? 1) > 1) throw new UserError(`${level} not supported by this machine's CPU topology`);
  }
  const topology = complete(options, board.defaultCpus ?? board.minCpus ?? 1);
  const { cpus, maxcpus } = topology;
  const levels = hierarchy.filter((level) => !absent.some((other) => other === level));
  const product = levels.map((level) => `${level} (${topology[level]})`).join(' * ');
  if (hierarchy.reduce((total, level) => total * topology[level], 1) !== maxcpus) {
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
  const nothing = parameters.every((parameter) => given[parameter] === undefined);
  const base: SmpOptions = nothing ? { cpus: defaultCpus } : given;
  const total = base.maxcpus ?? base.cpus;
  const { dies = 1, clusters = 1 } = base;
  const between = dies * clusters;
  let { sockets, cores, threads } = base;
  if (total === undefined) {
    sockets ??= 1;
    cores ??= 1;
    threads ??= 1;
  } else if (cores === undefined) {
    sockets ??= 1;
    threads ??= 1;
    cores = Math.floor(total / (sockets * between * threads));
  } else if (sockets === undefined) {
    threads ??= 1;
    sockets = Math.floor(total / (between * cores * threads));
  } else {
    threads ??= Math.floor(total / (sockets * between * cores));
  }
  const maxcpus = total ?? sockets * between * cores * threads;
  return { cpus: base.cpus ?? maxcpus, maxcpus, sockets, dies, clusters, cores, threads };
}
