/**
 * The pattern language of the decoder tables: an instruction's encoding as the RISC-V manual prints it
 * ("RV32/64G Instruction Set Listings"), most significant bit first, one token per part.
 *
 *   0000000 rs2 rs1 000 rd 0110011                      fixed bits, register fields
 *   imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011        a scattered, sign-extended immediate
 *   011 nzimm[17] rd!=2 nzimm[16:12] 01                 16 bits; conditions on fields
 *   100 0 11 rd'/rs1' 00 rs2' 01                        x8..x15 in three bits; one part that is two fields
 *
 * `imm` is sign-extended from the highest bit named, `uimm` is not, `nzimm` and `nzuimm` must not be zero. `-` is a bit that
 * the hardware ignores.
 */

/** Operands of an instruction, whatever its format; a field that the encoding lacks is 0. */
export interface Fields {
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  /** Immediate, offset, shift amount or (csrr?i) the five-bit unsigned operand, as a signed 32-bit number. */
  readonly imm: number;
  readonly csr: number;
  /** Rounding mode: 0 RNE, 1 RTZ, 2 RDN, 3 RUP, 4 RMM, 7 dynamic, 5 and 6 invalid. */
  readonly rm: number;
  /** Ordering of an atomic: bit 0 release, bit 1 acquire. */
  readonly aqrl: number;
}

export type FieldName = keyof Fields;

const FIELD_NAMES: readonly FieldName[] = ['rd', 'rs1', 'rs2', 'rs3', 'imm', 'csr', 'rm', 'aqrl'];
const FIELD_INDEX: ReadonlyMap<string, number> = new Map(FIELD_NAMES.map((name, index) => [name, index]));
const IMM = FIELD_NAMES.indexOf('imm');

const FIELD_WIDTH: Readonly<Record<Exclude<FieldName, 'imm'>, number>> = {
  rd: 5,
  rs1: 5,
  rs2: 5,
  rs3: 5,
  csr: 12,
  rm: 3,
  aqrl: 2,
};

/** Bits `from .. from+width` of the word that become bits `to ..` of a field. */
interface Slice {
  readonly field: number;
  readonly from: number;
  readonly mask: number;
  readonly to: number;
}

interface Exclusion {
  readonly field: number;
  readonly values: readonly number[];
}

/** What a token says, before its place in the word is known. */
interface Token {
  readonly width: number;
  readonly fixed?: string;
  readonly fields: readonly string[];
  /** Immediate: destination ranges [high, low], most significant first. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly signed: boolean;
  readonly compressed: boolean;
  readonly exclude: readonly number[];
}

function parseRange(text: string): readonly [number, number] {
  const [high, low = high] = text.split(':').map(Number);
  if (high === undefined || low === undefined || !(high >= low)) throw new Error(`bad bit range '${text}'`);
  return [high, low];
}

function parseToken(text: string): Token {
  const none = { fields: [], ranges: [], signed: false, compressed: false, exclude: [] };
  if (/^[01-]+$/.test(text)) return { ...none, width: text.length, fixed: text };
  const immediate = /^(nz)?(u)?imm\[([\d:|]+)\]$/.exec(text);
  if (immediate) {
    const ranges = (immediate[3] ?? '').split('|').map(parseRange);
    const width = ranges.reduce((sum, [high, low]) => sum + high - low + 1, 0);
    const signed = immediate[2] === undefined;
    return { ...none, width, fields: ['imm'], ranges, signed, exclude: immediate[1] ? [0] : [] };
  }
  const [names = '', condition = ''] = text.split('!=');
  const compressed = names.includes("'");
  const fields = names.replaceAll("'", '').split('/');
  const width = FIELD_WIDTH[fields[0] as Exclude<FieldName, 'imm'>];
  if (width === undefined || !fields.every((name) => FIELD_INDEX.has(name))) throw new Error(`bad token '${text}'`);
  const exclude = condition === '' ? [] : condition.split(',').map(Number);
  return { ...none, width: compressed ? 3 : width, fields, compressed, exclude };
}

/** One encoding: which words it matches and how operands are taken from them. */
export class Pattern {
  /** Bytes of the instruction. */
  readonly length: 2 | 4;
  /** Fixed bits of the word, and their values (unsigned). */
  readonly mask: number;
  readonly match: number;
  /** Bits of the word that the immediate is made of. */
  readonly immediateMask: number;
  readonly #slices: readonly Slice[];
  /** Field values before slices are OR-ed in: presets, and 8 for three-bit register fields. */
  readonly #base: Int32Array;
  readonly #scratch = new Int32Array(FIELD_NAMES.length);
  readonly #signShift: number;
  readonly #exclusions: readonly Exclusion[];

