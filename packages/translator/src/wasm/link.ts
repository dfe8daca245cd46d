/**
 * Links IR helpers into one WebAssembly module: finds every helper that the given ones call, numbers them, lowers their
 * bodies. TypeScript helpers become a call of the import `tsCall` with their number, after their arguments have been
 * put into the `arg` slots.
 */
import type { IndexBits } from '@boardwalk/core';
import type { Helper, IrHelper, TsHelper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';
import type { Ty } from '../ir/types.ts';
import { COMMON } from '../state.ts';
import { ByteWriter } from './bytes.ts';
import { CodeWriter } from './code-writer.ts';
import { FunctionLowering, type Linker, slotLoad, slotStore } from './lower.ts';
import { type MemoryImport, ModuleBuilder } from './module.ts';
import { W } from './opcodes.ts';

/** A function of raw WebAssembly that joins the module: tier 0. Its index is asked for with `functionOf`. */
export interface RawFunction {
  readonly name: string;
  readonly params: readonly Ty[];
  readonly result: Ty | undefined;
  body(linker: ModuleLinker): { readonly locals: readonly Ty[]; readonly code: Uint8Array };
}

export interface LinkInput {
  /** Helpers to export under their names (whatever they call comes along). */
  readonly exports: readonly IrHelper[];
  /** Helpers to export under other names. */
  readonly named?: Readonly<Record<string, IrHelper>>;
  /** Helpers that the raw functions call, besides. */
  readonly helpers?: readonly Helper[];
  readonly raw?: readonly RawFunction[];
  /** Raw functions call through table 0. */
  readonly importTable?: boolean;
  /** What the engine's services (`ENGINE`) are here. */
  readonly bind?: ReadonlyMap<Helper, IrHelper>;
  /** Helpers that other modules of the same memory have: they are imported (`LinkedModule.imports`). */
  readonly compiled?: { has(helper: IrHelper): boolean };
}

export interface LinkedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** TypeScript helpers in the order of the numbers that `tsCall` is given. */
  readonly tsHelpers: readonly TsHelper[];
  /** Helpers to import, as `helper 0` and so on. */
  readonly imports: readonly IrHelper[];
  /** Helpers that the module has, which it exports so for other modules. */
  readonly defines: readonly IrHelper[];
}

/** The name under which a module imports or exports its helper of a number. */
export const numbered = (n: number): string => `helper ${n}`;

export class ModuleLinker implements Linker {
  readonly module: ModuleBuilder;
  readonly #functions = new Map<Helper, number>();
  readonly #tsHelpers: TsHelper[] = [];
  #tsCall = 0;
  #bind: ReadonlyMap<Helper, IrHelper> = new Map();

  constructor(memory: MemoryImport) {
    this.module = new ModuleBuilder(memory);
  }

  get tsHelpers(): readonly TsHelper[] {
    return this.#tsHelpers;
  }

  functionOf(helper: Helper): number {
    const index = this.#functions.get(this.#bind.get(helper) ?? helper);
    if (index === undefined) throw new Error(`helper ${helper.name} is not linked`);
    return index;
  }

