/** The instruction set of a CPU: decodes an instruction and emits its meaning. */
import type { InsnContext, IrBuilder, RelativeOperand } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { ENCODINGS, type Encoding, fieldsOf, findEncoding, instructionLength } from '../decode/decoder.ts';
import type { InsnWords } from '../decode/formats.ts';
import { MODE_EXECUTED } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { noteInstruction, watchesStores } from '../per.ts';
import { branchSemantics } from './branch.ts';
import { controlSemantics } from './control/index.ts';
import { decimalSemantics } from './decimal/index.ts';
import { EXTRA_LONG, executedLength } from './execute.ts';
import { floatSemantics } from './float.ts';
import { extendedFloatSemantics } from './float-extended.ts';
import { floatSupportSemantics } from './float-support.ts';
import { generalSemantics } from './general/index.ts';
import { lockedSemantics } from './general/locked.ts';
import { type Emitter, Insn, Refused } from './insn.ts';
import { machineSemantics } from './machine/index.ts';
import type { PortHelpers } from './port.ts';
import { requirement } from './requirements.ts';
import { storageSemantics } from './storage/index.ts';
import { vectorSemantics } from './vector/index.ts';

export class InstructionSet {
  readonly #semantics: Readonly<Record<string, Emitter>>;
  readonly #config: CpuConfig;
  readonly #helpers: PortHelpers;
  readonly #insn = new Insn();
  /** Emitters by the number of the encoding, as far as they were asked for; none where the CPU has no such instruction. */
  readonly #emitters: (Emitter | null | undefined)[] = new Array<undefined>(ENCODINGS.length).fill(undefined);

  constructor(config: CpuConfig, helpers: PortHelpers) {
    this.#config = config;
    this.#helpers = helpers;
    this.#semantics = {
      ...generalSemantics,
      ...lockedSemantics(config),
      ...branchSemantics,
      ...storageSemantics,
      ...floatSupportSemantics,
      ...floatSemantics,
      ...extendedFloatSemantics,
      ...decimalSemantics,
      ...vectorSemantics,
      ...controlSemantics(helpers),
      ...machineSemantics(config, helpers),
    };
  }

  /** Whether the CPU has an instruction. */
  has(mnemonic: string): boolean {
    const needed = requirement(mnemonic);
    if (needed !== undefined && !this.#config.facilities.has(needed)) return false;
    return Object.hasOwn(this.#semantics, mnemonic);
  }

  translate(b: IrBuilder, c: InsnContext): void {
    const i = this.#insn;
    i.b = b;
    i.mode = c.mode;
    i.c = c;
    i.ended = false;
    i.isExecuted = (c.mode & MODE_EXECUTED) !== 0;
    const words = i.isExecuted ? executed(c) : fetched(c);
    const length = i.isExecuted ? ((c.extraLo & EXTRA_LONG) !== 0 ? 6 : 4) : instructionLength(words.a);
    c.length = length;
    i.length = length;
    try {
      if (!c.isAligned) i.refuse(PGM.specification);
      this.#emit(i, words);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    if ((i.isExecuted || i.isWatched) && !i.ended) i.exit();
    c.ended = i.ended;
  }

  #emit(i: Insn, words: InsnWords): void {
    const encoding = findEncoding(words);
    if (i.isWatched) note(i, this.#helpers, BRANCHES.test(encoding?.mnemonic ?? ''));
    const emit = encoding === undefined ? undefined : this.#emitterOf(encoding);
    if (encoding === undefined || emit === undefined) i.refuse(PGM.operation);
    i.name = encoding.mnemonic;
    i.f = fieldsOf(encoding, words);
    i.length1 = i.isExecuted ? executedLength(i.b, encoding.mnemonic) : undefined;
    emit(i);
  }

  /** The relative address of an instruction that has one in the halfwords behind its first. */
  relativeOperand(c: InsnContext, operand: RelativeOperand): boolean {
    const words = fetched(c);
    const encoding = findEncoding(words);
    const bits = encoding?.format.relativeBits ?? 0;
    if (bits === 0) return false;
    operand.first = 0xffff_0000 | 0;
    operand.rest = bits === 32 ? 0xffff : 0;
    operand.offset = 2 * (bits === 32 ? (words.b << 16) | words.c : (words.b << 16) >> 16);
    return true;
  }

  #emitterOf({ number, mnemonic }: Encoding): Emitter | undefined {
    const known = this.#emitters[number];
    if (known !== undefined) return known ?? undefined;
    const found = this.has(mnemonic) ? this.#semantics[mnemonic] : undefined;
    this.#emitters[number] = found ?? null;
    return found;
  }

  /** The row of an instruction that this CPU has. */
  decode(words: InsnWords): Encoding | undefined {
    const encoding = findEncoding(words);
    return encoding !== undefined && this.has(encoding.mnemonic) ? encoding : undefined;
  }
}

/** Instructions that branch: what else changes the address, as SUPERVISOR CALL, is no branch for program-event recording. */
const BRANCHES = /^(b|cg?l?(r?[bj]|i[bj])$)/;

/** The instruction may be an event of program-event recording. */
function note(i: Insn, helpers: PortHelpers, branches: boolean): void {
  const { b } = i;
  b.if(watchesStores(b), () => b.call(helpers.watchStores));
  b.call(noteInstruction, b.i64x(i.pcLo, i.pcHi), b.i32(i.length), b.i32(branches ? 1 : 0));
  b.requestExit();
}

function fetched(c: InsnContext): InsnWords {
  const a = c.fetch16(0);
  const length = instructionLength(a);
  return { a, b: length > 2 ? c.fetch16(2) : 0, c: length > 4 ? c.fetch16(4) : 0 };
}

/** The target of EXECUTE, from the second word of what translation takes for constant. */
function executed(c: InsnContext): InsnWords {
  return { a: c.extraHi >>> 16, b: c.extraHi & 0xffff, c: c.extraLo >>> 16 };
}
