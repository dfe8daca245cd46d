/** Builds the memory image of one run: the executor, code under test in the field of c.ebreak, and a record for each case. */

import { interestingDouble, interestingInteger, interestingSingle, Random } from '@boardwalk/testing';
import { disassemble } from '../../src/cpu/decode/disassemble.ts';
import { encode } from './assembler.ts';
import { assembleExecutor } from './executor.ts';
import {
  EXECUTOR,
  FIELD,
  FIELD_SIZE,
  HANDLER,
  NOT_RUN,
  RAM_BASE,
  RAM_SIZE,
  RECORD,
  RECORDS,
  RECORDS_END,
  recordSize,
  SCRATCH,
  SCRATCH_SIZE,
  VARIABLES,
  VECTORS,
} from './layout.ts';

export type Privilege = 0 | 1 | 3;
export const PRIV_U: Privilege = 0;
export const PRIV_S: Privilege = 1;
export const PRIV_M: Privilege = 3;
const PRIVILEGES: readonly Privilege[] = [PRIV_U, PRIV_S, PRIV_M];

export const anyPrivilege = (random: Random): Privilege => random.pick(PRIVILEGES);

/** mstatus before a case: 64-bit user and supervisor mode, floating point on, the case's privilege in MPP. */
export const mstatusFor = (privilege: Privilege, more = 0n): bigint =>
  0xa_0000_2000n | (BigInt(privilege) << 11n) | more;

/** Values of registers by number. */
export type Registers = Readonly<Record<number, bigint>>;

export interface CaseOptions {
  /** What is tested: cases of one group are counted together. */
  readonly group: string;
  /** Where the code starts, as the case's privilege and satp see it. */
  readonly pc: number | bigint;
  /** Physical address of the code, for reports; `pc` where that is the same. */
  readonly code?: number;
  readonly mstatus?: bigint;
  readonly fcsr?: number;
  /** Registers that matter; all others get interesting values. */
  readonly x?: Registers;
  readonly f?: Registers;
  /** Values of the other integer registers, where interesting numbers will not do. */
  readonly rest?: (n: number) => bigint;
  /** The program's further control and status registers, in its order. */
  readonly csrs?: readonly bigint[];
  /** What the report should say besides. */
  readonly note?: string;
}

/** What a report says of a case. */
export interface Case {
  readonly group: string;
  readonly code: number;
  readonly note: string;
}

/** Code lies in the first part of the field. Relative jumps, of up to a megabyte either way, are scattered over a middle part. */
const NEAR_END = 0x16_0000;
const JUMPS_START = 0x28_0000;
const JUMPS_END = 0x2e_0000;
/** Nothing is put from here on. */
const EMPTY_START = 0x30_0000;
/** So many leave enough room between them. */
const MOST_JUMPS = 0x4000;

const VECTORS_SIZE = 256;

/** Whether a jump of `offset` bytes goes to its own word: for ever, perhaps. */
export const jumpsIntoItself = (word: number, offset: number): boolean =>
  offset === 0 || (offset === 2 && (word & 3) === 3);

/** How many values of each kind are kept ready to fill registers. */
const POOL = 4096;

function pool(random: Random, make: (random: Random) => bigint): BigUint64Array {
  return BigUint64Array.from({ length: POOL }, () => make(random));
}

/** Words of code are padded with this: c.ebreak. */
export const EBREAK16 = encode('c.ebreak');

export class Program {
  readonly name: string;
  readonly csrs: readonly number[];
  readonly random: Random;
  /** The whole of the machine's RAM. */
  readonly image = new Uint8Array(RAM_SIZE);
  readonly cases: Case[] = [];
  readonly recordSize: number;
  readonly #view = new DataView(this.image.buffer);
  readonly #records = new BigUint64Array(this.image.buffer);
  readonly #integers: BigUint64Array;
  readonly #floats: BigUint64Array;
  #free = FIELD + 0x4000;
  /** Halfwords of the relative jumps and around them, and where they go. */
  readonly #jumps = new Set<number>();
  readonly #targets = new Set<number>();
  #jumpCount = 0;

  /**
   * @param csrs numbers of control and status registers that each record sets and reads besides fcsr and mstatus
   */
  constructor(name: string, seed: number, csrs: readonly number[] = []) {
    this.name = name;
    this.csrs = csrs;
    this.random = new Random(seed);
    this.recordSize = recordSize(csrs.length);
    this.image.set(assembleExecutor(csrs, this.recordSize), EXECUTOR - RAM_BASE);
    new Uint16Array(this.image.buffer, FIELD - RAM_BASE, FIELD_SIZE / 2).fill(EBREAK16);
    new Uint16Array(this.image.buffer, VECTORS - RAM_BASE, VECTORS_SIZE / 2).fill(EBREAK16);
    this.placeAt(VECTORS, encode('jal', { rd: 0, imm: HANDLER - VECTORS }));
    const scratch = new Uint32Array(this.image.buffer, SCRATCH - RAM_BASE, SCRATCH_SIZE / 4);
    for (let index = 0; index < scratch.length; index++) scratch[index] = this.random.u32();
    this.#integers = pool(this.random, interestingInteger);
    this.#floats = pool(this.random, (r) => (r.oneIn(2) ? interestingDouble(r) : interestingSingle(r)));
  }

