/**
 * Finds the table row of an instruction word. The encodings that a CPU model has are compiled into patterns; words that
 * agree in the bits that select most instructions (opcode, funct3, funct7) share a short list of candidates, made at first use.
 */
import type { Extension } from '../models.ts';
import type { Encoding, Xlen } from './encoding.ts';
import { type Fields, Pattern } from './pattern.ts';
import { encodings } from './tables/index.ts';

/** A decoded instruction: compressed ones appear as what they stand for. */
export interface Instruction {
  readonly mnemonic: string;
  readonly fields: Fields;
  /** Bytes in memory. */
  readonly length: 2 | 4;
  /** The row of the 32-bit form. */
  readonly encoding: Encoding;
}

/** A pattern with its fixed bits as signed numbers, which compare quickly, and the row of the 32-bit instruction that it means. */
interface Candidate {
  readonly mask: number;
  readonly match: number;
  readonly pattern: Pattern;
  readonly encoding: Encoding;
  /** Its immediate only says how far from the instruction something is. */
  readonly isRelative: boolean;
}

/** What words may be that agree in the bits that choose a list. */
interface Candidates {
  readonly list: readonly Candidate[];
  readonly hasRelative: boolean;
}

/** Jumps, branches and AUIPC. */
const RELATIVE: ReadonlySet<string> = new Set(['jal', 'auipc', 'beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu']);

export interface DecoderOptions {
  readonly xlen: Xlen;
  readonly extensions: ReadonlySet<Extension>;
}

/** Bits of a 32-bit word that choose the candidate list: opcode without its constant 11, funct3 and funct7. */
const KEY_BITS_32 = 0xfe00707c;
/** Bits of a 16-bit word that choose the candidate list: quadrant and the six most significant bits. */
const KEY_BITS_16 = 0xfc03;

const fixedBits = ({ mask }: Pattern): number => mask.toString(2).replaceAll('0', '').length;

interface Row {
  readonly encoding: Encoding;
  readonly pattern: Pattern;
}

let rows: readonly Row[] | undefined;

/** Every encoding compiled, once for all decoders; a special case (more fixed bits) goes before the general one. */
function compiledRows(): readonly Row[] {
  rows ??= encodings
    .map((encoding) => ({ encoding, pattern: new Pattern(encoding.pattern, encoding.expands?.fixed) }))
    .map((row) => ({ row, rank: fixedBits(row.pattern) }))
    .sort((p, q) => q.rank - p.rank)
    .map(({ row }) => row);
  return rows;
}

/** Instruction length in bytes by the low bits of its first halfword; longer encodings than 32 bits are unknown and count as 4. */
export const instructionLength = (halfword: number): 2 | 4 => ((halfword & 3) === 3 ? 4 : 2);

export class Decoder {
  readonly xlen: Xlen;
  readonly #extensions: ReadonlySet<Extension>;
  #candidates: Readonly<Record<2 | 4, readonly Candidate[]>> | undefined;
  readonly #lists32: (Candidates | undefined)[] = new Array(1 << 15);
  readonly #lists16: (Candidates | undefined)[] = new Array(1 << 8);

  constructor({ xlen, extensions }: DecoderOptions) {
    this.xlen = xlen;
    this.#extensions = extensions;
  }

  /** The rows of this CPU, by their length; made when something is decoded, which a run with kept code may never do. */
  #rows(): Readonly<Record<2 | 4, readonly Candidate[]>> {
    const present = compiledRows().filter(
      ({ encoding: { xlen = this.xlen, requires } }) =>
        xlen === this.xlen && requires.every((extension) => this.#extensions.has(extension)),
    );
    const byMnemonic = new Map(present.map(({ encoding }) => [encoding.mnemonic, encoding]));
    const candidates = present.map(({ encoding, pattern }): Candidate => {
      const meant = encoding.expands ? byMnemonic.get(encoding.expands.mnemonic) : encoding;
      if (!meant) throw new Error(`'${encoding.mnemonic}' expands to an unknown instruction`);
      const isRelative = RELATIVE.has(meant.mnemonic);
      return { mask: pattern.mask | 0, match: pattern.match | 0, pattern, encoding: meant, isRelative };
    });
    return {
      2: candidates.filter(({ pattern }) => pattern.length === 2),
      4: candidates.filter(({ pattern }) => pattern.length === 4),
    };
  }

  /**
   * @param word the instruction's bits; of a 16-bit instruction only the lower half is looked at
   * @throws Error when a table row is malformed
   */
  decode(word: number): Instruction | undefined {
    const length = instructionLength(word);
    const bits = length === 4 ? word : word & 0xffff;
    const { list } = this.#candidatesOf(bits, length);
    for (let i = 0; i < list.length; i++) {
      const candidate = list[i];
      if (candidate === undefined || ((bits ^ candidate.match) & candidate.mask) !== 0) continue;
      const fields = candidate.pattern.extract(bits);
      const { encoding } = candidate;
      if (fields) return { mnemonic: encoding.mnemonic, fields, length, encoding };
    }
    return undefined;
  }

  /** The pattern of an instruction whose immediate only says how far from it something is. */
  relativePattern(word: number): Pattern | undefined {
    const length = instructionLength(word);
    const bits = length === 4 ? word : word & 0xffff;
    const { list, hasRelative } = this.#candidatesOf(bits, length);
    if (!hasRelative) return undefined;
    for (let i = 0; i < list.length; i++) {
      const candidate = list[i];
      if (candidate !== undefined && ((bits ^ candidate.match) & candidate.mask) === 0)
        return candidate.isRelative ? candidate.pattern : undefined;
    }
    return undefined;
  }

  #candidatesOf(word: number, length: 2 | 4): Candidates {
    const lists = length === 4 ? this.#lists32 : this.#lists16;
    const key =
      length === 4
        ? ((word >>> 2) & 0x1f) | ((word >>> 7) & 0xe0) | ((word >>> 17) & 0x7f00)
        : (word & 3) | ((word >>> 8) & 0xfc);
    const known = length === 4 ? KEY_BITS_32 : KEY_BITS_16;
    const found = lists[key];
    if (found !== undefined) return found;
    this.#candidates ??= this.#rows();
    const list = this.#candidates[length].filter(({ pattern }) => pattern.compatible(word, known));
    const made = { list, hasRelative: list.some(({ isRelative }) => isRelative) };
    lists[key] = made;
    return made;
  }
}
