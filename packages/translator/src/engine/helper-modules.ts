/**
 * Modules of helpers. Each is linked when it is first needed, from the helpers' IR; what that made is plain data, which serves other runs
 * of the program and other threads too. A module has the helpers that no module before it has, and imports the others.
 */
import type { Helper, IrHelper, TsHelper } from '../ir/helper.ts';
import { type LinkInput, ModuleLinker, numbered } from '../wasm/link.ts';
import type { MemoryImport } from '../wasm/module.ts';

/** A module, as it is kept and posted. Helpers are named. */
export interface HelperModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Helpers in TypeScript, by the numbers that it calls them by. */
  readonly tsHelpers: readonly string[];
  /** What it imports as `helper 0` and so on, and what it exports so. */
  readonly imports: readonly string[];
  readonly defines: readonly string[];
}

/** Modules by their names, for engines whose helpers are of the same shape: plain data. Each comes behind those that it imports from. */
export interface SharedModules {
  readonly shape: string;
  readonly modules: ReadonlyMap<string, HelperModule>;
}

type WasmFunction = (...args: never[]) => unknown;
export type ModuleExports = Readonly<Record<string, WasmFunction>>;

export interface HelperModulesOptions {
  readonly memory: MemoryImport;
  /** What the engine's services are. */
  readonly bind: ReadonlyMap<Helper, IrHelper>;
  /** What every module may import: the memory, the table, functions of the engine. */
  readonly imports: Readonly<Record<string, WebAssembly.ImportValue>>;
  /** A text that says all that the modules depend on. */
  readonly shape: string;
  /** Helpers in TypeScript that modules linked by others may call. */
  readonly tsHelpers: readonly TsHelper[];
  /** Modules that another engine linked ({@link SharedModules}); what is anything else is not taken. */
  readonly linked: unknown;
}

export class HelperModules {
  readonly #o: HelperModulesOptions;
  readonly #modules = new Map<string, HelperModule>();
  readonly #instances = new Map<string, ModuleExports>();
  /** Where each helper is: the name of its module, its number in it. */
  readonly #places = new Map<string, { readonly module: string; readonly n: number }>();
  /** Helpers by their names, as far as they were met; nothing else tells them apart in modules of others. */
  readonly #helpers = new Map<string, Helper>();
  /** Modules that this engine linked. */
  linked = 0;

  constructor(o: HelperModulesOptions) {
    this.#o = o;
    for (const helper of o.tsHelpers) this.#claim(helper);
    const { shape, modules } = (o.linked ?? {}) as Partial<SharedModules>;
    if (shape === o.shape) for (const [name, module] of this.#usable(modules)) this.#add(name, module);
  }

  /** Modules that serve others too. */
  get shared(): SharedModules {
    return { shape: this.#o.shape, modules: this.#usable(this.#modules) };
  }

  /** Those modules of which all is known wherever the frontend is. */
  #usable(modules: unknown): ReadonlyMap<string, HelperModule> {
    const usable = new Map<string, HelperModule>();
    if (!(modules instanceof Map)) return usable;
    const inTs = new Set(this.#o.tsHelpers.map(nameOf));
    const defined = new Set<string>();
    for (const [name, module] of modules as Map<string, unknown>) {
      if (!isHelperModule(module)) continue;
      const { tsHelpers, imports, defines } = module;
      if (!tsHelpers.every((of) => inTs.has(of)) || !imports.every((of) => defined.has(of))) continue;
      usable.set(name, module);
      for (const helper of defines) defined.add(helper);
    }
    return usable;
  }

  /** Whether a module is there, linked by this engine or another. */
  has(name: string): boolean {
    return this.#modules.has(name);
  }

  /** What the module of a name exports; linked of `input` if it is not there. @throws Error if two helpers have the same name */
  exports(name: string, input: Omit<LinkInput, 'bind' | 'compiled'>): ModuleExports {
    for (const helper of input.helpers ?? []) this.#claim(this.#bound(helper));
    if (!this.#modules.has(name)) this.#add(name, this.#link(input));
    return this.exportsOf(name);
  }

  /** A helper as a function: (cpu, ...arguments). */
  functionOf(helper: Helper): WasmFunction {
    const bound = this.#bound(helper);
    if (bound.kind !== 'ir') throw new Error(`${bound.name} is not written in the IR`);
    this.#claim(bound);
    if (!this.#places.has(bound.name)) this.exports(`helper.${bound.name}`, { exports: [], helpers: [bound] });
    const found = this.functionNamed(bound.name);
    if (found === undefined) throw new Error(`${bound.name} was not exported`);
    return found;
  }

  /** The helper of a name as a function, if there is a module that has it. */
  functionNamed(name: string): WasmFunction | undefined {
    const place = this.#places.get(name);
    return place && this.exportsOf(place.module)[numbered(place.n)];
  }

  #bound(helper: Helper): Helper {
    return this.#o.bind.get(helper) ?? helper;
  }

  #link(input: Omit<LinkInput, 'bind' | 'compiled'>): HelperModule {
    const { memory, bind } = this.#o;
    const compiled = {
      has: (helper: IrHelper): boolean => {
        this.#claim(helper);
        return this.#places.has(helper.name);
      },
    };
    const { bytes, tsHelpers, imports, defines } = new ModuleLinker(memory).link({ ...input, bind, compiled });
    for (const helper of tsHelpers) this.#claim(helper);
    this.linked++;
    return { bytes, tsHelpers: tsHelpers.map(nameOf), imports: imports.map(nameOf), defines: defines.map(nameOf) };
  }

  #claim(helper: Helper): void {
    const known = this.#helpers.get(helper.name);
    if (known === undefined) this.#helpers.set(helper.name, helper);
    else if (known !== helper) throw new Error(`two helpers are called ${helper.name}`);
  }

  #add(name: string, module: HelperModule): void {
    this.#modules.set(name, module);
    for (const [n, helper] of module.defines.entries()) this.#places.set(helper, { module: name, n });
  }

  /** What a module that is there exports. */
  exportsOf(name: string): ModuleExports {
    const known = this.#instances.get(name);
    if (known !== undefined) return known;
    const module = this.#modules.get(name);
    if (module === undefined) throw new Error(`there is no module ${name}`);
    const env: Record<string, WebAssembly.ImportValue> = { ...this.#o.imports };
    for (const [n, helper] of module.imports.entries()) {
      env[numbered(n)] = this.functionNamed(helper) as WebAssembly.ImportValue;
    }
    const tsHelpers = module.tsHelpers.map((of) => this.#helpers.get(of));
    env.tsCall = (cpu: number, n: number): void => {
      const helper = tsHelpers[n];
      if (helper?.kind === 'ts') helper.run(cpu >>> 0);
    };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { env });
    this.#instances.set(name, exports as ModuleExports);
    return exports as ModuleExports;
  }
}

const nameOf = ({ name }: Helper): string => name;

function isHelperModule(value: unknown): value is HelperModule {
  const module = value as Partial<HelperModule> | undefined;
  const lists = [module?.tsHelpers, module?.imports, module?.defines];
  return module?.bytes instanceof Uint8Array && lists.every((list) => Array.isArray(list));
}
