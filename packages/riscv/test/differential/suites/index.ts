import { reservations } from './atomics.ts';
import { csrAccess, csrValues } from './csrs.ts';
import { deviceInterrupts } from './device-interrupts.ts';
import { compressedWords, randomWords } from './legality.ts';
import { paging } from './paging.ts';
import { lockedProtection, protection } from './protection.ts';
import { selfModifying } from './self-modifying.ts';
import { sequences } from './sequences.ts';
import { float, instructions } from './single.ts';
import type { Suite } from './suite.ts';
import { traps } from './system.ts';

export const suites: readonly Suite[] = [
  instructions,
  float,
  sequences,
  compressedWords,
  randomWords,
  reservations,
  csrAccess,
  csrValues,
  traps,
  deviceInterrupts,
  paging,
  protection,
  lockedProtection,
  selfModifying,
];
