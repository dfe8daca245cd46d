import { describe, expect, it } from 'vitest';
import { StateLayout } from '../state.ts';
import { compileHelpers } from '../wasm/link.ts';
import { parseIr } from './parse.ts';
import { printIr } from './print.ts';

const layout = new StateLayout();
const slots = [...Object.values(layout.common).flat(), ...layout.array('x', 'i64', 4)];

describe('the text form of the IR', () => {
  it('is read back as it was written', () => {
    const text = `
      ---- 80000000 1 2
      %1 = get x1
      %2 = load.i32.2s.big.natural %1 mmu=3
      if %2 {
        store.4 %1, %2 mmu=1
        raise 3, 0xffffffffffffffff
      } else {
        if %2 {
          goto 0x80000004
        }
      }
      %3 = local i64
      setLocal %3, 0x8000000000000000
      loop {
        %4 = getLocal %3
        %5 = eqz.i64 %4
        breakIf %5
        %6 = shr.i64 %4, 0x1
        setLocal %3, %6
      }
      %7 = rmw.maxS.8 %1, %4 mmu=0
      %8 = cas.2s %1, %4, %7 mmu=0
      %9 = load.v128.16.big %1 mmu=1
      store.16.natural %1, %9 mmu=0
      %10 = rmw.swap.16 %1, %9 mmu=0
      %11 = cas.16.big %1, %9, %10 mmu=0
      store.16 %1, %11 mmu=0
      probe.write %1, 16 mmu=2
      gotoIf %2, 0x80000008, 0xffffffff80000004`;
    const lines = text.split('\n').slice(1);
    const written = printIr(parseIr(text, { slots })).split('\n');
    expect(written.map((line) => line.replace(/-{4} 0+/, '---- '))).toEqual(lines.map((line) => line.slice(6)));
  });

  it('can be compiled as a helper', () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
    const statements = parseIr(
      `
      %1 = param 0 i64
      %2 = mul.i64 %1, 0x3
      %3 = get x2
      %4 = add.i64 %2, %3
      set x2, %4
      %5 = cpuBase
      hostStore.1 %5, %4
      return %2`,
      { slots },
    );
    const helper = {
      kind: 'ir',
      name: 'f',
      params: ['i64'],
      result: 'i64',
      body: () => ({ params: [], statements }),
    } as const;
    expect(compileHelpers(memory, [helper]).f?.(0, 14n)).toBe(42n);
    expect(new Uint8Array(memory.buffer)[0]).toBe(42);
  });

  it('says which line it cannot read', () => {
    expect(() => parseIr('set y, 0x1', { slots })).toThrow("'set y, 0x1': nothing is called y");
    expect(() => parseIr('%1 = add.i32 1, 0x1', { slots })).toThrow("'%1 = add.i32 1, 0x1': add.i32: operand is i64");
    expect(() => parseIr('%1 = frob.i32 1', { slots })).toThrow('no IR operation frob.i32');
    expect(() => parseIr('}', { slots })).toThrow("unexpected '}'");
  });
});
