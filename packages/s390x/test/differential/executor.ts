/**
 * The program that runs the cases, in the supervisor state: for each record it sets every register from the record and loads its
 * PSW; whatever program interruption or supervisor call ends the case, the handler writes every register back and goes on.
 */
import { assemble } from './assembler.ts';
import { EXECUTOR, RECORD, VARIABLES } from './layout.ts';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
/** Base and displacement. */
const at = (base: number, displacement: number): string => hex(base, 1) + hex(displacement, 3);

/** The register that points to the record. */
const POINTER = 15;

/** Where the handlers are. */
export interface Executor {
  readonly bytes: Uint8Array;
  readonly program: number;
  readonly supervisorCall: number;
}

class Code {
  readonly bytes: number[] = [];
  get here(): number {
    return EXECUTOR + this.bytes.length;
  }
  op(mnemonic: string, nibbles: string): void {
    this.bytes.push(...assemble(mnemonic, nibbles));
  }
  /** A branch to an address behind or before here. */
  branch(mask: number, to: number): void {
    const halfwords = ((to - this.here) / 2) & 0xffff;
    this.op('brc', hex(mask, 1) + hex(halfwords, 4));
  }
  move(to: string, from: string, bytes: number): void {
    this.op('mvc', hex(bytes - 1, 2) + to + from);
  }
}

/** @param vectors records have vector registers, and the CPU too */
export function assembleExecutor(vectors: boolean): Executor {
  const c = new Code();
  const record = (offset: number): string => at(POINTER, offset);
  c.op('lctlg', `0f${at(0, VARIABLES.controls)}00`);
  const loop = c.here;
  c.op('lg', `f0${at(0, VARIABLES.current)}00`);
  c.op('clg', `f0${at(0, VARIABLES.end)}00`);
  const toDone = c.bytes.length;
  c.branch(10, c.here);
  c.move(at(0, VARIABLES.psw), record(RECORD.pswMask), 16);
  if (vectors) {
    for (let n = 0; n < 32; n++) c.op('vl', `${hex(n & 15, 1)}0${record(RECORD.v(n))}0${n > 15 ? '8' : '0'}`);
  }
  for (let n = 0; n < 16; n++) c.op('ld', `${hex(n, 1)}0${record(RECORD.f(n))}`);
  c.op('lfpc', record(RECORD.fpc));
  c.op('lam', `0f${record(RECORD.ar(0))}`);
  c.op('lmg', `0f${record(RECORD.r(0))}00`);
  c.op('lpswe', at(0, VARIABLES.psw));

  const supervisorCall = c.here;
  c.move(at(0, 0x8c), at(0, 0x88), 4);
  c.op('oi', `80${at(0, 0x8c)}`);
  c.move(at(0, 0x150), at(0, 0x140), 16);
  const program = c.here;
  c.op('stmg', `0f${at(0, VARIABLES.registers)}00`);
  c.op('lctlg', `0f${at(0, VARIABLES.controls)}00`);
  c.op('lg', `f0${at(0, VARIABLES.current)}00`);
  c.move(record(RECORD.r(0)), at(0, VARIABLES.registers), 128);
  c.move(record(RECORD.pswMask), at(0, 0x150), 16);
  c.move(record(RECORD.interruption), at(0, 0x8c), 8);
  c.move(record(RECORD.translation), at(0, 0xa8), 8);
  c.op('stfpc', record(RECORD.fpc));
  c.op('stam', `0f${record(RECORD.ar(0))}`);
  for (let n = 0; n < 16; n++) c.op('std', `${hex(n, 1)}0${record(RECORD.f(n))}`);
  if (vectors) {
    for (let n = 0; n < 32; n++) c.op('vst', `${hex(n & 15, 1)}0${record(RECORD.v(n))}0${n > 15 ? '8' : '0'}`);
  }
  c.op('aghi', `${hex(POINTER, 1)}${hex(RECORD.size, 4)}`);
  c.op('stg', `f0${at(0, VARIABLES.current)}00`);
  c.op('xc', `3f${at(0, 0x80)}${at(0, 0x80)}`);
  c.branch(15, loop);

  // SIGP stop to itself ends the machine.
  const done = c.here;
  c.op('lghi', '20000');
  c.op('sigp', `12${at(0, 5)}`);
  c.branch(15, done);
  const halfwords = (done - EXECUTOR - toDone) / 2;
  c.bytes[toDone + 2] = halfwords >> 8;
  c.bytes[toDone + 3] = halfwords & 255;
  return { bytes: Uint8Array.from(c.bytes), program, supervisorCall };
}