  link(input: LinkInput): LinkedModule {
    this.#bind = input.bind ?? new Map();
    const named = Object.entries(input.named ?? {});
    const roots = [...input.exports, ...named.map(([, h]) => h), ...(input.helpers ?? [])];
    const { compiled } = input;
    const isThere = (h: Helper): h is IrHelper => h.kind === 'ir' && compiled?.has(h) === true;
    const all = reachable(roots, this.#bind, isThere);
    const imports: IrHelper[] = [];
    const defines: IrHelper[] = [];
    this.#tsCall = this.module.importFunction('tsCall', ['i32', 'i32'], undefined);
    for (const h of all) {
      if (h.kind !== 'import' && !isThere(h)) continue;
      const name = h.kind === 'import' ? h.name : numbered(imports.push(h) - 1);
      this.#functions.set(h, this.module.importFunction(name, ['i32', ...h.params], h.result));
    }
    const own = all.filter((h) => h.kind !== 'import' && !isThere(h)) as (IrHelper | TsHelper)[];
    for (const h of own) this.#functions.set(h, this.module.reserve());
    if (input.importTable === true) this.module.importTable();
    const raw = (input.raw ?? []).map((r) => ({ r, index: this.module.reserve() }));
    for (const h of own) this.#define(h);
    for (const { r, index } of raw) {
      const { locals, code } = r.body(this);
      this.module.define(index, r.params, r.result, locals, code);
      this.module.export(r.name, index);
    }
    for (const h of input.exports) this.module.export(h.name, this.functionOf(h));
    for (const [name, h] of named) this.module.export(name, this.functionOf(h));
    for (const h of own) {
      this.module.name(this.functionOf(h), h.name);
      if (compiled === undefined || h.kind !== 'ir') continue;
      this.module.export(numbered(defines.push(h) - 1), this.functionOf(h));
    }
    for (const { r, index } of raw) this.module.name(index, r.name);
    return { bytes: this.module.bytes(), tsHelpers: this.#tsHelpers, imports, defines };
  }

  #define(h: IrHelper | TsHelper): void {
    const params: Ty[] = ['i32', ...h.params];
    if (h.kind === 'ts') {
      const number = this.#tsHelpers.push(h) - 1;
      this.module.define(
        this.functionOf(h),
        params,
        h.result,
        [],
        tsBody(h, number, this.#tsCall, this.module.indexBits),
      );
      return;
    }
    const { statements } = h.body();
    const lowered = new FunctionLowering(h.params.length, this, this.module.indexBits).lower(
      statements,
      h.result !== undefined,
    );
    this.module.define(this.functionOf(h), params, h.result, lowered.locals, lowered.code);
  }
}

function tsBody(h: TsHelper, number: number, tsCall: number, indexBits: IndexBits): Uint8Array {
  const out = new ByteWriter(64);
  const w = new CodeWriter(out, indexBits);
  for (const [i, ty] of h.params.entries()) {
    const slot = COMMON.args[i];
    if (slot === undefined) throw new Error(`${h.name}: too many arguments`);
    w.get(0)
      .area()
      .get(i + 1);
    if (ty === 'i32') out.u8(W.i64ExtendI32U);
    out.bytes(slotStore('i64')).unsigned(slot.offset);
  }
  w.get(0).i32(number).call(tsCall);
  if (h.result !== undefined) {
    w.get(0).area();
    out.bytes(slotLoad(h.result)).unsigned(COMMON.ret.offset);
  }
  return out.view();
}

/** The helpers given and every one that they call, in a fixed order; not what those call that are there already. */
function reachable(
  roots: readonly Helper[],
  bind: ReadonlyMap<Helper, IrHelper>,
  isThere: (helper: Helper) => boolean,
): Helper[] {
  const seen = new Set<Helper>();
  const queue = [...roots];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const h = bind.get(next) ?? next;
    if (seen.has(h)) continue;
    seen.add(h);
    if (h.kind === 'ir' && !isThere(h)) collectCalls(h.body().statements, queue);
  }
  return [...seen];
}

function collectCalls(statements: readonly Node[], into: Helper[]): void {
  for (const node of statements) {
    const d = node.detail;
    if (d.kind === 'call') into.push(d.helper);
    else if (d.kind === 'if') {
      collectCalls(d.taken, into);
      collectCalls(d.otherwise, into);
    } else if (d.kind === 'loop') collectCalls(d.body, into);
  }
}

/**
 * Helpers compiled on their own, for tests and tools: call them with the CPU state's offset first. `bind` says what the
 * engine's services are, `indexBits` how wide the memory's index is.
 */
export function compileHelpers(
  memory: WebAssembly.Memory,
  helpers: readonly IrHelper[],
  bind: ReadonlyMap<Helper, IrHelper> = new Map(),
  indexBits: IndexBits = 32,
): Readonly<Record<string, (...args: (number | bigint)[]) => number | bigint | undefined>> {
  const shared = typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer;
  const linker = new ModuleLinker({ pages: memory.buffer.byteLength / 65536, shared, indexBits });
  const { bytes, tsHelpers } = linker.link({ exports: helpers, bind });
  const module = new WebAssembly.Module(bytes);
  const tsCall = (cpu: number, index: number): void => tsHelpers[index]?.run(cpu >>> 0);
  const instance = new WebAssembly.Instance(module, { env: { memory, tsCall } });
  return instance.exports as Record<string, (...args: (number | bigint)[]) => number | bigint | undefined>;
}
