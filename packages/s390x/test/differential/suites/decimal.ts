/** Conversions between binary, packed and zoned decimal; most storage operands are numbers. */
import { ENCODINGS } from '../../../src/cpu/decode/decoder.ts';
import { decimalSemantics } from '../../../src/cpu/isa/decimal/index.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { addWordCase } from './words.ts';

/** The reference has no CVB, of CVD only the short form, and UNPK reads operands that overlap twice; arithmetic and editing it has not. */
const APART = /^(cvb[gy]?|cvdg|unpk|[asmcd]p|zap|srp|edm?k?)$/;

const forms = ENCODINGS.filter(
  ({ mnemonic }) => Object.hasOwn(decimalSemantics, mnemonic) && !APART.test(mnemonic) && ONLY.test(mnemonic),
);

export const decimal: Suite = {
  name: 'decimal',
  quick: 270,
  build: (program, cases) => {
    const { random } = program;
    /** 16 digits; the last is a sign. */
    const packed = (): bigint => {
      const digits = Array.from({ length: 1 + random.below(15) }, () => random.below(10)).join('');
      const sign = random.oneIn(8) ? random.below(16).toString(16) : random.pick(['c', 'd', 'f', 'b']);
      return BigInt(`0x${digits}${sign}`);
    };
    for (let n = 0; n < cases && !program.isFull; n++) {
      const form = forms[n % forms.length];
      if (form !== undefined) addWordCase(program, form, { memory: packed });
    }
  },
};
