import { expect, it } from 'vitest';
import { x86ish } from '../../test/frontends/x86ish.ts';
import { createSoftMmu } from './softmmu.ts';

it('finds helpers for atomic accesses of host memory by their names', () => {
  const mmu = createSoftMmu(x86ish, { pageFlags: 0, isThreaded: false });
  const helpers = [true, false].flatMap((big) => [
    ...(['swap', 'add', 'minU'] as const).flatMap((op) => [mmu.rmwHost128(op, big), mmu.rmwHost(op, 4, true, big)]),
    ...([1, 2, 4, 8] as const).map((size) => mmu.casHost(size, size === 2, big)),
    mmu.casHost128(big),
  ]);
  for (const helper of helpers) expect(mmu.hostAtomicNamed(helper.name)).toBe(helper);
  expect(mmu.hostAtomicNamed('walk')).toBeUndefined();
});
