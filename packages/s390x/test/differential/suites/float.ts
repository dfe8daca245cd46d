/** Binary floating point and its support instructions, with numbers, rounding modes and flags of every kind. */

import { interestingDouble, interestingSingle } from '@boardwalk/testing';
import { ENCODINGS } from '../../../src/cpu/decode/decoder.ts';
import { floatSemantics } from '../../../src/cpu/isa/float.ts';
import { extendedFloatSemantics } from '../../../src/cpu/isa/float-extended.ts';
import { floatSupportSemantics } from '../../../src/cpu/isa/float-support.ts';
import { assemble } from '../assembler.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { addWordCase } from './words.ts';

/** What changes the control register is seen by all that follows; it has cases of its own. MDEB leaves half of the product in the reference, MXDB takes its first operand for
 * an extended number; both are in test/instructions. */
const APART = /^(lfpc|sfpc|lfas|sfasr|srnm[bt]?|lxr|lzxr|mdebr?|mxdbr?)$/;
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

/** The control register and its flags, set and signalled, and the rounding modes. */
export const floatControl: Suite = {
  name: 'float control',
  quick: 200,
  build: (program, cases) => {
    const { random } = program;
    const names = ['lfpc', 'sfpc', 'lfas', 'sfasr', 'srnm', 'srnmb', 'srnmt'].filter((name) => ONLY.test(name));
    for (let n = 0; n < cases && !program.isFull && names.length > 0; n++) {
      const name = random.pick(names);
      // Masks and flags of every kind; now and then a bit that must be zero.
      const control = (): number =>
        ((random.below(32) << 27) | (random.below(32) << 19) | (random.below(8) << 4) | random.below(4)) >>> 0;
      const operand = random.oneIn(12) ? random.u32() : control();
      const at = program.scratch() & ~7;
      const inStorage = name === 'lfpc' || name === 'lfas';
      if (inStorage) program.poke64(at, BigInt(operand) << 32n);
      const nibbles = inStorage || name.startsWith('srnm') ? '4000' : '--3-';
      const r = { 3: BigInt(operand), 4: BigInt(inStorage ? at : random.below(name === 'srnmb' ? 10 : 8)) };
      program.add({ group: name, pc: program.place(assemble(name, nibbles)), r, fpc: control() });
    }
  },
};
