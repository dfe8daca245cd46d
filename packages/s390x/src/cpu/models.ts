/**
 * CPU models: which facilities a CPU has, and what it calls itself. A model is a starting point; each facility is a property that
 * `-cpu qemu,edat2=off` turns on or off. No model claims what is not implemented: that of a machine generation has those of its
 * facilities that are.
 */
import { type CpuModel as CpuRequest, parseCpuModel, UserError } from '@boardwalk/core';
import { FACILITIES, FACILITY_NAMES, type Facility, facilitySpec } from './facilities.ts';

/** What a CPU is made of: all that translation depends on. */
export interface CpuConfig {
  /** The model's name, as `-cpu` takes it. */
  readonly model: string;
  readonly facilities: ReadonlySet<Facility>;
  /** Machine type, as STIDP and STSI tell it: 0x3906 is a z14. */
  readonly machineType: number;
}

/** A CPU model that `-cpu` can name. */
export interface CpuModel extends CpuConfig {
  readonly description: string;
  /** Machine generation, as {@link FACILITIES} count them. */
  readonly generation: number;
  /** A base model: it has what no machine of its generation is without, and never changes. */
  readonly isBase: boolean;
}

/** Machine generations: name of the model, machine, machine type and number. */
const GENERATIONS = [
  ['z10EC', 'IBM System z10 EC', 0x2097, 10],
  ['z196', 'IBM zEnterprise 196', 0x2817, 11],
  ['zEC12', 'IBM zEnterprise EC12', 0x2827, 12],
  ['z13', 'IBM z13', 0x2964, 13],
  ['z14', 'IBM z14', 0x3906, 14],
  ['gen15a', 'IBM z15', 0x8561, 15],
] as const;
const [, , NEWEST_TYPE, NEWEST] = GENERATIONS[GENERATIONS.length - 1] ?? ['', '', 0, 0];

/** Every facility that is implemented, machine or not. */
function everything(model: string, description: string): CpuModel {
  const facilities = new Set(FACILITY_NAMES);
  return { model, description, machineType: NEWEST_TYPE, generation: NEWEST, isBase: false, facilities };
}

function modelsOf([model, machine, machineType, generation]: (typeof GENERATIONS)[number]): CpuModel[] {
  const facilities = FACILITY_NAMES.filter((name) => facilitySpec(name).since <= generation);
  const base = facilities.filter((name) => facilitySpec(name).optional !== true);
  const common = { machineType, generation };
  return [
    { ...common, model, description: machine, isBase: false, facilities: new Set(facilities) },
    { ...common, model: `${model}-base`, description: `${machine}, base`, isBase: true, facilities: new Set(base) },
  ];
}

/** The models, by name. */
export const CPU_MODELS: readonly CpuModel[] = [
  everything('qemu', 'IBM z15 with what is implemented'),
  everything('max', 'every facility that is implemented'),
  ...GENERATIONS.flatMap(modelsOf),
];

/**
 * The configuration that a `-cpu` option asks for: a model and its properties, as in `qemu,edat2=off`.
 * @throws UserError as {@link configureCpu}, and for a text without a model
 */
export function parseCpu(option: string): CpuConfig {
  return configureCpu(parseCpuModel(option));
}

/**
 * The configuration that a model and its properties name.
 * @throws UserError for an unknown model or property, or a value that is not a boolean
 */
export function configureCpu(request: CpuRequest): CpuConfig {
  const model = CPU_MODELS.find((m) => m.model === request.model);
  if (model === undefined) {
    throw new UserError(`unknown CPU model '${request.model}'; known: ${CPU_MODELS.map((m) => m.model).join(', ')}`);
  }
  const facilities = new Set(model.facilities);
  for (const { name, value } of request.properties) {
    if (!isFacility(name)) {
      throw new UserError(`CPU ${model.model} has no property '${name}'; known: ${FACILITY_NAMES.join(', ')}`);
    }
    if (/^(on|true|yes)$/.test(value)) addFacility(model, facilities, name);
    else if (/^(off|false|no)$/.test(value)) facilities.delete(name);
    else throw new UserError(`CPU ${model.model}: ${name}=${value}: on or off is expected`);
  }
  if (!facilities.has('vx')) leaveOutVectors(model.model, request, facilities);
  return { model: model.model, machineType: model.machineType, facilities };
}

/** Facilities that have vectors to work on. */
const OF_VECTORS: readonly Facility[] = ['vxpd', 'vxeh', 'vxeh2'];

/** Without vectors there is nothing that enhances them. */
function leaveOutVectors(model: string, request: CpuRequest, facilities: Set<Facility>): void {
  for (const name of OF_VECTORS) {
    const isAsked = request.properties.some((one) => one.name === name) && facilities.has(name);
    if (isAsked) throw new UserError(`CPU ${model}: ${name} needs vx`);
    facilities.delete(name);
  }
}

/** Turns a facility on. @throws UserError where the model's generation had none */
export function addFacility(model: CpuModel, facilities: Set<Facility>, name: Facility): void {
  if (!model.facilities.has(name) && facilitySpec(name).since > model.generation) {
    throw new UserError(
      `Feature '${name}' is not available for CPU model '${model.model}', it was introduced with later models.`,
    );
  }
  facilities.add(name);
}

/** Whether a name is that of a facility. */
export function isFacility(name: string): name is Facility {
  return Object.hasOwn(FACILITIES, name);
}
