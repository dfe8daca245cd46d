/** What STFLE claims is there, and what it does not claim is not. */
import { describe, expect, test } from 'vitest';
import { ENCODINGS } from './decode/decoder.ts';
import { FACILITIES, FACILITY_NAMES, facilityWords } from './facilities.ts';
import { InstructionSet } from './isa/index.ts';
import { portHelpers } from './isa/port.ts';
import { membersOf, requirement } from './isa/requirements.ts';
import { CPU_MODELS, parseCpu } from './models.ts';

/** Instructions of a CPU; the port behind them is not called when they are only looked up. */
const instructionsOf = (option: string): InstructionSet =>
  new InstructionSet(parseCpu(option), portHelpers({} as Parameters<typeof portHelpers>[0]));

const mnemonics = new Set(ENCODINGS.map((encoding) => encoding.mnemonic));

describe.each(FACILITY_NAMES.filter((name) => membersOf(name).length > 0))('%s', (facility) => {
  test('has the instructions that it is made of, and takes them away', () => {
    const [on, off] = [instructionsOf('max'), instructionsOf(`max,${facility}=off`)];
    for (const mnemonic of membersOf(facility)) {
      expect([mnemonic, mnemonics.has(mnemonic), on.has(mnemonic), off.has(mnemonic)]).toEqual([
        mnemonic,
        true,
        true,
        false,
      ]);
    }
  });
});

/** Base instructions that are in the tables for the disassembler alone: what a CPU may lack, or what no known program uses. */
const ABSENT = new Set(
  'bakr bsa bsg cfc cmpsc cuse eregg ereg esta lasp msta pc pr pt rp ssar tar upt ivsk epair esair esea diebr didbr'.split(
    ' ',
  ),
);

test('every instruction in the tables is there, but for those that are known to be absent', () => {
  const set = instructionsOf('max');
  const absent = ENCODINGS.map((encoding) => encoding.mnemonic).filter((mnemonic) => !set.has(mnemonic));
  expect(absent.filter((mnemonic) => !ABSENT.has(mnemonic))).toEqual([]);
  expect([...ABSENT].filter((mnemonic) => !absent.includes(mnemonic))).toEqual([]);
  expect(absent.filter((mnemonic) => requirement(mnemonic) !== undefined)).toEqual([]);
});

test('a facility is one bit of the list, and z/Architecture is active', () => {
  const bits = FACILITY_NAMES.map((name) => FACILITIES[name].bit);
  expect(new Set(bits).size).toBe(bits.length);
  for (const { model } of CPU_MODELS) {
    const words = facilityWords(parseCpu(model));
    const has = (bit: number): boolean => (((words[bit >> 6] ?? 0n) >> BigInt(63 - (bit & 63))) & 1n) === 1n;
    const { facilities } = parseCpu(model);
    expect([model, has(2)]).toEqual([model, true]);
    for (const name of FACILITY_NAMES)
      expect([model, name, has(FACILITIES[name].bit)]).toEqual([model, name, facilities.has(name)]);
  }
});

/** Facilities of hexadecimal (multiply and add, unnormalized) and decimal floating point (with its conversions, and PFPO). */
const OTHER_RADIXES = [20, 23, 42, 43, 44, 48, 80];

test.each(CPU_MODELS.map(({ model }) => model))('%s claims no floating point but that of radix two', (model) => {
  const words = facilityWords(parseCpu(model));
  expect(OTHER_RADIXES.filter((bit) => ((words[bit >> 6] ?? 0n) >> BigInt(63 - (bit & 63))) & 1n)).toEqual([]);
});
