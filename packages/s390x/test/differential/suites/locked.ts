/** COMPARE AND SWAP AND STORE: sizes, operands that are the same and others, and what is not allowed. */
import { assemble } from '../assembler.ts';
import type { Suite } from './suite.ts';
import { anyMask } from './words.ts';

const hex = (n: number): string => n.toString(16);

export const locked: Suite = {
  name: 'locked',
  quick: 120,
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const r3 = 2 + random.below(10);
      const [b1, b2] = [12, 13];
      // Of words the reference leaves the operand in the wrong half of the register.
      const code = random.oneIn(12) ? 1 + random.below(7) : 1 + random.below(2);
      // A byte to store is what the reference dies of.
      const characteristic = random.oneIn(12) ? 1 + random.below(7) : 1 + random.below(4);
      const place = (): number => (random.oneIn(8) ? program.scratch() : program.scratch() & ~15);
      const [first, second, list] = [place(), place(), program.scratch()];
      const r: Record<number, bigint> = {
        0: BigInt(code | (characteristic << 8)),
        1: BigInt(list),
        [b1]: BigInt(first),
        [b2]: BigInt(second),
      };
      if (!random.oneIn(3)) {
        const [high, low] = [program.integer(), program.integer()];
        program.poke64(first, high);
        program.poke64(first + 8, low);
        r[r3] = high;
        r[r3 + 1] = low;
      }
      const bytes = assemble('csst', `${hex(r3)}${hex(b1)}000${hex(b2)}000`);
      program.add({ group: 'csst', pc: program.place(bytes), r, pswMask: anyMask(random) });
    }
  },
};
