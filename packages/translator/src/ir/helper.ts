/** Functions that translated code calls: written in the IR (compiled to WebAssembly once) or, where cold, in TypeScript. */
import { IrBuilder } from './builder.ts';
import type { Node } from './nodes.ts';
import type { Ty } from './types.ts';

export interface Signature {
  readonly name: string;
  readonly params: readonly Ty[];
  readonly result: Ty | undefined;
}

/** A helper written in the IR. Its body is built when first asked for. */
export interface IrHelper extends Signature {
  readonly kind: 'ir';
  body(): { readonly params: readonly Node[]; readonly statements: readonly Node[] };
}

/**
 * A helper written in TypeScript, for what is cold or needs a device. `run` gets the host offset of the calling vCPU's
 * state; arguments lie in the `arg` slots as 64-bit words, the result is left in the `ret` slot.
 */
export interface TsHelper extends Signature {
  readonly kind: 'ts';
  readonly run: (cpuBase: number) => void;
}

/** A function that the engine itself supplies (an import of the module). */
export interface ImportHelper extends Signature {
  readonly kind: 'import';
}

/** What the body of a helper gives: its result, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: bodies of helpers without a result are plain statements
export type HelperResult = Node | undefined | void;

/** Anything that `IrBuilder.call` can call. */
export type Helper = IrHelper | TsHelper | ImportHelper;

/**
 * Declares a helper in the IR. `body` builds it from the parameters and gives the result, or leaves with
 * `b.return_(value)`. Every helper has the CPU state of its caller: `b.get`, `b.set`.
 */
export function defineHelper(
  name: string,
  params: readonly Ty[],
  result: Ty | undefined,
  body: (b: IrBuilder, ...args: Node[]) => HelperResult,
): IrHelper {
  let built: { readonly params: readonly Node[]; readonly statements: readonly Node[] } | undefined;
  return {
    kind: 'ir',
    name,
    params,
    result,
    body: () => {
      built ??= build(name, params, result, body);
      return built;
    },
  };
}

/** Declares a helper in TypeScript; see `TsHelper`. At most 8 arguments. */
export function defineTsHelper(
  name: string,
  params: readonly ('i32' | 'i64')[],
  result: 'i32' | 'i64' | undefined,
  run: (cpuBase: number) => void,
): TsHelper {
  if (params.length > 8) throw new Error(`helper ${name}: more than 8 arguments`);
  return { kind: 'ts', name, params, result, run };
}

function build(
  name: string,
  params: readonly Ty[],
  result: Ty | undefined,
  body: (b: IrBuilder, ...args: Node[]) => HelperResult,
): { readonly params: readonly Node[]; readonly statements: readonly Node[] } {
  const b = new IrBuilder();
  const args = params.map((ty, index) => b.param(ty, index));
  const value = body(b, ...args);
  if (value !== undefined) {
    if (value.type !== result) throw new Error(`helper ${name}: result is ${value.type}, not ${result}`);
    b.return_(value);
  }
  return { params: args, statements: b.finish() };
}
