/** Builds the memory image of one run: the executor, code under test in a field of zeros, and a record for each case. */

import { interestingDouble, interestingInteger, Random } from '@boardwalk/testing';
import { disassemble } from '../../src/cpu/decode/disassemble.ts';
import { assembleExecutor } from './executor.ts';
import {
  EXECUTOR,
  FIELD,
  FIELD_SIZE,
  NOT_RUN,
  RECORD,
  RECORDS,
  RECORDS_END,
  SCRATCH,
  SCRATCH_SIZE,
  VARIABLES,
} from './layout.ts';

/** 64-bit supervisor, no DAT, nothing enabled. */
export const SUPERVISOR = 0x0000_0001_8000_0000n;
export const PROBLEM = SUPERVISOR | (1n << 48n);
/** Control register 0: AFP, vectors, secondary space, extraction authority, EDAT. */
export const CONTROL_0 = 0x0c86_0000n;

export interface CaseOptions {
  /** What is tested: cases of one group are counted together. */
  readonly group: string;
  readonly pc: number;
  readonly pswMask?: bigint;
  readonly r?: Readonly<Record<number, bigint>>;
  readonly f?: Readonly<Record<number, bigint>>;
  /** Vector registers, of 128 bits; the left halves of 0 to 15 are `f`. */
  readonly v?: Readonly<Record<number, bigint>>;
  readonly ar?: Readonly<Record<number, number>>;
  readonly fpc?: number;
  readonly note?: string;
}

export interface Case {
  readonly group: string;
  readonly code: number;
  readonly note: string;
}

export interface ProgramOptions {
  readonly controls?: Readonly<Record<number, bigint>>;
  readonly vectors?: boolean;
}

export class Program {
  readonly name: string;
  readonly random: Random;
  readonly image = new Uint8Array(RECORDS_END);
  readonly cases: Case[] = [];
  readonly vectors: boolean;
  readonly #view = new DataView(this.image.buffer);
  #free = FIELD + 0x1000;

  constructor(name: string, seed: number, options: ProgramOptions = {}) {
    this.name = name;
    this.random = new Random(seed);
    this.vectors = options.vectors === true;
    const executor = assembleExecutor(this.vectors);
    this.image.set(executor.bytes, EXECUTOR);
    const newPsw = (at: number, address: number): void => {
      this.poke64(at, SUPERVISOR);
      this.poke64(at + 8, BigInt(address));
    };
    newPsw(0x1d0, executor.program);
    newPsw(0x1c0, executor.supervisorCall);
    // An IPL from here would begin at the executor, too.
    this.poke64(0, 0x0008_0000_8000_0000n | BigInt(EXECUTOR));
    for (let n = 0; n < 16; n++) this.poke64(VARIABLES.controls + n * 8, options.controls?.[n] ?? 0n);
    this.poke64(VARIABLES.controls, options.controls?.[0] ?? CONTROL_0);
    for (let at = SCRATCH; at < SCRATCH + SCRATCH_SIZE; at += 8) this.poke64(at, this.integer());
  }

  integer(): bigint {
    return interestingInteger(this.random);
  }

  get end(): number {
    return RECORDS + this.cases.length * RECORD.size;
  }

  get isFull(): boolean {
    return this.end + RECORD.size > RECORDS_END || this.#free > FIELD + FIELD_SIZE - 0x2000;
  }

  /** Where the next code will lie. */
  get free(): number {
    return this.#free;
  }

  /** Places code and gives its address; zeros follow, which end the case. */
  place(bytes: readonly number[]): number {
    const at = this.#free;
    this.image.set(bytes, at);
    this.#free = at + bytes.length + 6 + 2 * this.random.below(3);
    return at;
  }

  poke64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, BigInt.asUintN(64, value));
  }

  poke32(address: number, value: number): void {
    this.#view.setUint32(address, value >>> 0);
  }

  /** An address in the scratch memory with room for a page on both sides. */
  scratch(): number {
    const { random } = this;
    const page = SCRATCH + 0x2000 + 0x1000 * random.below((SCRATCH_SIZE >> 12) - 4);
    // Near the end of a page, aligned, or anywhere.
    if (random.oneIn(6)) return page + 0xff0 + random.below(32);
    return random.oneIn(2) ? page + 16 * random.below(250) : page + random.below(4000);
  }

  /** An even address in the field where no code is. */
  emptyPlace(): number {
    return FIELD + 2 * this.random.below(0x7f0);
  }

  /** Adds a case; registers that it does not name get interesting values. */
  add(options: CaseOptions): void {
    if (this.isFull) throw new RangeError(`program ${this.name}: no room for more cases`);
    const { group, pc, pswMask = SUPERVISOR, r = {}, f = {}, v = {}, ar = {}, fpc = 0, note = '' } = options;
    const record = this.end;
    this.poke64(record + RECORD.pswMask, pswMask);
    this.poke64(record + RECORD.pswAddress, BigInt(pc));
    this.poke32(record + RECORD.interruption, NOT_RUN);
    this.poke32(record + RECORD.fpc, fpc);
    for (let n = 0; n < 16; n++) {
      this.poke64(record + RECORD.r(n), r[n] ?? this.integer());
      this.poke64(record + RECORD.f(n), f[n] ?? interestingDouble(this.random));
      this.poke32(record + RECORD.ar(n), ar[n] ?? 0);
    }
    if (this.vectors) {
      for (let n = 0; n < 32; n++) {
        const value = v[n] ?? (this.integer() << 64n) | BigInt.asUintN(64, this.integer());
        this.poke64(record + RECORD.v(n), value >> 64n);
        this.poke64(record + RECORD.v(n) + 8, value);
        // The executor loads the floating-point registers last.
        if (n < 16 && v[n] !== undefined) this.poke64(record + RECORD.f(n), value >> 64n);
      }
    }
    this.cases.push({ group, code: pc, note });
  }

  /** The image, complete. */
  finish(): Uint8Array {
    this.poke64(VARIABLES.current, BigInt(RECORDS));
    this.poke64(VARIABLES.end, BigInt(this.end));
    return this.image.subarray(0, this.end);
  }

  /** The code of a case as text, up to the zeros that end it. */
  disassemble({ code }: Case): string {
    const lines: string[] = [];
    for (let at = code; lines.length < 12; ) {
      if (this.#view.getUint16(at) === 0) break;
      const { text, length } = disassemble(this.image.subarray(at, at + 6), BigInt(at));
      lines.push(text.replace(/\s+/, ' '));
      at += length;
    }
    return lines.join('; ');
  }
}
