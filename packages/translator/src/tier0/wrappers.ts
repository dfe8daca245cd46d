/**
 * What tier 0 calls: for each helper a function (cpu, ip) that takes the arguments from the slots that the operation at
 * `ip` names (u16 fields at 4, 6, 8, 10, 12) and leaves the result in the slot named at 2.
 */
import type { Helper } from '../ir/helper.ts';
import type { PureOp } from '../ir/ops.ts';
import type { ModuleLinker, RawFunction } from '../wasm/link.ts';
import { Assembler } from './assembler.ts';

/** Most arguments of a helper that blocks call. */
export const MAX_CALL_ARGUMENTS = 5;

/** Fields of the operation that name the arguments. */
export const ARGUMENT_FIELDS: readonly number[] = [4, 6, 8, 10, 12];

/** Name under which the wrapper of a helper is exported. */
export function wrapperName(helper: Helper): string {
  return `call.${helper.name}`;
}

/** The same for a pure operation that the interpreter has none for: `pure.<name>`. */
export function pureWrapper(op: PureOp): RawFunction {
  return {
    name: `pure.${op.name}`,
    params: ['i32', 'i32'],
    result: undefined,
    body: (linker: ModuleLinker) => {
      const a = new Assembler(linker.module.indexBits);
      a.result(2, op.compare ? 'i64' : op.result, () => {
        for (const [i, ty] of op.args.entries()) a.operand(ARGUMENT_FIELDS[i] ?? 0, ty);
        a.op(...op.code);
      });
      return { locals: [], code: a.out.view() };
    },
  };
}

/** Makes the wrapper of a helper. */
export function callWrapper(helper: Helper): RawFunction {
  if (helper.params.length > MAX_CALL_ARGUMENTS) {
    throw new Error(`helper ${helper.name} has more than ${MAX_CALL_ARGUMENTS} arguments`);
  }
  return {
    name: wrapperName(helper),
    params: ['i32', 'i32'],
    result: undefined,
    body: (linker: ModuleLinker) => {
      const a = new Assembler(linker.module.indexBits);
      const call = (): void => {
        a.get(0);
        for (const [i, ty] of helper.params.entries()) a.operand(ARGUMENT_FIELDS[i] ?? 0, ty);
        a.call(linker.functionOf(helper));
      };
      if (helper.result === undefined) call();
      else a.result(2, helper.result, call);
      return { locals: [], code: a.out.view() };
    },
  };
}
