/**
 * Hexadecimal and decimal floating point, which no CPU model has: each of their operation codes is an operation exception, whatever the
 * state of the floating-point registers.
 */
import { findEncoding } from '../../../src/cpu/decode/decoder.ts';
import { PROBLEM, type Program, SUPERVISOR } from '../program.ts';
import type { Suite } from './suite.ts';
import { wordsOf } from './words.ts';

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Codes of one byte: hexadecimal arithmetic of registers, and with storage. */
const SHORT = [...range(0x20, 0x3f), 0x67, ...range(0x69, 0x6f), ...range(0x79, 0x7f)];
/** Second bytes behind b3: hexadecimal; decimal. The reference has LOAD LENGTHENED (24 to 26 here and behind ed). */
const HEXADECIMAL = [
  ...range(0x2e, 0x2f),
  ...range(0x34, 0x37),
  0x50,
  0x51,
  0x58,
  0x59,
  ...range(0x60, 0x6a),
  0x77,
  0x7f,
];
const HEXADECIMAL_FIXED = [...range(0xb4, 0xb6), ...range(0xb8, 0xba), ...range(0xc4, 0xc6), ...range(0xc8, 0xca)];
const DECIMAL = range(0xd0, 0xff);
/** Last bytes behind ed: hexadecimal; decimal. */
const HEXADECIMAL_STORAGE = [...range(0x2e, 0x2f), ...range(0x34, 0x3f)];
const DECIMAL_STORAGE = [0x40, 0x41, 0x48, 0x49, 0x50, 0x51, 0x54, 0x55, 0x58, 0x59, ...range(0xa8, 0xaf)];

/** PERFORM FLOATING-POINT OPERATION converts between the radixes. */
const PFPO = [0x01, 0x0a];

function codesOf(program: Program): readonly (readonly number[])[] {
  const { random } = program;
  const byte = (): number => random.below(256);
  return [
    PFPO,
    ...SHORT.map((code) => (code < 0x40 ? [code, byte()] : [code, byte(), byte(), byte()])),
    ...[...HEXADECIMAL, ...HEXADECIMAL_FIXED, ...DECIMAL].map((code) => [0xb3, code, byte(), byte()]),
    ...[...HEXADECIMAL_STORAGE, ...DECIMAL_STORAGE].map((code) => [0xed, byte(), byte(), byte(), byte(), code]),
  ];
}

/** Loads and the like that binary floating point shares. */
const isThere = (code: readonly number[]): boolean => findEncoding(wordsOf([...code, 0, 0, 0, 0])) !== undefined;

export const absent: Suite = {
  name: 'absent',
  quick: 400,
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; ) {
      for (const code of codesOf(program).filter((one) => !isThere(one))) {
        n++;
        program.add({ group: 'absent', pc: program.place(code), pswMask: random.pick([SUPERVISOR, PROBLEM]) });
      }
    }
  },
};
