import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrial } from './run.ts';

test('a function returns under a condition, or goes on', async () => {
  const code = [
    ...[0xa7, 0x31, 0, 1], // TMLL %r3,1
    ...[0x07, 0x8e], // BCR 8,%r14
    ...assemble('ahi', '6 0001'),
    ...[0x07, 0xfe], // BR %r14
    // The loop that calls it.
    ...assemble('brasl', 'e ffff fffa'),
    ...assemble('ahi', '5 0001'),
    ...assemble('brct', '3 fffb'),
  ];
  const o = await runTrial({ code, entry: 12, r: { 3: 300n, 5: 0n, 6: 0n } });
  expect([o.interruption, o.r(3), o.r(5), o.r(6)]).toEqual([NO_INTERRUPTION, 0n, 300n, 150n]);
});
