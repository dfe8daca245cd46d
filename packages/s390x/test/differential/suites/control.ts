/**
 * Control instructions that end in an exception: each of them in the problem state, with operands that are not aligned, not allowed
 * or nowhere, and where control registers or the translation mode do not let them; and words that are no instruction. What is compared is the old PSW, the interruption code, the length, and that nothing else has changed.
 */
import type { Random } from '@boardwalk/testing';
import { ENCODINGS, findEncoding } from '../../../src/cpu/decode/decoder.ts';
import { assemble, encodingOf } from '../assembler.ts';
import { RAM_SIZE } from '../layout.ts';
import { PROBLEM, type Program, SUPERVISOR } from '../program.ts';
import type { Suite } from './suite.ts';
import { bytesOf, prepareNibbles, wordsOf } from './words.ts';

/** Not in the reference, or not privileged there: test/instructions/control.test.ts has them, and those that it takes for privileged. */
const MISSING = /^(crdte|pfmf|palb|strag|tprot)$/;

/** Privileged, whatever control registers say. */
const PRIVILEGED = ENCODINGS.filter(
  ({ mnemonic }) =>
    !MISSING.test(mnemonic) &&
    /^(ssm|lpswe?|diag|stnsm|stosm|sigp|lrag?y?|l?stctg?|lctlg?|stctl|stidp|sck|sckc|stckc|spt|stpt|ptlb|spx|stpx|stap|servc|ipte|iske|rrbe|sske|tb|csch|hsch|msch|ssch|stsch|tsch|tpi|sal|rsch|stcrw|stcps|rchp|schm|sturg?|lurag?|palb|cspg?|chsc|xsch|stsi|stfl|sckpf|idte|crdte|pfmf|clp|pcist[gb]|pcilg|rpcit|tprot|strag|mpcifc|stpcifc|sic)$/.test(
      mnemonic,
    ),
);

/** Control register 0 and 3 do not allow these in the problem state, or allow them. */
const SEMIPRIVILEGED = ['spka', 'sacf'];

/** Bytes that an operand is a multiple of, and the digits of the instruction with register 2 as its address. */
const ALIGNED: Readonly<Record<string, readonly [bytes: number, digits: string]>> = {
  lpsw: [8, '--2000'],
  lpswe: [8, '2000'],
  spx: [4, '2000'],
  stpx: [4, '2000'],
  stap: [2, '2000'],
  stidp: [8, '2000'],
  sck: [8, '2000'],
  sckc: [8, '2000'],
  stckc: [8, '2000'],
  spt: [8, '2000'],
  stpt: [8, '2000'],
  lctl: [4, '112000'],
  stctl: [4, '112000'],
  lctlg: [8, '11200000'],
  stctg: [8, '11200000'],
};

const NOWHERE = BigInt(RAM_SIZE) + 0x1000n;

const state = (random: Random, mask: bigint): bigint => mask | (BigInt(random.below(4)) << 44n);

function addProblem(program: Program, n: number): void {
  const { random } = program;
  const encoding =
    n % 4 === 0 ? encodingOf(random.pick(SEMIPRIVILEGED)) : (PRIVILEGED[n % PRIVILEGED.length] ?? encodingOf('ssm'));
  const code = bytesOf(prepareNibbles(program, encoding));
  program.add({ group: encoding.mnemonic, pc: program.place(code), pswMask: state(random, PROBLEM) });
}

function addUnaligned(program: Program): void {
  const { random } = program;
  const mnemonic = random.pick(Object.keys(ALIGNED));
  const [bytes, digits] = ALIGNED[mnemonic] ?? [8, ''];
  const at = BigInt((program.scratch() & ~7) + 1 + random.below(bytes - 1));
  program.add({ group: mnemonic, pc: program.place(assemble(mnemonic, digits)), r: { 2: at }, note: 'not aligned' });
}

/** Operands that lie where there is no storage. */
function addNowhere(program: Program): void {
  const { random } = program;
  const mnemonic = random.pick(Object.keys(ALIGNED).filter((name) => !/^(sck)$/.test(name)));
  const [, digits] = ALIGNED[mnemonic] ?? [8, ''];
  program.add({
    group: mnemonic,
    pc: program.place(assemble(mnemonic, digits)),
    r: { 2: NOWHERE },
    note: 'no storage',
  });
}

/** Codes, orders and functions that there are not, and modes in which an instruction cannot be. */
const REFUSED: Readonly<Record<string, (random: Random) => { code: number[]; r?: Record<number, bigint> }>> = {
  sacf: (random) => ({ code: assemble('sacf', '2000'), r: { 2: BigInt(random.below(16)) << 8n } }),
  mvcp: () => ({ code: assemble('mvcp', '1240004800'), r: { 1: 8n, 2: 0n } }),
  mvcs: () => ({ code: assemble('mvcs', '1240004800'), r: { 1: 8n, 2: 0n } }),
  mc: (random) => ({ code: assemble('mc', `${random.pick(['10', '1f', '80', 'ff'])}0000`) }),
  spxNowhere: () => ({ code: assemble('spx', '2000'), r: { 2: 0x30_0000n } }),
  svc: (random) => ({ code: [0x0a, random.below(256)] }),
  executeOfExecute: () => ({ code: [0x44, 0x10, 0x20, 0x00, 0x44, 0x10, 0x20, 0x00] }),
  stsi: (random) => ({
    code: assemble('stsi', '2000'),
    r: {
      0: BigInt(random.pick([0x4000_0000, 0x1000_0f00, 0x1010_0001, 0x1000_0001])),
      1: BigInt(random.pick([0x1_0000, 1, 0])),
      2: 0x30_0008n,
    },
  }),
  sske: () => ({ code: assemble('sske', '0-12'), r: { 1: 0x60n, 2: NOWHERE } }),
  iske: () => ({ code: assemble('iske', '--12'), r: { 2: NOWHERE } }),
  rrbe: () => ({ code: assemble('rrbe', '--12'), r: { 2: NOWHERE } }),
  tb: () => ({ code: assemble('tb', '--12'), r: { 0: 0n, 2: NOWHERE } }),
};

function addRefused(program: Program): void {
  const { random } = program;
  const group = random.pick(Object.keys(REFUSED));
  const made = REFUSED[group]?.(random);
  if (made === undefined) return;
  const pc = program.place(made.code);
  const r = group === 'executeOfExecute' ? { 2: BigInt(pc + 4), 1: 0n } : (made.r ?? {});
  program.add({ group, pc, pswMask: state(random, SUPERVISOR), r });
}

/** Operation codes that nothing has: their first bytes are those of no instruction at all. */
const FREE_BYTES = [0x00, 0x02, 0x03, 0x08, 0x09, 0x61, 0x62, 0x64, 0x65, 0x66, 0x81, 0xb8, 0xc1, 0xc3, 0xd8, 0xe4];

function addUnknown(program: Program): void {
  const { random } = program;
  const code = [random.pick(FREE_BYTES), ...Array.from({ length: 5 }, () => random.below(256))];
  if (findEncoding(wordsOf(code)) !== undefined) return;
  const length = (code[0] ?? 0) < 0x40 ? 2 : (code[0] ?? 0) < 0xc0 ? 4 : 6;
  const mask = state(random, random.pick([SUPERVISOR, PROBLEM]));
  program.add({ group: 'unknown', pc: program.place(code.slice(0, length)), pswMask: mask });
}

export const control: Suite = {
  name: 'control',
  quick: 900,
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const add = [addUnaligned, addNowhere, addRefused, addUnknown][n % 7];
      if (add === undefined) addProblem(program, random.below(10_000));
      else add(program);
    }
  },
};
