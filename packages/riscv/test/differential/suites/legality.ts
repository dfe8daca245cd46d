/** Which words are instructions at all. All registers hold addresses of memory that is full of c.ebreak, so any word may run. */
import { TABLES, TABLES_SIZE } from '../layout.ts';
import { EBREAK16, jumpsIntoItself, mstatusFor, PRIV_U, type Privilege, type Program } from '../program.ts';
import type { Suite } from './suite.ts';
import { decoder, forms, randomWord } from './words.ts';

const EBREAKS = BigInt(EBREAK16) * 0x0001_0001_0001_0001n;
const PAGE = 4096;

/** Memory that is data and code at once. */
function fillWithBreakpoints(program: Program): void {
  for (let at = TABLES; at < TABLES + TABLES_SIZE; at += 8) program.poke64(at, EBREAKS);
}

/** Multiples of 64: as code, their halves are no jumps. */
const harmless =
  (program: Program) =>
  (n: number): bigint =>
    BigInt(TABLES + PAGE + 64 * ((program.cases.length * 31 + n) % ((TABLES_SIZE - 2 * PAGE) / 64)));

/** Waits for ever if it is legal. */
const isWait = (word: number): boolean => word === 0x10500073;
/** Where a relative jump goes, from itself; undefined for any other word. */
function jumpOffset(word: number): number | undefined {
  const instruction = decoder.decode(word);
  return instruction?.encoding.operands.includes('target') ? instruction.fields.imm : undefined;
}

/** Places a word where it can run; undefined for a jump to itself. */
function placeWord(program: Program, word: number): number | undefined {
  const offset = jumpOffset(word);
  if (offset === undefined) return program.place(word);
  return jumpsIntoItself(word, offset) ? undefined : program.placeJump(word, offset);
}

function addWord(program: Program, group: string, word: number, mode: Privilege): void {
  const at = placeWord(program, word);
  if (at === undefined) return;
  const f = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [n, EBREAKS]));
  program.add({
    group,
    pc: at,
    mstatus: mstatusFor(mode, 0x6000n),
    f,
    rest: harmless(program),
    note: word.toString(16),
  });
}

/** Every 16-bit word there is, in user mode. */
export const compressedWords: Suite = {
  name: 'all 16-bit words',
  quick: 0,
  build(program) {
    fillWithBreakpoints(program);
    for (let word = 0; word < 0x10000; word++) {
      if ((word & 3) === 3) continue;
      addWord(program, `quadrant ${word & 3} funct3 ${word >>> 13}`, word, PRIV_U);
    }
  },
};

/** A word that is random, or a legal one with up to two bits changed. */
function anyWord(program: Program): number {
  const { random } = program;
  if (random.oneIn(3)) return (random.u32() | 3) >>> 0;
  const form = random.pick(forms.filter(({ pattern }) => pattern.length === 4));
  let word = randomWord(random, form);
  for (let flips = random.below(3); flips > 0; flips--) word ^= 1 << (2 + random.below(30));
  return word >>> 0;
}

/** 32-bit words, legal, nearly legal and random, in user mode. */
export const randomWords: Suite = {
  name: 'random 32-bit words',
  quick: 12_000,
  build(program, cases) {
    fillWithBreakpoints(program);
    while (program.cases.length < cases && !program.full) {
      const word = anyWord(program);
      // Those of more than 32 bits are not defined.
      if ((word & 0x1f) === 0x1f || isWait(word)) continue;
      addWord(program, `opcode ${(word & 0x7f).toString(2).padStart(7, '0')}`, word, PRIV_U);
    }
  },
};
