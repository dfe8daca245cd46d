/**
 * Every instruction that computes registers from registers, in every rounding mode, against QEMU: a bare program runs each
 * on a table of operands and sends result and flags through the serial port of the `virt` board.
 */
import { compileHelpers, defineHelper } from '@boardwalk/translator';
import { describe, expect, test } from 'vitest';
import { encodings } from '../../src/cpu/decode/tables/index.ts';
import { userSemantics } from '../../src/cpu/isa/index.ts';
import { FP_DIRTY, MODE_FP_SHIFT } from '../../src/cpu/mode.ts';
import { EXTENSIONS, type Extension } from '../../src/cpu/models.ts';
import { fflags, f as fregs, x as xregs } from '../../src/cpu/state.ts';
import { assemble, missingTools, runOnBoardwalk, runOnQemu } from './bare-program.ts';

if (missingTools.length > 0) console.warn(`skipped: ${missingTools.join(', ')} not installed`);

const ROUNDING_MODES = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];
const DYN = 7;

/** One instruction with its operands: rd = 10, rs1 = 11, rs2 = 12, rs3 = 13, in integer or floating-point registers. */
interface Variant {
  readonly mnemonic: string;
  readonly rm: number;
  readonly imm: number;
  readonly text: string;
  readonly floatResult: boolean;
}

const REGISTERS: Readonly<Record<string, string>> = {
  rd: 'a0',
  rs1: 'a1',
  rs2: 'a2',
  fd: 'fa0',
  fs1: 'fa1',
  fs2: 'fa2',
  fs3: 'fa3',
};

function variantsOf(mnemonic: string, operands: string): readonly Variant[] {
  const parts = operands.split(',');
  const modes = parts.includes('rm') ? [0, 1, 2, 3, 4] : [DYN];
  const immediates = parts.includes('shamt') ? [0, 1, 31] : parts.includes('imm') ? [0, 1, -1, 2047, -2048] : [0];
  return modes.flatMap((rm) =>
    immediates.map((imm) => {
      const written = parts
        .filter((part) => part !== 'exact')
        .map((part) =>
          part === 'rm' ? ROUNDING_MODES[rm] : part === 'shamt' || part === 'imm' ? String(imm) : REGISTERS[part],
        );
      return { mnemonic, rm, imm, text: `${mnemonic} ${written.join(',')}`, floatResult: parts[0] === 'fd' };
    }),
  );
}

const COMPUTING = /^(rd|fd),(rs1|fs1)(,(rs2|fs2|fs3|imm|shamt|rm|exact))*$/;
const variants = encodings
  .filter((row) => row.xlen !== 32 && COMPUTING.test(row.operands))
  .flatMap((row) => variantsOf(row.mnemonic, row.operands));

const bits = new DataView(new ArrayBuffer(8));
function double(value: number): bigint {
  bits.setFloat64(0, value);
  return bits.getBigUint64(0);
}
function single(value: number): bigint {
  bits.setFloat32(0, value);
  return 0xffff_ffff_0000_0000n | BigInt(bits.getUint32(0));
}

const INTERESTING = [
  0,
  1,
  1.5,
  2.5,
  3,
  1 / 3,
  0.1,
  7e-46,
  1e-40,
  1e-310,
  65504,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 53 + 2,
  2 ** 63,
  2 ** 64,
  3e38,
  1e308,
];
const SPECIAL = [
  ...[...INTERESTING, Number.POSITIVE_INFINITY].flatMap((n) => [double(n), double(-n), single(n), single(-n)]),
  0x7ff8_0000_0000_0000n, // NaNs: quiet, signaling, with sign and payload, single, not boxed
  0x7ff0_0000_0000_0001n,
  0xfff8_0000_dead_beefn,
  0xffff_ffff_7fc0_0000n,
  0xffff_ffff_7f80_0001n,
  0xffff_ffff_ffc1_2345n,
  0xffff_fffe_3f80_0000n,
  0x0000_0000_3f80_0000n,
  0x8000_0000n,
  0x7fff_ffffn,
  0xffff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
];

/** Triples of operands: special ones in all sorts of company, and random bits. */
function operandTriples(count: number): readonly bigint[] {
  let state = 0x2545_f491_4f6c_dd1dn;
  const next = () => {
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 7n;
    state ^= BigInt.asUintN(64, state << 17n);
    return state;
  };
  const pick = () => {
    const choice = Number(next() % 8n);
    if (choice === 0) return next();
    if (choice === 1) return next() | 0xffff_ffff_0000_0000n;
    return SPECIAL[Number(next() % BigInt(SPECIAL.length))] ?? 0n;
  };
  return Array.from({ length: 3 * count }, pick);
}

