/** The instruction set of one CPU model: decoder and semantics together. */
import type { InsnContext, IrBuilder, RelativeOperand } from '@boardwalk/translator';
import { Decoder, instructionLength } from '../decode/decoder.ts';
import { disassemble } from '../decode/disassemble.ts';
import { modePriv, PRIV_U } from '../mode.ts';
import type { Extension } from '../models.ts';
import { atomicSemantics } from './atomic.ts';
import { baseSemantics } from './base.ts';
import { bitmanipSemantics } from './bitmanip.ts';
import { type Emitter, illegal, type RiscvContext } from './emitter.ts';
import { floatSemantics } from './float.ts';
import { multiplySemantics } from './multiply.ts';

/** Semantics of every unprivileged instruction but those of Zicsr, by mnemonic. */
export const userSemantics: Readonly<Record<string, Emitter>> = {
  ...baseSemantics,
  ...multiplySemantics,
  ...atomicSemantics,
  ...floatSemantics,
  ...bitmanipSemantics,
};

/** slli x0, x0, 0x1f and srai x0, x0, 7 around an ebreak, in one page (RISC-V Semihosting, "Semihosting Trap Instruction Sequence"). */
const SEMIHOSTING_BEFORE = 0x01f01013;
const SEMIHOSTING_AFTER = 0x40705013;
const PAGE_MASK = 0xfff;

/** User mode takes the breakpoint: a process does not end the machine. */
function isSemihostingCall(context: InsnContext): boolean {
  if (modePriv(context.mode) === PRIV_U) return false;
  const { inPage } = context;
  if (context.length !== 4 || inPage < 4 || inPage > PAGE_MASK + 1 - 8) return false;
  return context.fetch32(-4) === SEMIHOSTING_BEFORE && context.fetch32(4) === SEMIHOSTING_AFTER;
}

/** Carried from an auipc to the instruction behind it. */
const AFTER_AUIPC = 1;

/** The instruction at a context. Its address is asked for only where it matters: the engine keeps what does not depend on it. */
class Translated implements RiscvContext {
  constructor(
    readonly context: InsnContext,
    readonly length: 2 | 4,
    readonly word: number,
    readonly extensions: ReadonlySet<Extension>,
  ) {}

  addressOf(offset: number): readonly [lo: number, hi: number] {
    return this.context.addressOf(offset);
  }

  offsetIn(register: number): number | undefined {
    if (this.context.carried !== AFTER_AUIPC) return undefined;
    const auipc = this.context.fetch32(-4);
    return register !== 0 && ((auipc >>> 7) & 31) === register ? (auipc & -4096) - 4 : undefined;
  }

  get mode(): number {
    return this.context.mode;
  }
}

export class InstructionSet {
  readonly decoder: Decoder;
  readonly #extensions: ReadonlySet<Extension>;
  readonly #hasCompressed: boolean;
  readonly #semantics: ReadonlyMap<string, Emitter>;
  readonly #semihosting: Emitter | undefined;

  /**
   * @param system semantics of Zicsr and the privileged instructions, by mnemonic
   * @param semihosting what an ebreak between the two marks of a semihosting call means, instead of a breakpoint
   */
  constructor(extensions: ReadonlySet<Extension>, system: Readonly<Record<string, Emitter>>, semihosting?: Emitter) {
    this.#semihosting = semihosting;
    this.decoder = new Decoder({ xlen: 64, extensions });
    this.#extensions = extensions;
    this.#hasCompressed = extensions.has('c');
    this.#semantics = new Map(Object.entries({ ...userSemantics, ...system }));
  }

  /** Translates the instruction at `context`: emits its meaning and sets the context's length and whether the block is over. */
  translate(b: IrBuilder, context: InsnContext): void {
    const low = context.fetch16(0);
    const length = instructionLength(low);
    const word = length === 4 ? ((context.fetch16(2) << 16) | low) >>> 0 : low;
    context.length = length;
    const cpu = new Translated(context, length, word, this.#extensions);
    const instruction = this.decoder.decode(word);
    const semihosting =
      instruction?.mnemonic === 'ebreak' && isSemihostingCall(context) ? this.#semihosting : undefined;
    const emit = semihosting ?? (instruction && this.#semantics.get(instruction.mnemonic));
    if (instruction && emit) emit(b, instruction.fields, cpu);
    else illegal(b, cpu);
    context.ended = b.ended;
    context.carried = instruction?.mnemonic === 'auipc' ? AFTER_AUIPC : 0;
  }

  /** The offset of a jump, a branch or an AUIPC. Without C some branches are misaligned, which depends on it. */
  relativeOperand(context: InsnContext, operand: RelativeOperand): boolean {
    if (!this.#hasCompressed) return false;
    const low = context.fetch16(0);
    const word = instructionLength(low) === 4 ? (context.fetch16(2) << 16) | low : low;
    const pattern = this.decoder.relativePattern(word);
    if (pattern === undefined) return false;
    operand.first = pattern.immediateMask;
    operand.rest = 0;
    operand.offset = pattern.immediate(word);
    return true;
  }

  /** Text and length in bytes of the instruction that starts these bytes, of which there are at least two. */
  disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: 2 | 4 } {
    const halfword = (at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const length = instructionLength(halfword(0));
    const word = length === 4 ? halfword(0) | (halfword(2) << 16) : halfword(0);
    return { text: disassemble(word, pc, this.decoder), length };
  }
}
