import { describe, expect, it } from 'vitest';
import { defineHelper } from '../ir/helper.ts';
import type { Slot } from '../ir/types.ts';
import { fastPathOf } from './fast-path.ts';

const slot: Slot = { name: 'flags', offset: 4096, ty: 'i32' };

describe('the fast path of a helper', () => {
  it('is what it begins with, up to where it has answered the ordinary case', () => {
    const helper = defineHelper('twice', ['i64'], 'i64', (b, a) => {
      b.if(b.get(slot), () => b.return_(b.add(a, a)));
      b.set(slot, b.i32(1));
      return b.mul(a, b.i64(2));
    });
    const path = fastPathOf(helper);
    expect(path?.statements.map((n) => n.kind)).toEqual(['param', 'get', 'if']);
    expect(path?.params).toBe(helper.body().params);
  });

  it('is not there where something is done first', () => {
    const helper = defineHelper('done', ['i64'], 'i64', (b, a) => {
      b.set(slot, b.i32(1));
      b.if(b.get(slot), () => b.return_(a));
      return b.i64(0);
    });
    expect(fastPathOf(helper)).toBeUndefined();
  });

  it('is not there where the ordinary case has an effect', () => {
    const helper = defineHelper('raises', ['i64'], 'i64', (b, a) => {
      b.if(b.get(slot), () => {
        b.set(slot, b.i32(0));
        b.return_(a);
      });
      return b.i64(0);
    });
    expect(fastPathOf(helper)).toBeUndefined();
  });

  it('is not there without an answer', () => {
    const helper = defineHelper('plain', ['i64'], 'i64', (b, a) => {
      b.if(b.get(slot), () => b.if(b.get(slot), () => {}));
      b.set(slot, b.i32(0));
      return a;
    });
    expect(fastPathOf(helper)).toBeUndefined();
  });

  it('is all of one that only computes', () => {
    const helper = defineHelper('wide', ['i64', 'i64'], 'i64', (b, x, y) => b.mulHighU(x, y));
    const path = fastPathOf(helper);
    expect(path?.isWhole).toBe(true);
    expect(path?.statements).toBe(helper.body().statements);
  });

  it('is not all of one that computes for long', () => {
    const helper = defineHelper('long', ['i64', 'i64'], 'i64', (b, x, y) => {
      let product = x;
      for (let n = 0; n < 5; n++) product = b.mulHighU(product, y);
      return product;
    });
    expect(fastPathOf(helper)).toBeUndefined();
  });
});
