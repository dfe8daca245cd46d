/** Random code of many instructions: what one leaves behind is what the next one works on, across branches and loops. */
import { encode, patternOf } from '../assembler.ts';
import { anyPrivilege, mstatusFor, type Program } from '../program.ts';
import { scratchBase } from './addresses.ts';
import type { Suite } from './suite.ts';
import { decoder, forms, kindOf, randomWord } from './words.ts';

/** Registers that hold addresses, and the loop's counter: no instruction writes them. */
const BASES = [2, 8, 9] as const;
const COUNTER = 6;
const LINK = 7;
const RESERVED: readonly number[] = [...BASES, COUNTER, LINK];

const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const CASES_PER_SEQUENCE = 3;

/** A word, or a jump to the item with a number, encoded when all lengths are known. */
type Item =
  | { readonly word: number }
  | { readonly mnemonic: string; readonly rs1: number; readonly rs2: number; readonly to: number };

const lengthOf = (item: Item): number => ('word' in item && (item.word & 3) !== 3 ? 2 : 4);

/** Without ctzw, which the reference gets wrong (explain.ts). */
const candidates = forms.filter(({ mnemonic }) => !/^(fence\.i|lr|sc|ctzw)/.test(mnemonic));

/** An instruction that computes, loads or stores, and leaves the reserved registers alone. */
function straightWord(program: Program): number {
  for (;;) {
    const word = randomWord(program.random, program.random.pick(candidates));
    const instruction = decoder.decode(word);
    if (instruction === undefined) continue;
    const kind = kindOf(instruction);
    if (kind !== 'compute' && kind !== 'memory') continue;
    const { fields, encoding, mnemonic } = instruction;
    if (/^rd\b/.test(encoding.operands) && RESERVED.includes(fields.rd)) continue;
    // Atomics of any alignment would end nearly every sequence.
    if (mnemonic.startsWith('amo') && !program.random.oneIn(20)) continue;
    if (kind === 'memory' && !(BASES as readonly number[]).includes(fields.rs1)) continue;
    if (encoding.operands.includes('rm') && (fields.rm === 5 || fields.rm === 6)) continue;
    return word;
  }
}

/** Code with branches forward and, at its end, one back to the start that is taken while the counter lasts. */
function sequence(program: Program): readonly number[] {
  const { random } = program;
  const length = 3 + random.below(40);
  const items: Item[] = [];
  while (items.length < length) {
    const to = items.length + 1 + random.below(8);
    if (random.oneIn(9) && to < length) {
      items.push({ mnemonic: random.pick(BRANCHES), rs1: random.below(32), rs2: random.below(32), to });
    } else items.push({ word: straightWord(program) });
  }
  items.push({ word: encode('addi', { rd: COUNTER, rs1: COUNTER, imm: -1 }) });
  items.push({ mnemonic: 'bne', rs1: COUNTER, rs2: 0, to: 0 });
  const starts: number[] = [];
  let at = 0;
  for (const item of items) {
    starts.push(at);
    at += lengthOf(item);
  }
  return items.map((item, index) => {
    if ('word' in item) return item.word;
    const imm = (starts[item.to] ?? 0) - (starts[index] ?? 0);
    return patternOf(item.mnemonic).encode({ rs1: item.rs1, rs2: item.rs2, imm });
  });
}

export const sequences: Suite = {
  name: 'sequences',
  quick: 4000,
  build(program, cases) {
    for (let n = 0; n < cases && !program.full; n += CASES_PER_SEQUENCE) {
      const at = program.place(...sequence(program));
      for (let again = 0; again < CASES_PER_SEQUENCE && !program.full; again++) {
        const x = Object.fromEntries(BASES.map((base) => [base, scratchBase(program.random)]));
        const mode = anyPrivilege(program.random);
        program.add({
          group: 'sequence',
          pc: at,
          mstatus: mstatusFor(mode, program.random.oneIn(2) ? 0x6000n : 0n),
          fcsr: program.random.below(5) << 5,
          x: { ...x, [COUNTER]: BigInt(1 + program.random.below(6)) },
        });
      }
    }
  },
};
