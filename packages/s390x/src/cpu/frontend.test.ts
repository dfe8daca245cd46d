/** Helpers of a frontend serve other runs and other threads: the variant has to say all that they depend on. */
import { expect, it } from 'vitest';
import { S390Frontend } from './frontend.ts';
import { CPU_MODELS, parseCpu } from './models.ts';

it('has another variant for every configuration', () => {
  const options = [...CPU_MODELS.map(({ model }) => model), 'z14,vx=off', 'qemu,edat2=off'];
  const variants = options.map((option) => new S390Frontend(parseCpu(option)).helpers.variant);
  expect(new Set(variants).size).toBe(options.length);
  expect(new S390Frontend(parseCpu('z14')).helpers.variant).toBe(variants[options.indexOf('z14')]);
});
