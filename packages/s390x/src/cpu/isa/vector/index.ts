/** The vector facility and its enhancements. */
import type { Emitter } from '../insn.ts';
import { vectorDecimalSemantics } from './decimal.ts';
import { vectorFloatSemantics } from './float.ts';
import { integerSemantics } from './integer.ts';
import { loadStoreSemantics } from './load-store.ts';
import { permuteSemantics } from './permute.ts';
import { shiftSemantics } from './shift.ts';
import { stringSemantics } from './string.ts';
import { zonedSemantics } from './zoned.ts';

export const vectorSemantics: Readonly<Record<string, Emitter>> = {
  ...loadStoreSemantics,
  ...permuteSemantics,
  ...integerSemantics,
  ...shiftSemantics,
  ...stringSemantics,
  ...vectorFloatSemantics,
  ...vectorDecimalSemantics,
  ...zonedSemantics,
};
