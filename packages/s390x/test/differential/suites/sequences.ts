/** Straight runs of instructions between registers, with short branches over some: what one leaves for the next has to be right. */
import { floatForms } from './float.ts';
import { generalForms } from './general.ts';
import type { Suite } from './suite.ts';
import { adjustVector, vectorForms, vectorRegisters } from './vector.ts';
import { anyMask, bytesOf, prepareNibbles } from './words.ts';

const FORMATS = /^(RR|RRE|RRF-[ac]|RI-a|RIL-a|RIE-[dfg]|RS-a|RSY-a)$/;
/** What ends a run: branches, traps, divisions that rarely fit; and what accesses storage. */
const APART =
  /^(b.*|c?l?g?[ri]t|clfit|d.*|svc|mc|l?m[gyh]?|st?m[gyh]?|st.*|cs.*|cd.*|la.*|icm.*|clm.*|lpq|ts|cl?g?rb|tr.*|cksm|cu.*|mvc.*|lmh|bal.*)$/;

const forms = generalForms.filter(({ mnemonic, format }) => FORMATS.test(format.name) && !APART.test(mnemonic));
const ADDS = forms.filter(({ mnemonic }) => /^(al|sl|alc|slb|c|cl|tm|n|lt|a|s)/.test(mnemonic));

/** Vectors and floating point between registers, in which each register is both. */
const mixed = [...vectorForms, ...floatForms].filter(
  ({ mnemonic, format }) =>
    /^(VRR-[abcde]|VRI-[abcd]|RRE|RRF-b)$/.test(format.name) &&
    !/^(vcksm|vmsl|lt[ed]br|lxr|lzxr|[es]fpc|w.*|vf[^ae].*|vfa|vfce|vcd.*|vcl?g.*|vl[de].)$/.test(mnemonic),
);

export const vectorSequences: Suite = {
  name: 'vector sequences',
  quick: 200,
  options: { vectors: true },
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const code: number[] = [];
      const isDouble = (): boolean => random.oneIn(2);
      for (let left = 4 + random.below(10); left > 0; left--) {
        const form = random.pick(mixed);
        const nibbles = prepareNibbles(program, form);
        adjustVector(random, form, nibbles);
        // Few registers, so that instructions meet in them; the floating-point registers are among them.
        if (form.format.name.startsWith('V')) {
          nibbles[9] = 0;
          for (const place of [2, 3]) nibbles[place] = (nibbles[place] ?? 0) & 3;
          if (/^VRR-[bcde]/.test(form.format.name)) nibbles[4] = (nibbles[4] ?? 0) & 3;
        } else for (const place of [4, 6, 7]) if (isDouble()) nibbles[place] = (nibbles[place] ?? 0) & 3;
        const bytes = bytesOf(nibbles);
        if (random.oneIn(4)) code.push(0xa7, (random.below(16) << 4) | 4, 0, 2 + bytes.length / 2);
        code.push(...bytes);
      }
      const v = vectorRegisters(program);
      program.add({ group: 'vector sequence', pc: program.place(code), pswMask: anyMask(random), v });
    }
  },
};

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
