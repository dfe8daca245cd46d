/** Writes a WebAssembly module (WebAssembly Core Specification 2.0, section 5.5). */
import type { IndexBits } from '@boardwalk/core';
import type { Ty } from '../ir/types.ts';
import { ByteWriter } from './bytes.ts';
import { W, WASM_TYPE } from './opcodes.ts';

/** How the module sees the RAM space: sizes are in 64 KiB pages. */
export interface MemoryImport {
  readonly pages: number;
  readonly shared: boolean;
  readonly indexBits: IndexBits;
}

/** Bits of a memory's limits: it has a maximum, it is shared, its index has 64 bits (memory64 proposal). */
const HAS_MAXIMUM = 1;
const SHARED = 2;
const INDEX_64 = 4;

interface FunctionBody {
  readonly type: number;
  readonly locals: readonly Ty[];
  readonly code: Uint8Array;
}

/** A module that imports one memory `env.memory`. Imported functions come before defined ones. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: (FunctionBody | undefined)[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #names: { index: number; name: string }[] = [];
  #importsTable = false;
  readonly #memory: MemoryImport;

  constructor(memory: MemoryImport) {
    this.#memory = memory;
  }

  /** Bits of an index of the memory. */
  get indexBits(): IndexBits {
    return this.#memory.indexBits;
  }

  /** Index of a function type, made when first asked for. */
  type(params: readonly Ty[], result: Ty | undefined): number {
    const key = `${params.join()}>${result ?? ''}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = new ByteWriter().u8(0x60).unsigned(params.length);
    for (const p of params) out.u8(WASM_TYPE[p]);
    if (result === undefined) out.u8(0);
    else out.u8(1).u8(WASM_TYPE[result]);
    this.#typeBytes.push(out.view());
    return this.#types.push(key) - 1;
  }

  /** Declares an imported function `env.<name>`; all imports come before the first `reserve`. */
  importFunction(name: string, params: readonly Ty[], result: Ty | undefined): number {
    if (this.#functions.length > 0) throw new Error('imports come before functions');
    return this.#imports.push({ name, type: this.type(params, result) }) - 1;
  }

  /** Reserves an index for a function whose body comes later with `define`. */
  reserve(): number {
    return this.#imports.length + this.#functions.push(undefined) - 1;
  }

  define(index: number, params: readonly Ty[], result: Ty | undefined, locals: readonly Ty[], code: Uint8Array): void {
    this.#functions[index - this.#imports.length] = { type: this.type(params, result), locals, code };
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** Names a function for profilers and debuggers; those named first must have the lower index. */
  name(index: number, name: string): void {
    this.#names.push({ index, name });
  }

  /** Imports table 0 as `env.table`. */
  importTable(): void {
    this.#importsTable = true;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bodies = this.#functions.map((f, i) => {
      if (f === undefined) throw new Error(`function ${i + this.#imports.length} has no body`);
      return f;
    });
    const codeBytes = bodies.reduce((sum, f) => sum + f.code.length + 64, 0);
    const out = new ByteWriter(codeBytes + 4096).bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    section(out, 1, this.#typeBytes.length, (s) => {
      for (const t of this.#typeBytes) s.bytes(t);
    });
    section(out, 2, this.#imports.length + (this.#importsTable ? 2 : 1), (s) => {
      for (const i of this.#imports) s.name('env').name(i.name).u8(0).unsigned(i.type);
      s.name('env').name('memory').u8(2);
      const { pages, shared, indexBits } = this.#memory;
      s.u8(HAS_MAXIMUM | (shared ? SHARED : 0) | (indexBits === 64 ? INDEX_64 : 0));
      s.unsigned(pages).unsigned(pages);
      if (this.#importsTable) s.name('env').name('table').u8(1).u8(0x70).u8(0).unsigned(0);
    });
    section(out, 3, bodies.length, (s) => {
      for (const f of bodies) s.unsigned(f.type);
    });
    section(out, 7, this.#exports.length, (s) => {
      for (const e of this.#exports) s.name(e.name).u8(0).unsigned(e.index);
    });
    codeSection(out, bodies);
    if (this.#names.length > 0) this.#nameSection(out);
    return out.view() as Uint8Array<ArrayBuffer>;
  }

  /** The custom section of names (WebAssembly Core Specification 2.0, section 7.4), with those of functions. */
  #nameSection(out: ByteWriter): void {
    const functions = new ByteWriter().unsigned(this.#names.length);
    for (const { index, name } of this.#names) functions.unsigned(index).name(name);
    const content = new ByteWriter().name('name').u8(1).unsigned(functions.length).bytes(functions.view());
    out.u8(0).unsigned(content.length).bytes(content.view());
  }
}

function section(out: ByteWriter, id: number, count: number, fill: (s: ByteWriter) => void): void {
  const content = new ByteWriter().unsigned(count);
  fill(content);
  out.u8(id).unsigned(content.length).bytes(content.view());
}

/** The bodies are copied once: what stands before them is written first, to know how long they are. */
function codeSection(out: ByteWriter, bodies: readonly FunctionBody[]): void {
  const heads = bodies.map((f) => localsOf(f.locals));
  const lengths = bodies.map((f, i) => (heads[i]?.length ?? 0) + f.code.length + 1);
  const content = lengths.reduce((sum, n) => sum + unsignedBytes(n) + n, unsignedBytes(bodies.length));
  out.u8(10).unsigned(content).unsigned(bodies.length);
  for (const [i, f] of bodies.entries()) {
    const head = heads[i];
    if (head === undefined) continue;
    out
      .unsigned(lengths[i] ?? 0)
      .bytes(head.view())
      .bytes(f.code)
      .u8(W.end);
  }
}

/** Bytes of an unsigned LEB128. */
function unsignedBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest !== 0; rest >>>= 7) bytes++;
  return bytes;
}

function localsOf(locals: readonly Ty[]): ByteWriter {
  const head = new ByteWriter(64);
  const runs: { ty: Ty; count: number }[] = [];
  for (const ty of locals) {
    const last = runs.at(-1);
    if (last !== undefined && last.ty === ty) last.count++;
    else runs.push({ ty, count: 1 });
  }
  head.unsigned(runs.length);
  for (const run of runs) head.unsigned(run.count).u8(WASM_TYPE[run.ty]);
  return head;
}
