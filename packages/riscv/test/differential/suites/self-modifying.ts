/** Code that stores instructions and runs them after fence.i. */
import { encode } from '../assembler.ts';
import { anyPrivilege, EBREAK16, mstatusFor, type Program } from '../program.ts';
import type { Suite } from './suite.ts';
import { decoder, forms, kindOf, randomWord } from './words.ts';

const PLACE = 5;
const INSTRUCTION = 6;
const CASES_PER_CODE = 8;

const computing = forms.filter(({ mnemonic }) => !/^(fence|ctzw|f)/.test(mnemonic));

/** An instruction that computes, and leaves the two registers above alone. */
function computingWord(program: Program): number {
  for (;;) {
    const word = randomWord(program.random, program.random.pick(computing));
    const instruction = decoder.decode(word);
    if (instruction === undefined || kindOf(instruction) !== 'compute') continue;
    if (![PLACE, INSTRUCTION].includes(instruction.fields.rd)) return word;
  }
}

/** Bits of a place of four bytes: one instruction, or two short ones. */
const fourBytes = (word: number): number => ((word & 3) === 3 ? word : ((EBREAK16 << 16) | word) >>> 0);

export const selfModifying: Suite = {
  name: 'self-modifying code',
  quick: 3000,
  build(program, cases) {
    const { random } = program;
    while (program.cases.length < cases && !program.full) {
      const before = [encode('sw', { rs1: PLACE, rs2: INSTRUCTION, imm: 0 }), encode('fence.i')];
      const filler = Array.from({ length: random.below(3) }, () => encode('addi', { rd: 7, rs1: 7, imm: 1 }));
      const words = [
        ...before,
        ...filler,
        fourBytes(computingWord(program)) | 3,
        encode('addi', { rd: 8, rs1: 8, imm: 1 }),
      ];
      const at = program.place(...words);
      const place = at + 4 * (before.length + filler.length);
      for (let n = 0; n < CASES_PER_CODE && !program.full; n++) {
        program.add({
          group: 'store, fence.i, run',
          pc: at,
          mstatus: mstatusFor(anyPrivilege(random), 0x6000n),
          x: { [PLACE]: BigInt(place), [INSTRUCTION]: BigInt(fourBytes(computingWord(program))) },
        });
      }
    }
  },
};