const COUNT = 160;
const operands = operandTriples(COUNT);
/** The result, then the flags: 8 bytes each. */
const RESULT_BYTES = 16;

const EPILOGUE = `
  j finish
  .balign 8
table:
  .quad ${operands.join('\n  .quad ')}
`;

function program(): string {
  const each = variants.map(
    ({ text, floatResult }) => `
  la s0, table
  li s1, ${COUNT}
2: ld a1, 0(s0)
  ld a2, 8(s0)
  fld fa1, 0(s0)
  fld fa2, 8(s0)
  fld fa3, 16(s0)
  csrw fcsr, zero
  ${text}
  csrr s3, fflags
  ${floatResult ? 'fmv.x.d a0, fa0' : ''}
  call send
  mv a0, s3
  call send
  addi s0, s0, 24
  addi s1, s1, -1
  bnez s1, 2b
`,
  );
  return each.join('') + EPILOGUE;
}

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const state = new DataView(memory.buffer);
const offsetOf = (slots: typeof xregs, n: number) => slots[n]?.offset ?? Number.NaN;

/** Results of one variant on every triple, each as the pair that the program sends. */
function runHere({ mnemonic, rm, imm, floatResult }: Variant): readonly (readonly [result: bigint, flags: number])[] {
  const extensions = new Set(Object.keys(EXTENSIONS) as Extension[]);
  const mode = 3 | (FP_DIRTY << MODE_FP_SHIFT);
  const compiled = compileHelpers(memory, [
    defineHelper('run', [], undefined, (b) => {
      const fields = { rd: 10, rs1: 11, rs2: 12, rs3: 13, imm, csr: 0, rm, aqrl: 0 };
      userSemantics[mnemonic]?.(b, fields, {
        addressOf: (offset) => [offset, 0],
        offsetIn: () => undefined,
        length: 4,
        word: 0,
        mode,
        extensions,
      });
    }),
  ]);
  return Array.from({ length: COUNT }, (_, index) => {
    for (const [n, value] of operands.slice(3 * index, 3 * index + 3).entries()) {
      state.setBigUint64(offsetOf(fregs, 11 + n), value, true);
      if (n < 2) state.setBigUint64(offsetOf(xregs, 11 + n), value, true);
    }
    state.setInt32(fflags.offset, 0, true);
    compiled.run?.(0);
    const result = state.getBigUint64(offsetOf(floatResult ? fregs : xregs, 10), true);
    return [result, state.getInt32(fflags.offset, true)] as const;
  });
}

const hex = (n: bigint) => n.toString(16).padStart(16, '0');

/** QEMU 7.2 counts on into the upper word where the lower is zero; the manual has ctzw give 32. */
function isQemuError(mnemonic: string, x: bigint): boolean {
  return mnemonic === 'ctzw' && BigInt.asUintN(32, x) === 0n;
}

describe.runIf(missingTools.length === 0)('against QEMU', () => {
  const elf = missingTools.length === 0 ? assemble(program()) : new Uint8Array();
  const output = missingTools.length === 0 ? runOnQemu(elf) : new Uint8Array();
  const expected = new DataView(output.buffer, output.byteOffset, output.byteLength);

  test('the program ran to its end', () => {
    expect(expected.byteLength).toBe(variants.length * COUNT * RESULT_BYTES);
  });

  test('the same program on the interpreter', async () => {
    const ours = await runOnBoardwalk(elf);
    expect(ours.length).toBe(output.length);
    const recordsThatDiffer = new Set<string>();
    for (const [at, byte] of ours.entries()) {
      const record = Math.floor(at / RESULT_BYTES);
      const { mnemonic = '?', text = '?' } = variants[Math.floor(record / COUNT)] ?? {};
      if (byte === output[at] || isQemuError(mnemonic, operands[3 * (record % COUNT)] ?? 0n)) continue;
      recordsThatDiffer.add(`${text}, operands ${record % COUNT}`);
    }
    expect([...recordsThatDiffer]).toEqual([]);
  });

  test.each(variants.map((variant, index) => [variant.text, variant, index] as const))('%s', (_, variant, index) => {
    const differences: string[] = [];
    for (const [n, [result, flags]] of runHere(variant).entries()) {
      const [x = 0n, y = 0n, z = 0n] = operands.slice(3 * n, 3 * n + 3);
      const at = (index * COUNT + n) * RESULT_BYTES;
      const theirs = `${hex(expected.getBigUint64(at, true))} flags ${expected.getUint8(at + 8)}`;
      const ours = `${hex(result)} flags ${flags}`;
      if (ours === theirs || isQemuError(variant.mnemonic, x)) continue;
      differences.push(`${hex(x)}, ${hex(y)}, ${hex(z)}: ${theirs}, not ${ours}`);
    }
    expect(differences).toEqual([]);
  });
});
