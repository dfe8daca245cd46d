/** Semantics of the decimal instructions. Principles of Operation, SA22-7832, chapter "Decimal Instructions". */
import type { Emitter } from '../insn.ts';
import { decimalArithmetic } from './arithmetic.ts';
import { decimalConversion } from './conversion.ts';
import { decimalEditing } from './edit.ts';

export const decimalSemantics: Readonly<Record<string, Emitter>> = {
  ...decimalConversion,
  ...decimalArithmetic,
  ...decimalEditing,
};
