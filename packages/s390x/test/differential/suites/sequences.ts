/** Straight runs of instructions between registers, with short branches over some: what one leaves for the next has to be right. */
import { generalForms } from './general.ts';
import type { Suite } from './suite.ts';
import { anyMask, bytesOf, prepareNibbles } from './words.ts';

const FORMATS = /^(RR|RRE|RRF-[ac]|RI-a|RIL-a|RIE-[dfg]|RS-a|RSY-a)$/;
/** What ends a run: branches, traps, divisions that rarely fit; and what accesses storage. */
const APART =
  /^(b.*|c?l?g?[ri]t|clfit|d.*|svc|mc|l?m[gyh]?|st?m[gyh]?|st.*|cs.*|cd.*|la.*|icm.*|clm.*|lpq|ts|cl?g?rb|tr.*|cksm|cu.*|mvc.*|lmh|bal.*)$/;

const forms = generalForms.filter(({ mnemonic, format }) => FORMATS.test(format.name) && !APART.test(mnemonic));
const ADDS = forms.filter(({ mnemonic }) => /^(al|sl|alc|slb|c|cl|tm|n|lt|a|s)/.test(mnemonic));

export const sequences: Suite = {
  name: 'sequences',
  quick: 200,
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const code: number[] = [];
      for (let left = 4 + random.below(14); left > 0; left--) {
        const form = random.pick(random.oneIn(2) ? ADDS : forms);
        const nibbles = prepareNibbles(program, form);
        const bytes = bytesOf(nibbles);
        // A branch over the instruction: half of the conditions take it.
        if (random.oneIn(4)) code.push(0xa7, (random.below(16) << 4) | 4, 0, 2 + bytes.length / 2);
        code.push(...bytes);
      }
      program.add({ group: 'sequence', pc: program.place(code), pswMask: anyMask(random) });
    }
  },
};
