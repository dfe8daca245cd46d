/** Relative branches and LARL are translated once for a form: what is made of that is what translating each by itself makes. */
import { Machine } from '@boardwalk/core';
import { COMMON } from '@boardwalk/translator';
import { expect, test, vi } from 'vitest';
import type { S390Cpu } from '../../src/cpu/s390-cpu.ts';
import { assemble } from '../differential/assembler.ts';
import { bareBoard } from '../differential/subject.ts';

const PAGE = 4096;
const PLACES = [0x2004, 0x2100, 0x2000 + PAGE - 8, 0x3080];
const HALFWORDS = ['0000', '0003', '0010', '007e', 'fff0', 'ffff', '7fff'];
const WORDS = ['0000 0000', '0000 0003', '0000 0010', 'ffff fff0', '7fff ffff', '8000 0000'];

/** Operands, with the halfwords from the instruction as `ri`. */
const FORMS: readonly (readonly [mnemonic: string, operands: string])[] = [
  ['brc', '8 ri'],
  ['brc', 'f ri'],
  ['brc', '0 ri'],
  ['bras', 'e ri'],
  ['brct', '1 ri'],
  ['brctg', '1 ri'],
  ['brxh', '13 ri'],
  ['cgrj', '12 ri 8-'],
  ['crj', '12 ri 6-'],
  ['cgij', '18 ri 05'],
  ['clij', '12 ri ff'],
  ['brasl', 'e ri'],
  ['brcl', '7 ri'],
  ['brcl', 'f ri'],
  ['larl', '3 ri'],
  ['lgrl', '3 ri'],
];
const isLong = (mnemonic: string): boolean => /l$/.test(mnemonic);

interface Subject {
  translate(bytes: readonly number[], at: number, isAlone: boolean, pcHi?: number): number[];
  calls(): number;
}

async function withCpu(slides: boolean, check: (subject: Subject) => void): Promise<void> {
  let cpu: S390Cpu | undefined;
  const machine = await Machine.create(
    bareBoard((started) => {
      cpu = started;
    }),
    { ramSize: 2 ** 20 },
  );
  try {
    machine.start();
    if (cpu === undefined) throw new Error('no CPU');
    cpu.setPsw(0x1_8000_0000n, 0x2000n);
    const { engine } = cpu;
    const mode = Number(cpu.register(COMMON.mode));
    const base = machine.addressSpace.hostOffset(0, 2 ** 20, true);
    const spy = vi.spyOn(engine.frontend, 'translateInsn');
    const translate = (bytes: readonly number[], at: number, isAlone: boolean, pcHi = 0): number[] => {
      // COMPARE before it: what it finds is carried to the branch.
      machine.space.u8.set([0x19, 0x12, ...bytes], base + at - 2);
      const block = engine.blocks.translate({
        host: base + at - 2,
        pcLo: at - 2,
        pcHi,
        mode,
        extraLo: 0,
        extraHi: 0,
        maxInsns: 2,
        place: engine.cache.place(),
        slides,
        secondPage: () => -1,
        fetchMmu: () => 0,
        countdown: 0,
        // Whoever sees the IR sees it of all instructions.
        watch: isAlone ? () => {} : undefined,
      });
      if (block === undefined) throw new Error('no block');
      return [block.bytes, block.tail, ...machine.space.i32.subarray(block.start >>> 2, block.end >>> 2)];
    };
    check({ translate, calls: () => spy.mock.calls.length });
  } finally {
    await machine.dispose();
  }
}

test.each([false, true])('a form at other places and with other offsets, sliding: %s', async (slides) => {
  await withCpu(slides, ({ translate }) => {
    for (const [mnemonic, operands] of FORMS) {
      for (const offset of isLong(mnemonic) ? WORDS : HALFWORDS) {
        const bytes = assemble(mnemonic, operands.replace('ri', offset));
        for (const at of PLACES) {
          for (const pcHi of [0, 0x7f]) {
            const repeated = translate(bytes, at, false, pcHi);
            expect(repeated, `${mnemonic} ${offset} at ${at}`).toEqual(translate(bytes, at, true, pcHi));
          }
        }
      }
    }
  });
});

test('a branch is kept for what is carried to it', async () => {
  await withCpu(false, ({ translate, calls }) => {
    const brc = (offset: string): number[] => assemble('brc', `8 ${offset}`);
    translate(brc('0010'), 0x2100, false);
    const before = calls();
    translate(brc('fff0'), 0x2200, false);
    expect(calls()).toBe(before);
    // Another comparison in front of it.
    const logical = translate([0x15, 0x12, ...brc('0010')], 0x2102, false);
    expect(calls()).toBeGreaterThan(before);
    expect(logical).toEqual(translate([0x15, 0x12, ...brc('0010')], 0x2102, true));
  });
});
