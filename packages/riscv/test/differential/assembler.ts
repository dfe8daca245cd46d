/** Machine code from the decoder's own tables: what decodes instructions also encodes them. */
import { type Fields, Pattern } from '../../src/cpu/decode/pattern.ts';
import { encodings } from '../../src/cpu/decode/tables/index.ts';

const patterns: ReadonlyMap<string, Pattern> = new Map(
  encodings.filter(({ xlen = 64 }) => xlen === 64).map(({ mnemonic, pattern }) => [mnemonic, new Pattern(pattern)]),
);

/** The pattern of an RV64 instruction. @throws Error for an unknown mnemonic */
export function patternOf(mnemonic: string): Pattern {
  const pattern = patterns.get(mnemonic);
  if (pattern === undefined) throw new Error(`no instruction '${mnemonic}'`);
  return pattern;
}

/** The word of an instruction. @throws Error for an unknown mnemonic or an operand that does not fit */
export const encode = (mnemonic: string, operands: Partial<Fields> = {}): number =>
  patternOf(mnemonic).encode(operands);

/** A number that names a place in the code; branches may come before it is placed. */
export interface Label {
  address: number | undefined;
}

interface Fixup {
  readonly at: number;
  readonly mnemonic: string;
  readonly operands: Partial<Fields>;
  readonly target: Label;
}

/** Lays instructions one after the other. */
export class Assembler {
  readonly base: number;
  readonly #bytes: number[] = [];
  readonly #fixups: Fixup[] = [];

  constructor(base: number) {
    this.base = base;
  }

  get here(): number {
    return this.base + this.#bytes.length;
  }

  word(word: number): this {
    const length = (word & 3) === 3 ? 4 : 2;
    for (let byte = 0; byte < length; byte++) this.#bytes.push((word >>> (8 * byte)) & 0xff);
    return this;
  }

  op(mnemonic: string, operands: Partial<Fields> = {}): this {
    return this.word(encode(mnemonic, operands));
  }

  label(): Label {
    return { address: undefined };
  }

  place(label: Label): this {
    label.address = this.here;
    return this;
  }

  /** A branch or jump to a label. */
  jump(mnemonic: string, operands: Partial<Fields>, target: Label): this {
    this.#fixups.push({ at: this.#bytes.length, mnemonic, operands, target });
    return this.word(patternOf(mnemonic).match);
  }

  /** rd = address of a place in the code or within 2 GiB of it, relative to pc. */
  address(rd: number, target: number): this {
    const offset = target - this.here;
    const low = (offset << 20) >> 20;
    return this.op('auipc', { rd, imm: (offset - low) | 0 }).op('addi', { rd, rs1: rd, imm: low });
  }

  /** rd = a 64-bit constant, in up to eight instructions. */
  constant(rd: number, value: bigint): this {
    const signed = BigInt.asIntN(64, value);
    if (signed === BigInt.asIntN(32, signed)) {
      const low = (Number(signed) << 20) >> 20;
      const high = (Number(signed) - low) | 0;
      if (high === 0) return this.op('addi', { rd, imm: low });
      return this.op('lui', { rd, imm: high }).op('addiw', { rd, rs1: rd, imm: low });
    }
    const low = BigInt.asIntN(12, signed);
    return this.constant(rd, (signed - low) >> 12n)
      .op('slli', { rd, rs1: rd, imm: 12 })
      .op('addi', { rd, rs1: rd, imm: Number(low) });
  }

  bytes(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, mnemonic, operands, target } of this.#fixups) {
      if (target.address === undefined) throw new Error('a label was not placed');
      view.setUint32(at, encode(mnemonic, { ...operands, imm: target.address - (this.base + at) }), true);
    }
    return bytes;
  }
}
