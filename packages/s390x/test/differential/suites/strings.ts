/** Long moves and comparisons, strings, checksums, and the conversions and translations of characters. */
import type { Random } from '@boardwalk/testing';
import { assemble, encodingOf } from '../assembler.ts';
import type { Program } from '../program.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { anyMask } from './words.ts';

/** Even registers of the two pairs, and the base of what is no address. */
const [FIRST, SECOND, PAD] = [2, 4, 6] as const;

/** Bytes that strings are made of: few, so that they are met again. */
const LETTERS = [0x00, 0x41, 0x41, 0x42, 0xff] as const;

function place(program: Program, address: number, bytes: readonly number[]): void {
  for (const [n, byte] of bytes.entries()) program.image[address + n] = byte;
}

/** UTF-8, UTF-16 or UTF-32 with characters of every length; sometimes something is wrong with it. */
function text(random: Random, unit: 1 | 2 | 4, characters: number): number[] {
  const bytes: number[] = [];
  for (let n = 0; n < characters; n++) {
    const any = random.pick([random.below(0x80), random.below(0x800), random.below(0x1_0000), random.below(0x11_0000)]);
    // The reference finds three bytes for these wrong.
    const code = any >= 0x800 && any < 0x1000 ? any + 0x1000 : any;
    if (unit === 4) bytes.push((code >> 24) & 255, (code >> 16) & 255, (code >> 8) & 255, code & 255);
    else if (unit === 1) bytes.push(...new TextEncoder().encode(String.fromCodePoint(code)));
    else {
      for (const half of String.fromCodePoint(code).split('')) {
        bytes.push(half.charCodeAt(0) >> 8, half.charCodeAt(0) & 255);
      }
    }
  }
  if (random.oneIn(3)) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

const letters = (random: Random, length: number): number[] =>
  Array.from({ length }, () => (random.oneIn(3) ? random.pick(LETTERS) : 0x41));

/** How each instruction is written: its operands as nibbles, and what the operands hold. */
const FORMS: Readonly<Record<string, 'pairs' | 'padded' | 'unicode' | 'string' | 'convert' | 'table' | 'sum'>> = {
  mvcl: 'pairs',
  clcl: 'pairs',
  mvcle: 'padded',
  clcle: 'padded',
  mvclu: 'unicode',
  clclu: 'unicode',
  srst: 'string',
  srstu: 'string',
  mvst: 'string',
  clst: 'string',
  cu12: 'convert',
  cu14: 'convert',
  cu21: 'convert',
  cu24: 'convert',
  cu41: 'convert',
  cu42: 'convert',
  tre: 'table',
  trtt: 'table',
  trto: 'table',
  trot: 'table',
  troo: 'table',
  cksm: 'sum',
};

const names = Object.keys(FORMS).filter((name) => ONLY.test(name));

function addCase(program: Program, name: string): void {
  const { random } = program;
  const kind = FORMS[name];
  const wide = /u$|^trt/.test(name) || kind === 'convert';
  // Without anything to translate the reference never ends.
  const least = kind === 'table' ? 1 : 0;
  const length = (): number => (wide ? 2 * (least + random.below(80)) : least + random.below(160));
  const [l1, l2] = [length(), length()];
  const [a1, a2] = [program.scratch(), program.scratch()];
  place(program, a1, letters(random, 200));
  place(program, a2, random.oneIn(2) ? [...program.image.subarray(a1, a1 + 200)] : letters(random, 200));
  if (random.oneIn(2)) program.image[a2 + random.below(100)] = random.below(256);
  const r: Record<number, bigint> = {
    // The reference lets CLST have anything in front of the character.
    0: BigInt(name !== 'clst' && random.oneIn(16) ? random.below(0x2_0000) : random.pick(LETTERS)),
    [FIRST]: BigInt(a1),
    [FIRST + 1]: BigInt(l1),
    [SECOND]: BigInt(a2),
    [SECOND + 1]: BigInt(random.oneIn(3) ? l1 : l2),
    [PAD]: BigInt(random.pick(LETTERS)),
  };
  const registers = `${FIRST}${SECOND}`;
  let nibbles = `--${registers}`;
  if (kind === 'pairs') {
    nibbles = registers;
    r[SECOND + 1] = (r[SECOND + 1] ?? 0n) | (BigInt(random.pick(LETTERS)) << 24n);
  } else if (kind === 'padded') nibbles = `${registers}${PAD}000`;
  else if (kind === 'unicode') nibbles = `${registers}${PAD}00000`;
  else if (name === 'srst' || name === 'srstu') r[FIRST] = BigInt(a2 + 100 + random.below(2) * 2);
  else if (kind === 'convert') {
    const unit = ({ 1: 1, 2: 2, 4: 4 } as const)[Number(name[2]) as 1 | 2 | 4];
    const source = text(random, unit, 1 + random.below(30));
    place(program, a2, source);
    r[SECOND + 1] = BigInt(random.oneIn(4) ? random.below(source.length + 1) : source.length);
    if (encodingOf(name).format.name === 'RRF-c') nibbles = `${random.below(2)}-${registers}`;
  } else if (kind === 'table') {
    const table = program.scratch() & -4096;
    r[1] = BigInt(table);
    if (name === 'tre') r[SECOND] = BigInt(table);
    else nibbles = `${random.below(2)}-${registers}`;
  }
  // Each machine may stop with condition code 3 when it likes: it goes on until there is another.
  const code = assemble(name, nibbles);
  const back = [0xa7, 0x14, 0xff, 0x100 - code.length / 2];
  program.add({ group: name, pc: program.place([...code, ...back]), r, pswMask: anyMask(random) });
}

export const strings: Suite = {
  name: 'strings',
  quick: 440,
  build: (program, cases) => {
    for (let n = 0; n < cases && !program.isFull; n++) {
      const name = names[n % names.length];
      if (name !== undefined) addCase(program, name);
    }
  },
};
