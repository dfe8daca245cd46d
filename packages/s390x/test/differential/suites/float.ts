/** Binary floating point and its support instructions, with numbers, rounding modes and flags of every kind. */

import { interestingDouble, interestingSingle } from '@boardwalk/testing';
import { ENCODINGS } from '../../../src/cpu/decode/decoder.ts';
import { floatSemantics } from '../../../src/cpu/isa/float.ts';
import { extendedFloatSemantics } from '../../../src/cpu/isa/float-extended.ts';
import { floatSupportSemantics } from '../../../src/cpu/isa/float-support.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { addWordCase } from './words.ts';

/** What changes the control register is seen by all that follows; it has cases of its own. MDEB leaves half of the product in the reference, MXDB takes its first operand for
 * an extended number; both are in test/instructions. */
const APART = /^(lfpc|sfpc|srnmb?|lxr|lzxr|mdebr?|mxdbr?)$/;
const names = new Set(
  [floatSemantics, extendedFloatSemantics, floatSupportSemantics].flatMap((table) => Object.keys(table)),
);
export const floatForms = ENCODINGS.filter(
  ({ mnemonic }) => names.has(mnemonic) && !APART.test(mnemonic) && ONLY.test(mnemonic),
);

const isShort = (mnemonic: string): boolean =>
  /^(a|s|m|ma|ms|d|sq|c|k|lt|lc|lp|ln|fi|tc|me|md|ld|cf|cg|clf|clg)?e/.test(mnemonic) ||
  /^(mee|ldeb|cfe|cge|clfe|clge|mdeb)/.test(mnemonic);

export const float: Suite = {
  name: 'float',
  quick: 1000,
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const form = floatForms[n % floatForms.length];
      if (form === undefined) continue;
      const number = (): bigint =>
        isShort(form.mnemonic)
          ? ((interestingSingle(random) & 0xffff_ffffn) << 32n) | BigInt(random.u32())
          : interestingDouble(random);
      const f = Object.fromEntries(Array.from({ length: 16 }, (_, register) => [register, number()]));
      addWordCase(program, form, {
        f,
        fpc: (random.below(32) << 19) | random.below(4),
        memory: number,
        fixed: form.format.name === 'RRF-e' ? [random.pick([0, 1, 3, 4, 5, 6, 7]), 0] : undefined,
      });
    }
  },
};
