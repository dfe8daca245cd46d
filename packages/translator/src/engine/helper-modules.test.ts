import { describe, expect, it } from 'vitest';
import { defineHelper, defineTsHelper, type IrHelper, type TsHelper } from '../ir/helper.ts';
import { COMMON } from '../state.ts';
import { HelperModules } from './helper-modules.ts';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });

function modules(
  o: { readonly tsHelpers?: readonly TsHelper[]; readonly linked?: unknown; readonly shape?: string } = {},
) {
  return new HelperModules({
    memory: { pages: 1, shared: false, indexBits: 32 },
    bind: new Map(),
    imports: { memory },
    shape: o.shape ?? 'shape',
    tsHelpers: o.tsHelpers ?? [],
    linked: structuredClone(o.linked),
  });
}

const twice = (): IrHelper => defineHelper('twice', ['i64'], 'i64', (b, x) => b.add(x, x));
const fourfold = (of: IrHelper): IrHelper =>
  defineHelper('fourfold', ['i64'], 'i64', (b, x) => b.call(of, b.call(of, x)));
const ask = (answer: bigint): TsHelper =>
  defineTsHelper('ask', [], 'i64', (cpu) =>
    new DataView(memory.buffer).setBigInt64(cpu + COMMON.ret.offset, answer, true),
  );
const asking = (of: TsHelper): IrHelper => defineHelper('asking', [], 'i64', (b) => b.call(of));

describe('modules of helpers', () => {
  it('have each helper once', () => {
    const own = modules();
    const helper = twice();
    expect(own.functionOf(helper)(...([0, 21n] as never[]))).toBe(42n);
    const first = [...own.shared.modules.values()];
    expect(own.functionOf(fourfold(helper))(...([0, 21n] as never[]))).toBe(84n);
    expect([...own.shared.modules.values()].slice(first.length)).toMatchObject([
      { imports: ['twice'], defines: ['fourfold'] },
    ]);
  });

  it('serve others, which build no IR for them', () => {
    const first = modules();
    const helper = twice();
    first.functionOf(helper);
    first.functionOf(fourfold(helper));
    const second = modules({ linked: first.shared });
    const unbuilt = defineHelper('fourfold', ['i64'], 'i64', () => {
      throw new Error('built');
    });
    expect(second.functionOf(unbuilt)(...([0, 1n] as never[]))).toBe(4n);
    expect([first.linked, second.linked]).toEqual([2, 0]);
    expect(second.shared).toEqual(first.shared);
  });

  it('find helpers in TypeScript by their names', () => {
    const [mine, theirs] = [ask(1n), ask(2n)];
    const first = modules({ tsHelpers: [mine] });
    first.functionOf(asking(mine));
    const second = modules({ tsHelpers: [theirs], linked: first.shared });
    expect(second.functionOf(asking(theirs))(...([0] as never[]))).toBe(2n);
    expect(second.linked).toBe(0);
  });

  it('are not shared where they, or what they import, call what others may not have', () => {
    const own = modules();
    const helper = asking(ask(1n));
    own.functionOf(twice());
    own.functionOf(helper);
    own.functionOf(defineHelper('on', [], 'i64', (b) => b.call(helper)));
    expect([...own.shared.modules.values()].flatMap(({ defines }) => defines)).toEqual(['twice']);
    expect(
      modules({ tsHelpers: [], linked: { ...own.shared, modules: new Map() } }).functionNamed('on'),
    ).toBeUndefined();
  });

  it('serve nobody whose helpers are of another shape', () => {
    const first = modules();
    first.functionOf(twice());
    expect(modules({ linked: first.shared, shape: 'other' }).functionNamed('twice')).toBeUndefined();
  });

  it('do not mistake one helper for another of its name', () => {
    const own = modules();
    const helper = twice();
    own.functionOf(helper);
    expect(() => own.functionOf(twice())).toThrow('two helpers are called twice');
    const wrong = defineHelper('wrong', ['i64'], 'i64', (b, x) => b.call(fourfold(twice()), x));
    expect(() => own.functionOf(wrong)).toThrow('two helpers are called twice');
  });
});
