import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrBuilder } from '../ir/builder.ts';
import { defineHelper } from '../ir/helper.ts';
import { COMMON } from '../state.ts';
import { compileHelpers } from './link.ts';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe('helpers compiled to WebAssembly', () => {
  it('computes wide products', () => {
    const f = compileHelpers(memory, [
      defineHelper('u', ['i64', 'i64'], 'i64', (b, x, y) => b.mulHighU(x, y)),
      defineHelper('s', ['i64', 'i64'], 'i64', (b, x, y) => b.mulHighS(x, y)),
    ]);
    fc.assert(
      fc.property(u64, u64, (x, y) => {
        expect(BigInt.asUintN(64, f.u?.(0, x, y) as bigint)).toBe((x * y) >> 64n);
        const [sx, sy] = [BigInt.asIntN(64, x), BigInt.asIntN(64, y)];
        expect(f.s?.(0, x, y)).toBe(BigInt.asIntN(64, (sx * sy) >> 64n));
      }),
    );
  });

  it('loads and stores 16 bytes of host memory in both orders', () => {
    const copy = (name: string, from: 'little' | 'big', to: 'little' | 'big') =>
      defineHelper(name, [], undefined, (b) => {
        const value = b.hostLoad(b.i32(3), { size: 16, endian: from });
        b.hostStore(b.i32(0x101), value, { size: 16, endian: to });
        b.hostStore(b.i32(0x201), b.pure('low64', value), { size: 8 });
      });
    const f = compileHelpers(memory, [
      copy('same', 'big', 'big'),
      copy('to', 'little', 'big'),
      copy('from', 'big', 'little'),
    ]);
    const bytes = new Uint8Array(memory.buffer);
    for (let n = 0; n < 16; n++) bytes[3 + n] = n + 1;
    const forward = [...bytes.slice(3, 19)];
    const at = (place: number, length: number) => [...bytes.slice(place, place + length)];
    for (const [name, copied, low] of [
      ['same', forward, [16, 15, 14, 13, 12, 11, 10, 9]],
      ['to', [...forward].reverse(), [1, 2, 3, 4, 5, 6, 7, 8]],
      ['from', [...forward].reverse(), [16, 15, 14, 13, 12, 11, 10, 9]],
    ] as const) {
      f[name]?.(0);
      expect([at(0x100, 18), at(0x201, 8)]).toEqual([[0, ...copied, 0], low]);
    }
  });

  it('reverses bytes, extracts and deposits', () => {
    const f = compileHelpers(memory, [
      defineHelper('swap', ['i64'], 'i64', (b, x) => b.bswap(x)),
      defineHelper('extract', ['i64'], 'i64', (b, x) => b.extract(x, 12, 20)),
      defineHelper('deposit', ['i64', 'i64'], 'i64', (b, x, y) => b.deposit(x, 36, 9, y)),
    ]);
    fc.assert(
      fc.property(u64, u64, (x, y) => {
        const bytes = x.toString(16).padStart(16, '0').match(/../g)?.reverse().join('');
        expect(BigInt.asUintN(64, f.swap?.(0, x) as bigint)).toBe(BigInt(`0x${bytes}`));
        expect(f.extract?.(0, x)).toBe((x >> 12n) & 0xfffffn);
        const field = 0x1ffn << 36n;
        expect(BigInt.asUintN(64, f.deposit?.(0, x, y) as bigint)).toBe((x & ~field) | ((y << 36n) & field));
      }),
    );
  });

  it('runs loops, early returns, locals and calls', () => {
    const square = defineHelper('square', ['i32'], 'i32', (b, x) => b.mul(x, x));
    const f = compileHelpers(memory, [
      defineHelper('sumOfSquares', ['i32'], 'i32', (b, n) => {
        const sum = b.local('i32', b.i32(0));
        const i = b.local('i32', b.i32(0));
        b.loop((breakIf) => {
          breakIf(b.geU(b.getLocal(i), n));
          b.setLocal(i, b.add(b.getLocal(i), b.i32(1)));
          b.setLocal(sum, b.add(b.getLocal(sum), b.call(square, b.getLocal(i))));
          b.if(b.gtU(b.getLocal(sum), b.i32(1000)), () => b.return_(b.i32(-1)));
        });
        return b.getLocal(sum);
      }),
    ]);
    expect(f.sumOfSquares?.(0, 4)).toBe(30);
    expect(f.sumOfSquares?.(0, 0)).toBe(0);
    expect(f.sumOfSquares?.(0, 100)).toBe(-1);
  });

  it('reads and writes the state of the vCPU it is given', () => {
    const f = compileHelpers(memory, [
      defineHelper('advance', ['i64'], undefined, (b, n) => b.set(COMMON.pc, b.add(b.get(COMMON.pc), n))),
    ]);
    const state = new BigInt64Array(memory.buffer);
    state[128] = 40n;
    f.advance?.(1024, 2n);
    expect(state[128]).toBe(42n);
  });

  it('refuses operands of the wrong type when the IR is built', () => {
    const b = new IrBuilder();
    expect(() => b.add(b.i32(1), b.get(COMMON.pc))).toThrow('operand is i64, not i32');
  });
});
