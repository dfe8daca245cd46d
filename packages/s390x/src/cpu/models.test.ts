import { describe, expect, it } from 'vitest';
import { facilityWords } from './facilities.ts';
import { CPU_MODELS, parseCpu } from './models.ts';

describe('CPU models', () => {
  it('have the vector facilities of their generation', () => {
    const of = (model: string): string =>
      ['vx', 'vxpd', 'vxeh', 'vxeh2'].filter((name) => parseCpu(model).facilities.has(name as 'vx')).join();
    expect(Object.fromEntries(CPU_MODELS.map(({ model }) => [model, of(model)]))).toMatchObject({
      z10EC: '',
      zEC12: '',
      z13: 'vx',
      z14: 'vx,vxpd,vxeh',
      gen15a: 'vx,vxpd,vxeh,vxeh2',
      max: 'vx,vxpd,vxeh,vxeh2',
    });
  });

  it('tell vectors by bit 129', () => {
    expect((facilityWords(parseCpu('z13'))[2] ?? 0n) >> 62n).toBe(1n);
    expect(facilityWords(parseCpu('z13,vx=off'))).toHaveLength(2);
  });

  it('have no enhancement of vectors without them', () => {
    expect(parseCpu('z14,vx=off').facilities.has('vxeh')).toBe(false);
    expect(() => parseCpu('z14,vx=off,vxeh=on')).toThrow('CPU z14: vxeh needs vx');
  });
});
