// Latencies, bandwidths and memory-side caches as the user says them, with the rules by which a table can hold them
// (ACPI 6.4, 5.2.27: entries are 16 bits in a common unit; 0 is unknown and 0xffff unreachable).
import {
  DATA_TYPES,
  HIERARCHIES,
  type HmatCacheOption,
  type HmatDataType,
  type HmatEntry,
  type HmatHierarchy,
  type HmatLbOption,
  type HmatMatrix,
  UserError,
} from '@boardwalk/core';

const LARGEST_ENTRY = 0xfffe;
const MIB = 2 ** 20;
const MAX_CACHE_LEVEL = 3;

/** Whether a data type is a latency; else it is a bandwidth. */
export const isLatency = (dataType: HmatDataType): boolean => dataType.endsWith('latency');

/**
 * The unit of a table's entries, in which all values are whole numbers: the largest power of 10 ns, or power of two of MiB per second
 * (in bytes). Where the largest value does not fit an entry so, the largest number that divides them all. Zeros do not count.
 */
export function commonUnit(values: readonly number[], latency: boolean): number {
  const known = values.filter((value) => value > 0);
  const step = latency ? 10 : 2;
  let unit = latency ? 1 : MIB;
  if (known.length === 0) return unit;
  while (known.every((value) => value % (unit * step) === 0)) unit *= step;
  return Math.max(...known) / unit <= LARGEST_ENTRY ? unit : known.reduce(greatestDivisor);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** What was said so far. */
export class HmatData {
  readonly #matrices = new Map<string, { hierarchy: HmatHierarchy; dataType: HmatDataType; entries: HmatEntry[] }>();
  readonly #caches: HmatCacheOption[] = [];

  /** In the order of the table: by hierarchy, then by data type. */
  get matrices(): readonly HmatMatrix[] {
    return HIERARCHIES.flatMap((hierarchy) =>
      DATA_TYPES.flatMap((dataType) => this.#matrices.get(`${hierarchy} ${dataType}`) ?? []),
    );
  }

  /** By node, then by level. */
  get caches(): readonly HmatCacheOption[] {
    return [...this.#caches].sort((a, b) => a.nodeId - b.nodeId || a.level - b.level);
  }

  /** @throws UserError */
  addLb(option: HmatLbOption): void {
    const { hierarchy, dataType, initiator, target } = option;
    const value = lbValue(option);
    const key = `${hierarchy} ${dataType}`;
    const matrix = this.#matrices.get(key) ?? { hierarchy, dataType, entries: [] };
    if (matrix.entries.some((entry) => entry.initiator === initiator && entry.target === target)) {
      const what = isLatency(dataType) ? 'latency' : 'bandwidth';
      throw new UserError(`Duplicate configuration of the ${what} for initiator=${initiator} and target=${target}`);
    }
    const entries = [...matrix.entries, { initiator, target, value }];
    checkRange(option, entries);
    this.#matrices.set(key, { ...matrix, entries });
  }

  /** @throws UserError */
  addCache(option: HmatCacheOption): void {
    const { nodeId, level, size } = option;
    if (!this.#knows(nodeId, true) || !this.#knows(nodeId, false)) {
      throw new UserError(
        `The latency and bandwidth information of node-id=${nodeId} should be provided before memory side cache attributes`,
      );
    }
    if (level < 1 || level > MAX_CACHE_LEVEL) {
      throw new UserError(
        `Invalid level=${level}, it should be larger than 0 and less than or equal to ${MAX_CACHE_LEVEL}`,
      );
    }
    const own = this.#caches.filter((cache) => cache.nodeId === nodeId);
    if (own.some((cache) => cache.level === level)) {
      throw new UserError(`Duplicate configuration of the side cache for node-id=${nodeId} and level=${level}`);
    }
    const below = own.find((cache) => cache.level === level - 1);
    if (level > 1 && below === undefined) throw new UserError(`Cache level=${level - 1} shall be defined first`);
    if (below !== undefined && size <= below.size) {
      throw new UserError(
        `Invalid size=${size}, the size of level=${level} should be larger than the size(${below.size}) of level=${level - 1}`,
      );
    }
    this.#caches.push(option);
  }

  #knows(target: number, latency: boolean): boolean {
    return [...this.#matrices.values()].some(
      ({ dataType, entries }) => isLatency(dataType) === latency && entries.some((entry) => entry.target === target),
    );
  }
}

/** The value that goes with the data type. */
function lbValue({ dataType, latency, bandwidth }: HmatLbOption): number {
  const [wanted, other] = isLatency(dataType)
    ? (['latency', 'bandwidth'] as const)
    : (['bandwidth', 'latency'] as const);
  const given = { latency, bandwidth };
  const value = given[wanted];
  if (value === undefined) throw new UserError(`Missing '${wanted}' option`);
  if (given[other] !== undefined) throw new UserError(`Invalid option '${other}' since the data type is ${wanted}`);
  return value;
}

function checkRange({ dataType, initiator, target }: HmatLbOption, entries: readonly HmatEntry[]): void {
  const latency = isLatency(dataType);
  const value = entries.at(-1)?.value ?? 0;
  const pair = `${latency ? 'Latency' : 'Bandwidth'} ${value} between initiator=${initiator} and target=${target}`;
  if (!latency && value % MIB !== 0) throw new UserError(`${pair} should be 1MB aligned`);
  const values = entries.map((entry) => entry.value);
  if (Math.max(...values) / commonUnit(values, latency) <= LARGEST_ENTRY) return;
  const previous = latency ? 'previously entered min or max values' : 'previously entered values';
  throw new UserError(`${pair} should not differ from ${previous} on more than ${LARGEST_ENTRY}`);
}
