/** Semantics of the control instructions, by subject. Principles of Operation, SA22-7832, chapter "Control Instructions". */
import type { Emitter } from '../insn.ts';
import type { PortHelpers } from '../port.ts';
import { keySemantics } from './keys.ts';
import { spaceMoveSemantics } from './moves.ts';
import { pswSemantics } from './psw.ts';
import { registerSemantics } from './registers.ts';
import { translationSemantics } from './translation.ts';

/** The control instructions that need nothing of the machine, and those that tell other CPUs. */
export function controlSemantics(helpers: PortHelpers): Readonly<Record<string, Emitter>> {
  return {
    ...pswSemantics,
    ...registerSemantics,
    ...translationSemantics(helpers),
    ...keySemantics(helpers),
    ...spaceMoveSemantics,
  };
}
