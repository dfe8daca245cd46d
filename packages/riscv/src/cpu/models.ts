/**
 * CPU models: which extensions a hart has, and what it calls itself. A model is a starting point; each extension is a property
 * that `-cpu rv64,zbb=off` turns on or off.
 *
 * Extension names after the RISC-V ISA manual, Volume I chapter "ISA Extension Naming Conventions"; profile names for the ones
 * that only say how the privileged architecture behaves (Svade, Svadu, Sstc).
 */
import { type CpuModel as CpuRequest, parseCpuModel, UserError } from '@boardwalk/core';

interface ExtensionSpec {
  readonly description: string;
  /** Extensions that this one cannot be without. */
  readonly needs?: readonly string[];
  /** Where it stands in the ISA string; absent: it has no name there. */
  readonly isa?: 'letter' | 'word';
}

/** Every optional part of a hart, in the order of the ISA string. I and Zicsr are always there. */
export const EXTENSIONS = {
  m: { description: 'integer multiplication and division', isa: 'letter' },
  a: { description: 'atomic instructions', isa: 'letter' },
  f: { description: 'single-precision floating point', isa: 'letter' },
  d: { description: 'double-precision floating point', needs: ['f'], isa: 'letter' },
  c: { description: 'compressed instructions', isa: 'letter' },
  zicntr: { description: 'cycle, time and instret for user mode', isa: 'word' },
  zifencei: { description: 'instruction-fetch fence', isa: 'word' },
  zba: { description: 'address generation', isa: 'word' },
  zbb: { description: 'basic bit manipulation', isa: 'word' },
  zbs: { description: 'single-bit instructions', isa: 'word' },
  sstc: { description: 'supervisor timer compare', needs: ['s'], isa: 'word' },
  svade: { description: 'page fault where accessed or dirty must be set', needs: ['s'], isa: 'word' },
  svadu: { description: 'hardware updates accessed and dirty', needs: ['s'], isa: 'word' },
  u: { description: 'user mode' },
  s: { description: 'supervisor mode', needs: ['u'] },
  sv39: { description: 'three-level page tables', needs: ['s'] },
  sv48: { description: 'four-level page tables', needs: ['sv39'] },
  sv57: { description: 'five-level page tables', needs: ['sv48'] },
  pmp: { description: 'physical memory protection, 16 entries' },
} as const satisfies Record<string, ExtensionSpec>;

/** Name of an optional part of a hart; also the name of its property. */
export type Extension = keyof typeof EXTENSIONS;

const EXTENSION_NAMES = Object.keys(EXTENSIONS) as readonly Extension[];

function spec(name: Extension): ExtensionSpec {
  return EXTENSIONS[name];
}

/** What a hart is made of: all that translation and the privileged architecture depend on. */
export interface CpuConfig {
  /** The model's name, as `-cpu` takes it. */
  readonly model: string;
  readonly extensions: ReadonlySet<Extension>;
  /** mvendorid, marchid and mimpid: 0 is "not implemented". */
  readonly vendorId: number;
  readonly archId: number;
  readonly impId: number;
}

/** A CPU model that `-cpu` can name. */
export interface CpuModel extends CpuConfig {
  readonly description: string;
}

function without(...absent: Extension[]): ReadonlySet<Extension> {
  return new Set(EXTENSION_NAMES.filter((name) => !absent.includes(name)));
}

/** The models, by name. */
export const CPU_MODELS: readonly CpuModel[] = [
  {
    model: 'rv64',
    description: 'RV64GC with bit manipulation, Sstc and five-level page tables',
    extensions: without('svade'),
    vendorId: 0,
    archId: 0,
    impId: 0,
  },
  {
    model: 'max',
    description: 'every extension that is implemented',
    extensions: without('svade'),
    vendorId: 0,
    archId: 0,
    impId: 0,
  },
  {
    model: 'sifive-u54',
    description: 'SiFive U54: RV64GC with three-level page tables',
    extensions: without('zba', 'zbb', 'zbs', 'sstc', 'svadu', 'sv48', 'sv57'),
    vendorId: 0x489,
    archId: 1,
    impId: 0,
  },
];

/**
 * The configuration that a `-cpu` option asks for: a model and its properties, as in `rv64,zbb=off,sv57=off`.
 * @throws UserError as {@link configureCpu} and for a text without a model
 */
export function parseCpu(option: string): CpuConfig {
  return configureCpu(parseCpuModel(option));
}

/**
 * The configuration that a model and its properties name. Turning an extension off takes away those that need it, unless
 * they are asked for too.
 * @throws UserError for an unknown model or property, a value that is not a boolean, or extensions that contradict each other
 */
export function configureCpu(request: CpuRequest): CpuConfig {
  const model = CPU_MODELS.find((m) => m.model === request.model);
  if (model === undefined) {
    throw new UserError(`unknown CPU model '${request.model}'; known: ${CPU_MODELS.map((m) => m.model).join(', ')}`);
  }
  const asked = new Map(request.properties.map((property) => parseProperty(property, model.model)));
  const extensions = new Set(EXTENSION_NAMES.filter((name) => asked.get(name) ?? model.extensions.has(name)));
  for (let settled = false; !settled; ) {
    settled = true;
    for (const extension of extensions) {
      const missing = spec(extension).needs?.find((need) => !extensions.has(need as Extension));
      if (missing === undefined) continue;
      if (asked.get(extension)) throw new UserError(`CPU ${model.model}: ${extension} needs ${missing}`);
      extensions.delete(extension);
      settled = false;
    }
  }
  const { vendorId, archId, impId } = model;
  return { model: model.model, extensions, vendorId, archId, impId };
}

function parseProperty({ name, value }: CpuRequest['properties'][number], model: string): [Extension, boolean] {
  if (!isExtension(name)) {
    throw new UserError(`CPU ${model} has no property '${name}'; known: ${EXTENSION_NAMES.join(', ')}`);
  }
  if (/^(on|true|yes)$/.test(value)) return [name, true];
  if (/^(off|false|no)$/.test(value)) return [name, false];
  throw new UserError(`CPU ${model}: ${name}=${value}: on or off is expected`);
}

/** Whether a text names an extension. */
function isExtension(name: string): name is Extension {
  return Object.hasOwn(EXTENSIONS, name);
}

/** Extension names for the device tree's `riscv,isa-extensions`, in ISA-string order, base first. */
export function isaExtensions(config: CpuConfig): string[] {
  const of = (kind: 'letter' | 'word') =>
    EXTENSION_NAMES.filter((name) => config.extensions.has(name) && spec(name).isa === kind);
  return ['i', ...of('letter'), ...[...of('word'), 'zicsr'].sort(byCategory)];
}

/** The ISA string, as in `rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc_svadu`. */
export function isaString(config: CpuConfig): string {
  const names = isaExtensions(config);
  const letters = names.filter((name) => name.length === 1).join('');
  return [`rv64${letters}`, ...names.filter((name) => name.length > 1)].join('_');
}

/** Z extensions by the category of their second letter, then S extensions, each alphabetically. */
function byCategory(a: string, b: string): number {
  const CATEGORIES = 'iemafdqlcbkjtpvnh';
  const key = (name: string) => (name.startsWith('z') ? CATEGORIES.indexOf(name.charAt(1)) : CATEGORIES.length);
  return key(a) - key(b) || (a < b ? -1 : 1);
}

/** The largest page-table format, as the device tree's `mmu-type` names it; undefined without any. */
export function mmuType(config: CpuConfig): string | undefined {
  const largest = (['sv57', 'sv48', 'sv39'] as const).find((name) => config.extensions.has(name));
  return largest && `riscv,${largest}`;
}