  /** Whether there is room for another case. */
  get full(): boolean {
    return this.end + this.recordSize > RECORDS_END || this.#free > FIELD + NEAR_END || this.#jumpCount >= MOST_JUMPS;
  }

  /** Address after the last record. */
  get end(): number {
    return RECORDS + this.cases.length * this.recordSize;
  }

  /** An even address in the field where nothing lies: a jump there ends the case. */
  emptyPlace(): number {
    return FIELD + EMPTY_START + 2 * this.random.below((FIELD_SIZE - EMPTY_START) / 2 - 8);
  }

  integer(): bigint {
    return this.#integers[this.random.below(POOL)] ?? 0n;
  }

  /** Puts code in the field, at an even address, with c.ebreak around it. */
  place(...words: readonly number[]): number {
    const at = this.#free + 2 * this.random.below(2);
    this.#free = this.#write(at, words);
    return at;
  }

  /** Places a relative jump of `offset` bytes so that no jump meets another, or runs in circles; not one into itself. */
  placeJump(word: number, offset: number): number {
    for (;;) {
      const at = FIELD + JUMPS_START + 2 * this.random.below((JUMPS_END - JUMPS_START) / 2);
      const own = [at - 2, at, at + 2, at + 4];
      if (own.some((half) => this.#jumps.has(half) || this.#targets.has(half))) continue;
      if (this.#jumps.has(at + offset)) continue;
      for (const half of own) this.#jumps.add(half);
      this.#targets.add(at + offset);
      this.#jumpCount++;
      this.#write(at, [word]);
      return at;
    }
  }

  /** The same at an address of one's own. */
  placeAt(at: number, ...words: readonly number[]): number {
    this.#write(at, words);
    return at;
  }

  /** Returns where the next code can be: two units later, since a word that is taken for a longer one eats the next. */
  #write(at: number, words: readonly number[]): number {
    let end = at;
    for (const word of words) {
      this.#view.setUint16(end - RAM_BASE, word & 0xffff, true);
      end += 2;
      if ((word & 3) !== 3) continue;
      this.#view.setUint16(end - RAM_BASE, word >>> 16, true);
      end += 2;
    }
    return end + 4;
  }

  poke64(address: number, value: bigint): void {
    this.#view.setBigUint64(address - RAM_BASE, BigInt.asUintN(64, value), true);
  }

  /** Adds a case; registers that it does not name get interesting values. Returns its number. */
  add(options: CaseOptions): number {
    if (this.end + this.recordSize > RECORDS_END) throw new RangeError(`program ${this.name}: no room for more cases`);
    const { group, pc, mstatus = mstatusFor(PRIV_M), fcsr = 0, x = {}, f = {}, csrs = [] } = options;
    const record = this.end;
    this.poke64(record + RECORD.pc, BigInt(pc));
    this.poke64(record + RECORD.mstatus, mstatus);
    this.poke64(record + RECORD.fcsr, BigInt(fcsr));
    this.poke64(record + RECORD.cause, NOT_RUN);
    const slots = this.#records;
    const first = (record + RECORD.x(0) - RAM_BASE) / 8;
    const start = this.random.below(POOL);
    const rest = options.rest;
    for (let n = 1; n < 32; n++) slots[first + n] = rest?.(n) ?? this.#integers[(start + 37 * n) % POOL] ?? 0n;
    for (let n = 0; n < 32; n++) slots[first + 32 + n] = this.#floats[(start + 41 * n) % POOL] ?? 0n;
    for (const n in x) slots[first + Number(n)] = BigInt.asUintN(64, x[n] ?? 0n);
    for (const n in f) slots[first + 32 + Number(n)] = BigInt.asUintN(64, f[n] ?? 0n);
    for (const index of this.csrs.keys()) this.poke64(record + RECORD.csr(index), csrs[index] ?? 0n);
    return this.cases.push({ group, code: options.code ?? Number(pc), note: options.note ?? '' }) - 1;
  }

  /** The image, complete. */
  finish(): Uint8Array {
    this.poke64(VARIABLES, BigInt(RECORDS));
    this.poke64(VARIABLES + 8, BigInt(this.end));
    return this.image;
  }

  /** The code of a case up to the c.ebreak that ends it, as text. */
  disassemble({ code }: Case): string {
    const lines: string[] = [];
    for (let at = code; lines.length < 24 && at < RECORDS; ) {
      const half = this.#view.getUint16(at - RAM_BASE, true);
      if (half === EBREAK16 && lines.length > 0) break;
      const word = (half & 3) === 3 ? this.#view.getUint32(at - RAM_BASE, true) : half;
      lines.push(disassemble(word, BigInt(at)).replace(/\s+/, ' '));
      at += (half & 3) === 3 ? 4 : 2;
    }
    return lines.join('; ');
  }
}
