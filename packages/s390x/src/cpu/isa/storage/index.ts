/** Semantics of the instructions that work on storage. Principles of Operation, SA22-7832, chapter "General Instructions". */
import type { Emitter } from '../insn.ts';
import { byteSemantics } from './bytes.ts';
import { longSemantics } from './long.ts';
import { stringSemantics } from './strings.ts';
import { translateSemantics } from './translate.ts';
import { unicodeSemantics } from './unicode.ts';

export const storageSemantics: Readonly<Record<string, Emitter>> = {
  ...byteSemantics,
  ...longSemantics,
  ...stringSemantics,
  ...translateSemantics,
  ...unicodeSemantics,
};
