/**
 * Semantics of the general instructions that compute: arithmetic, logic, loads and stores, comparisons. Rows name where operands
 * come from and what becomes of them. Principles of Operation, SA22-7832, chapter "General Instructions".
 */
import type { Emitter } from '../insn.ts';
import { arithmetic } from './arithmetic.ts';
import { comparison } from './comparison.ts';
import { interlocked } from './interlocked.ts';
import { logicInstructions } from './logic.ts';
import { moves } from './moves.ts';
import { multiplication } from './multiplication.ts';
import { onConditionCode } from './on-condition.ts';
import { shifts } from './shifts.ts';
import { underMask } from './under-mask.ts';

export const generalSemantics: Readonly<Record<string, Emitter>> = {
  ...arithmetic,
  ...multiplication,
  ...comparison,
  ...logicInstructions,
  ...moves,
  ...underMask,
  ...onConditionCode,
  ...interlocked,
  ...shifts,
};
