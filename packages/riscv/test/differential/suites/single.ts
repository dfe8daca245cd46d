/** Each instruction alone: random encodings of every form, with operands that are likely to go wrong. */
import type { Suite } from './suite.ts';
import { addForms, forms } from './words.ts';

const isFloat = (mnemonic: string): boolean => /^f(?!ence)/.test(mnemonic);

/** Every form of every extension, compressed ones too, each as often as the others. */
export const instructions: Suite = {
  name: 'instructions',
  quick: 12_000,
  build: (program, cases) => addForms(program, forms, cases),
};

/** Floating point has the largest space of operands: more of it. */
export const float: Suite = {
  name: 'float',
  quick: 16_000,
  build: (program, cases) =>
    addForms(
      program,
      forms.filter(({ mnemonic }) => isFloat(mnemonic)),
      cases,
    ),
};
