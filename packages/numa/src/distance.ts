// Distances between nodes, relative to 10 for a node's own memory (ACPI 6.4, 5.2.17).
import { UserError } from '@boardwalk/core';
import { DEFAULT_DISTANCE, LOCAL_DISTANCE, MAX_NODES, UNREACHABLE_DISTANCE } from './limits.ts';
import type { NumaDistOption } from './options.ts';

/** What was said of distances so far. */
export class DistanceMatrix {
  readonly #given = new Map<string, number>();

  /** @throws UserError */
  set({ src, dst, val }: NumaDistOption, exists: (node: number) => boolean): void {
    for (const [name, id] of [
      ['src', src],
      ['dst', dst],
    ] as const) {
      if (id >= MAX_NODES) {
        throw new UserError(`Parameter '${name}' expects an integer between 0 and ${MAX_NODES - 1}`);
      }
    }
    if (!exists(src) || !exists(dst)) {
      throw new UserError(
        "Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.",
      );
    }
    if (val < LOCAL_DISTANCE) {
      throw new UserError(`NUMA distance (${val}) is invalid, it shouldn't be less than ${LOCAL_DISTANCE}.`);
    }
    if (val > UNREACHABLE_DISTANCE) throw new UserError("Parameter 'val' expects uint8_t");
    if (src === dst && val !== LOCAL_DISTANCE) {
      throw new UserError(`Local distance of node ${src} should be ${LOCAL_DISTANCE}.`);
    }
    this.#given.set(`${src} ${dst}`, val);
  }

  /**
   * The matrix, rows being sources: a distance that was said for one direction holds for the other.
   * @returns undefined if none was said
   * @throws UserError if a pair has none, or one is asymmetrical and another is said for one direction only
   */
  complete(nodes: number): number[][] | undefined {
    if (this.#given.size === 0) return undefined;
    const ids = Array.from({ length: nodes }, (_, id) => id);
    const pairs = ids.flatMap((a) => ids.slice(0, a).map((b) => ({ a: b, b: a })));
    pairs.sort((x, y) => x.a - y.a || x.b - y.b);
    for (const { a, b } of pairs) {
      if (this.#get(a, b) !== undefined || this.#get(b, a) !== undefined) continue;
      throw new UserError(
        `The distance between node ${a} and ${b} is missing, at least one distance value between each nodes should be provided.`,
      );
    }
    const oneWay = pairs.some(({ a, b }) => this.#get(a, b) === undefined || this.#get(b, a) === undefined);
    const asymmetrical = pairs.some(({ a, b }) => {
      const [there, back] = [this.#get(a, b), this.#get(b, a)];
      return there !== undefined && back !== undefined && there !== back;
    });
    if (asymmetrical && oneWay) {
      throw new UserError(
        'At least one asymmetrical pair of distances is given, please provide distances for both directions of all node pairs.',
      );
    }
    return ids.map((src) =>
      ids.map((dst) =>
        src === dst ? LOCAL_DISTANCE : (this.#get(src, dst) ?? this.#get(dst, src) ?? DEFAULT_DISTANCE),
      ),
    );
  }

  #get(src: number, dst: number): number | undefined {
    return this.#given.get(`${src} ${dst}`);
  }
}

/** What holds where nothing was said: 10 within a node, 20 between two. */
export function defaultDistances(nodes: number): number[][] {
  return Array.from({ length: nodes }, (_, src) =>
    Array.from({ length: nodes }, (_, dst) => (src === dst ? LOCAL_DISTANCE : DEFAULT_DISTANCE)),
  );
}
