/**
 * Text of an instruction, from the tables that decode it, in the style of objdump: registers with `%`, branch targets as
 * addresses, condition masks as part of the mnemonic where there is one.
 */
import { fieldsOf, findEncoding, instructionLength } from './decoder.ts';
import type { Fields, InsnWords } from './formats.ts';

const hex = (n: number | bigint): string => `0x${n.toString(16)}`;

function storage(f: Fields, operand: string): string | undefined {
  const [, d = '', inside = ''] = /^d([124])(?:\((\w+)\))?$/.exec(operand) ?? [];
  if (d === '') return undefined;
  const displacement = d === '1' ? f.d1 : d === '2' ? f.d2 : f.d4;
  const base = d === '1' ? f.b1 : d === '2' ? f.b2 : f.b4;
  const index =
    inside === 'x2'
      ? f.x2 === 0
        ? ''
        : `%r${f.x2}`
      : inside === 'l1'
        ? String(f.l1 + 1)
        : inside === 'l2'
          ? String(f.l2 + 1)
          : inside === 'r1'
            ? `%r${f.r1}`
            : inside === 'v2'
              ? `%v${f.v2}`
              : '';
  const parts = [index, base === 0 ? '' : `%r${base}`].filter((part) => part !== '');
  return parts.length === 0 ? String(displacement) : `${displacement}(${parts.join(',')})`;
}

function operandText(f: Fields, operand: string, pc: bigint, isFloat: boolean): string {
  const known = storage(f, operand);
  if (known !== undefined) return known;
  const value = f[operand as keyof Fields] ?? 0;
  if (operand === 'ri') return hex(BigInt.asUintN(64, pc + BigInt(value)));
  if (operand.startsWith('r')) return isFloat ? `%f${value}` : `%r${value}`;
  if (operand.startsWith('v')) return `%v${value}`;
  return String(value);
}

/** Text and length of the instruction in these bytes; the bytes may go on after it. */
export function disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: number } {
  const half = (n: number): number => ((bytes[n] ?? 0) << 8) | (bytes[n + 1] ?? 0);
  const words: InsnWords = { a: half(0), b: half(2), c: half(4) };
  const length = instructionLength(words.a);
  const encoding = findEncoding(words);
  if (encoding === undefined) {
    const data = Array.from(bytes.subarray(0, length), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { text: `.insn   0x${data}`, length };
  }
  const fields = fieldsOf(encoding, words);
  const isFloat = /^(b3|ed|28|38|6|7[08])/.test(encoding.opcode);
  const operands = encoding.operands
    .split(',')
    .filter((operand) => operand !== '')
    .map((operand) => operandText(fields, operand, pc, isFloat));
  return { text: `${encoding.mnemonic.padEnd(7)} ${operands.join(',')}`.trimEnd(), length };
}