  /**
   * @param presets operands that the encoding implies, e.g. `{ rs1: 2 }` for stack-relative compressed loads
   * @throws Error when the text is not in the pattern language or is not 16 or 32 bits long
   */
  constructor(
    readonly text: string,
    presets: Partial<Fields> = {},
  ) {
    const tokens = text.split(' ').map(parseToken);
    const width = tokens.reduce((sum, token) => sum + token.width, 0);
    if (width !== 16 && width !== 32) throw new Error(`pattern '${text}' has ${width} bits`);
    this.length = width === 16 ? 2 : 4;
    this.#base = Int32Array.from(FIELD_NAMES, (name) => presets[name] ?? 0);

    let mask = 0;
    let match = 0;
    let position = width;
    const slices: Slice[] = [];
    const exclusions: Exclusion[] = [];
    for (const token of tokens) {
      position -= token.width;
      for (const [index, bit] of [...(token.fixed ?? '')].entries()) {
        const weight = 2 ** (position + token.width - 1 - index);
        if (bit !== '-') mask += weight;
        if (bit === '1') match += weight;
      }
      for (const name of token.fields) {
        const field = FIELD_INDEX.get(name) ?? 0;
        if (token.compressed) this.#base[field] = 8;
        if (token.exclude.length > 0) exclusions.push({ field, values: token.exclude });
        slices.push(...slicesOf(token, field, position));
      }
    }
    this.mask = mask;
    this.match = match;
    this.#slices = slices;
    this.immediateMask = slices.reduce((bits, s) => (s.field === IMM ? bits | (s.mask << s.from) : bits), 0);
    this.#exclusions = exclusions;
    this.#signShift = signShift(tokens);
  }

  /** True when a word with these fixed bits could match; `known` says which bits of `word` are certain. */
  compatible(word: number, known: number): boolean {
    return ((word ^ this.match) & this.mask & known) === 0;
  }

  /** Operands of a word, or undefined when the word is not of this encoding. `word` is an unsigned or signed 32-bit number. */
  extract(word: number): Fields | undefined {
    if (((word ^ this.match) & this.mask) !== 0) return undefined;
    const v = this.#scratch;
    const base = this.#base;
    for (let i = 0; i < v.length; i++) v[i] = base[i] ?? 0;
    const slices = this.#slices;
    for (let i = 0; i < slices.length; i++) {
      const slice = slices[i];
      if (slice) v[slice.field] = (v[slice.field] ?? 0) | (((word >>> slice.from) & slice.mask) << slice.to);
    }
    v[IMM] = ((v[IMM] ?? 0) << this.#signShift) >> this.#signShift;
    for (const { field, values } of this.#exclusions) if (values.includes(v[field] ?? 0)) return undefined;
    return {
      rd: v[0] ?? 0,
      rs1: v[1] ?? 0,
      rs2: v[2] ?? 0,
      rs3: v[3] ?? 0,
      imm: v[4] ?? 0,
      csr: v[5] ?? 0,
      rm: v[6] ?? 0,
      aqrl: v[7] ?? 0,
    };
  }

  /** The immediate of a word of this encoding. */
  immediate(word: number): number {
    let value = this.#base[IMM] ?? 0;
    const slices = this.#slices;
    for (let i = 0; i < slices.length; i++) {
      const slice = slices[i];
      if (slice?.field === IMM) value |= ((word >>> slice.from) & slice.mask) << slice.to;
    }
    return (value << this.#signShift) >> this.#signShift;
  }

  /**
   * The word with these operands, unsigned; bits that no operand names and that are ignored are 0.
   * @throws RangeError where an operand does not fit the encoding or is excluded by it
   */
  encode(operands: Partial<Fields>): number {
    let word = this.match;
    for (const { field, from, mask, to } of this.#slices) {
      const value = (operands[FIELD_NAMES[field] ?? 'imm'] ?? 0) - (field === IMM ? 0 : (this.#base[field] ?? 0));
      word |= ((value >> to) & mask) << from;
    }
    const fields = this.extract(word);
    for (const [name, value] of Object.entries(operands)) {
      if (fields?.[name as FieldName] !== value) throw new RangeError(`'${this.text}' cannot hold ${name}=${value}`);
    }
    return word >>> 0;
  }
}

/** Where the bits of one token, whose lowest bit is `position` in the word, go in a field. */
function slicesOf(token: Token, field: number, position: number): Slice[] {
  if (token.ranges.length === 0) return [{ field, from: position, mask: 2 ** token.width - 1, to: 0 }];
  let from = position + token.width;
  return token.ranges.map(([high, low]) => {
    from -= high - low + 1;
    return { field, from, mask: 2 ** (high - low + 1) - 1, to: low };
  });
}

/** How far the immediate is shifted left and back to extend its sign; 0 for one that is unsigned, or none. */
function signShift(tokens: readonly Token[]): number {
  const highs = tokens.flatMap((token) => (token.signed ? token.ranges.map(([high]) => high) : []));
  return highs.length === 0 ? 0 : 31 - Math.max(...highs);
}
