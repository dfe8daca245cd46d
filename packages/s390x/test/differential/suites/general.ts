/** General instructions alone: random operands, registers and storage. */
import { ENCODINGS } from '../../../src/cpu/decode/decoder.ts';
import { branchSemantics } from '../../../src/cpu/isa/branch.ts';
import { generalSemantics } from '../../../src/cpu/isa/general/index.ts';
import { requirement } from '../../../src/cpu/isa/requirements.ts';
import { storageSemantics } from '../../../src/cpu/isa/storage/index.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { addWordCase } from './words.ts';

/** Instructions that have suites of their own, or whose operands have to be made with more care; STMH stores zeros in the reference, which has no LMD. */
const APART =
  /^(ex|exrl|cu\d\d|tr[ot][ot]|tre|trtr?e|mvclu|clclu|srstu|mvcle?|clcle?|mvst|clst|srst|cksm|mvcrl|bsm|bassm|sam24|sam31|bic|bpr?p|stmh|lmd)$/;
/** Not in the reference. */
const NEWER = new Set(['minste3']);

const names = new Set([generalSemantics, branchSemantics, storageSemantics].flatMap((table) => Object.keys(table)));

export const generalForms = ENCODINGS.filter(
  ({ mnemonic }) =>
    ONLY.test(mnemonic) && names.has(mnemonic) && !APART.test(mnemonic) && !NEWER.has(requirement(mnemonic) ?? ''),
);

export const general: Suite = {
  name: 'general',
  quick: 800,
  build: (program, cases) => {
    for (let n = 0; n < cases && !program.isFull; n++) {
      const form = generalForms[n % generalForms.length];
      if (form !== undefined) addWordCase(program, form);
    }
  },
};

/** Targets of EXECUTE: the register changes a length or an immediate. */
const targets = generalForms.filter(({ format }) => /^(SS-a|SI)$/.test(format.name));

export const execute: Suite = {
  name: 'execute',
  quick: 200,
  build: (program, cases) => {
    for (let n = 0; n < cases && !program.isFull; n++) {
      const form = targets[n % targets.length];
      if (form !== undefined) addWordCase(program, form, { execute: true });
    }
  },
};
