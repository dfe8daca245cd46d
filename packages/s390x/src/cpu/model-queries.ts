/** What is asked of CPU models: what one has, how two stand to each other, what both have (QMP query-cpu-model-*). */
import { type CpuModelComparison, type CpuModelQueries, type CpuModelSelection, UserError } from '@boardwalk/core';
import { FACILITY_NAMES, type Facility } from './facilities.ts';
import { addFacility, CPU_MODELS, type CpuModel, isFacility } from './models.ts';

/** A model with the features that were asked for. */
interface Selected {
  readonly model: CpuModel;
  readonly facilities: ReadonlySet<Facility>;
}

/** @throws UserError for a model or feature that there is not */
function select({ name, props = {} }: CpuModelSelection): Selected {
  const model = CPU_MODELS.find((candidate) => candidate.model === name);
  if (model === undefined) throw new UserError(`The CPU definition '${name}' is unknown.`);
  const facilities = new Set(model.facilities);
  for (const [feature, value] of Object.entries(props)) {
    if (!isFacility(feature)) throw new UserError(`Property '${name}-s390x-cpu.${feature}' not found`);
    if (typeof value !== 'boolean') throw new UserError(`Invalid parameter type for '${feature}', expected: boolean`);
    if (value) addFacility(model, facilities, feature);
    else facilities.delete(feature);
  }
  return { model, facilities };
}

/** The base model of a generation, and the features that differ from it. */
function fromBase(generation: number, facilities: ReadonlySet<Facility>): CpuModelSelection {
  const base = CPU_MODELS.find((model) => model.isBase && model.generation === generation);
  if (base === undefined) throw new Error(`no base model of generation ${generation}`);
  const differing = FACILITY_NAMES.filter((name) => base.facilities.has(name) !== facilities.has(name));
  return { name: base.model, props: Object.fromEntries(differing.map((name) => [name, facilities.has(name)])) };
}

function compare(modelA: CpuModelSelection, modelB: CpuModelSelection): CpuModelComparison {
  const [a, b] = [select(modelA), select(modelB)];
  const differing = FACILITY_NAMES.filter((name) => a.facilities.has(name) !== b.facilities.has(name));
  const older = a.model.generation - b.model.generation;
  const hasMore = differing.some((name) => a.facilities.has(name)) || older > 0;
  const hasLess = differing.some((name) => b.facilities.has(name)) || older < 0;
  return {
    result: hasMore && hasLess ? 'incompatible' : hasMore ? 'superset' : hasLess ? 'subset' : 'identical',
    responsible: [...differing, ...(older === 0 ? [] : ['type'])],
  };
}

/** The newest base model that both have all of, or the oldest, and what else both have. */
function baseline(modelA: CpuModelSelection, modelB: CpuModelSelection): CpuModelSelection {
  const [a, b] = [select(modelA), select(modelB)];
  const common = new Set(FACILITY_NAMES.filter((name) => a.facilities.has(name) && b.facilities.has(name)));
  const newest = Math.min(a.model.generation, b.model.generation);
  const candidates = CPU_MODELS.filter(({ isBase, generation }) => isBase && generation <= newest);
  const fitting = candidates.filter(({ facilities }) => [...facilities].every((name) => common.has(name)));
  const generations = (fitting.length > 0 ? fitting : candidates.slice(0, 1)).map(({ generation }) => generation);
  return fromBase(Math.max(...generations), common);
}

export const cpuModelQueries: CpuModelQueries = {
  expand(selection, full) {
    const { model, facilities } = select(selection);
    const found = fromBase(model.generation, facilities);
    if (!full) return found;
    return { name: found.name, props: Object.fromEntries(FACILITY_NAMES.map((name) => [name, facilities.has(name)])) };
  },
  compare,
  baseline,
};
