/** Memory, atomics, control flow and traps of the interpreter: bare programs that must send the same from QEMU and from Boardwalk. */
import { describe, expect, test } from 'vitest';
import { assemble, missingTools, runOnBoardwalk, runOnQemu } from './bare-program.ts';

if (missingTools.length > 0) console.warn(`skipped: ${missingTools.join(', ')} not installed`);

/** A piece of a program that leaves something to send in a0. It may use a1 to a7, s2 to s4 and the memory at s5. */
interface Case {
  readonly name: string;
  readonly code: string;
}

const send = (register: string): string => `mv a0, ${register}\n call send\n`;

/** Sends the first 32 bytes at s5. */
const sendMemory = [0, 8, 16, 24].map((at) => `ld a0, ${at}(s5)\n call send\n`).join('');

/** Faults are noted in s10 (mcause) and s11 (mtval), and the instruction, of four bytes, is skipped. */
const HANDLER = `
  j start
  .balign 4
handler:
  csrr s10, mcause
  csrr s11, mtval
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
start:
  la t0, handler
  csrw mtvec, t0
`;

/** Fills the memory at s5, which has a page end 2048 bytes on. */
const SET_UP = `
  la s5, memory
  li a1, 0x8091a2b3c4d5e6f7
  sd a1, 0(s5)
  li a1, 0x0123456789abcdef
  sd a1, 8(s5)
  sd a1, 2040(s5)
  li a1, 0xfedcba9876543210
  sd a1, 16(s5)
  li a1, 2047
  add a1, a1, s5
  sd a1, 1(a1)
  sd zero, 24(s5)
  li s10, -1
  li s11, -1
  li a2, 0x8877665544332211
  li a3, -1
  li a4, 5
`;

const DATA = `
  .balign 4096
  .skip 2048
memory:
  .skip 8192
`;

function program(cases: readonly Case[]): string {
  const bodies = cases.map(({ code }) => `${SET_UP}\n${code}\n${send('s10')}${send('s11')}${sendMemory}`);
  return `${HANDLER}${bodies.join('\n')}\n j finish\n${DATA}`;
}

const loads = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'].flatMap((load) =>
  [0, 1, 3, 7, 8, 2044, 2045, 2046, 2047, -8].map((at) => ({
    name: `${load} ${at}`,
    code: `${load} a0, ${at}(s5)\n call send`,
  })),
);

const stores = ['sb', 'sh', 'sw', 'sd'].flatMap((store) =>
  [0, 1, 3, 7, 16, 2044, 2047].map((at) => ({
    name: `${store} ${at}`,
    code: `${store} a2, ${at}(s5)\n ld a0, 2040(s5)\n call send\n addi a1, s5, 2047\n ld a0, 1(a1)\n call send`,
  })),
);

const floats: readonly Case[] = [
  { name: 'flw boxes', code: 'flw fa0, 4(s5)\n fmv.x.d a0, fa0\n call send' },
  { name: 'fld, misaligned', code: 'fld fa0, 3(s5)\n fmv.x.d a0, fa0\n call send' },
  { name: 'fsw stores the low half as it is', code: 'fmv.d.x fa0, a2\n fsw fa0, 16(s5)' },
  { name: 'fsd', code: 'fmv.d.x fa0, a2\n fsd fa0, 16(s5)' },
  {
    name: 'compressed',
    code: 'mv a1, s5\n fmv.d.x fa0, a2\n c.fsd fa0, 16(a1)\n c.fld fa1, 8(a1)\n fmv.x.d a0, fa1\n call send',
  },
];

const amos = ['swap', 'add', 'xor', 'and', 'or', 'min', 'max', 'minu', 'maxu'].flatMap((op) =>
  ['w', 'd', 'w.aqrl'].flatMap((size) =>
    ['a2', 'a3', 'a4'].map((operand) => ({
      name: `amo${op}.${size} ${operand}`,
      code: `addi a1, s5, 8\n amo${op}.${size} a0, ${operand}, (a1)\n call send\n amo${op}.${size} zero, ${operand}, (s5)`,
    })),
  ),
);

const reservations = ['w', 'd'].flatMap((size): readonly Case[] => {
  const lr = `lr.${size} a6, (s5)\n`;
  const sc = `sc.${size} a7, a2, (s5)\n`;
  const results = `${send('a6')}${send('a7')}`;
  return [
    { name: `${size}: sc after lr stores`, code: lr + sc + results },
    { name: `${size}: a second sc fails`, code: lr + sc + results + sc + send('a7') },
    {
      name: `${size}: sc elsewhere fails, and spends the reservation`,
      code: `${lr} addi a1, s5, 8\n sc.${size} a7, a2, (a1)\n${results}${sc}${send('a7')}`,
    },
    { name: `${size}: sc after a store of something else fails`, code: `${lr} sb a4, 0(s5)\n${sc}${results}` },
    { name: `${size}: sc after a store elsewhere stores`, code: `${lr} sb a4, 16(s5)\n${sc}${results}` },
    {
      name: `${size}: aq and rl change nothing`,
      code: `lr.${size}.aq a6, (s5)\n sc.${size}.rl a7, a2, (s5)\n${results}`,
    },
    {
      name: `${size}: a loop that counts`,
      code: `1: lr.${size} a6, (s5)\n addi a6, a6, 3\n sc.${size} a7, a6, (s5)\n bnez a7, 1b\n${results}`,
    },
  ];
});

const atMisaligned = (code: string): Case => ({
  name: `misaligned ${code}`,
  code: `addi a1, s5, 2\n li a6, 77\n .option push\n .option norvc\n ${code}\n .option pop\n${send('a6')}`,
});
const misaligned: readonly Case[] = ['lr.w a6, (a1)', 'lr.d a6, (a1)'].map(atMisaligned);

const branches = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'].flatMap((branch) =>
  ['a4, a4', 'a3, a4', 'a4, a3', 'zero, a3'].map((operands) => ({
    name: `${branch} ${operands}`,
    code: `li a0, 1\n ${branch} ${operands}, 1f\n li a0, 2\n1: call send\n`,
  })),
);

const jumps: readonly Case[] = [
  { name: 'jal links', code: `jal a6, 1f\n nop\n1: la a7, 1b\n sub a7, a7, a6\n${send('a7')}` },
  {
    name: 'c.jalr links two bytes on',
    code: `la a5, 1f\n c.jalr a5\n nop\n1: la a7, 1b\n sub a7, a7, ra\n${send('a7')}`,
  },
  {
    name: 'jalr with one register for target and link',
    code: `la a5, 1f\n .option push\n .option norvc\n jalr a5, 0(a5)\n .option pop\n nop\n1: la a7, 1b\n sub a7, a7, a5\n${send('a7')}`,
  },
  {
    name: 'jalr behind an auipc clears the lowest bit',
    code: `li a6, 0\n .option push\n .option norvc\n auipc a5, 0\n jalr a7, 13(a5)\n li a6, 1\n .option pop\n sub a7, a7, a5\n add a7, a7, a6\n${send('a7')}`,
  },
  { name: 'jalr clears the lowest bit', code: `la a5, 1f\n li a6, 0\n jalr zero, 1(a5)\n li a6, 1\n1: ${send('a6')}` },
  { name: 'auipc', code: `1: auipc a6, 0xfffff\n la a7, 1b\n sub a7, a7, a6\n${send('a7')}` },
  {
    name: 'a loop of many rounds',
    code: `li a6, 100000\n li a7, 0\n1: add a7, a7, a6\n addi a6, a6, -1\n bnez a6, 1b\n${send('a7')}`,
  },
];

const illegal: readonly Case[] = [
  { name: 'a word of no instruction', code: '.4byte 0xffffffff' },
  { name: 'a reserved rounding mode', code: '.4byte 0x02b55553' },
  { name: 'a reserved dynamic rounding mode', code: 'csrwi frm, 5\n .4byte 0x02b57553\n csrwi frm, 0' },
  {
    name: 'floating point that is off',
    code: 'li a1, 0x6000\n csrc mstatus, a1\n .4byte 0x02b57553\n csrs mstatus, a1',
  },
  {
    name: 'a load where nothing is',
    code: 'li a1, 0x18000000\n .option push\n .option norvc\n lw a6, 0(a1)\n .option pop',
  },
  {
    name: 'a store where nothing is',
    code: 'li a1, 0x18000000\n .option push\n .option norvc\n sw a6, 4(a1)\n .option pop',
  },
];

const floatState: readonly Case[] = [
  {
    name: 'the first change makes mstatus.FS dirty',
    code: `li a1, 0x6000\n csrc mstatus, a1\n li a1, 0x4000\n csrs mstatus, a1\n csrr a6, mstatus\n fmv.d.x fa0, a2\n csrr a7, mstatus\n${send('a6')}${send('a7')}`,
  },
  {
    name: 'a store leaves mstatus.FS clean',
    code: `li a1, 0x6000\n csrc mstatus, a1\n li a1, 0x4000\n csrs mstatus, a1\n fsd fa0, 16(s5)\n csrr a7, mstatus\n${send('a7')}\n li a1, 0x6000\n csrs mstatus, a1`,
  },
  {
    name: 'frm rounds',
    code: `li a6, 1\n fcvt.d.l fa1, a6\n li a6, 3\n fcvt.d.l fa2, a6\n csrwi frm, 3\n fdiv.d fa0, fa1, fa2\n fmv.x.d a6, fa0\n csrwi frm, 2\n fdiv.d fa0, fa1, fa2\n fmv.x.d a7, fa0\n csrwi frm, 0\n${send('a6')}${send('a7')}`,
  },
];

/** Code that rewrites an instruction which has just run: visible after fence.i. */
const selfModifying: readonly Case[] = [
  {
    name: 'fence.i shows new code',
    code: `li a6, 0\n li s2, 3\n la a1, 2f\n lw s3, 0(a1)\n la a5, 3f\n lw a5, 0(a5)\n .option push\n .option norvc\n1:\n2: addi a6, a6, 1\n sw a5, 0(a1)\n fence.i\n addi s2, s2, -1\n bnez s2, 1b\n j 4f\n3: addi a6, a6, 16\n4: .option pop\n${send('a6')}`,
  },
];

/** The destination is also a source, here with divisors that are special and not. */
const sameRegisters = ['div', 'remu', 'divw', 'remuw', 'mulh', 'sub', 'sltu', 'sraw', 'min', 'ror'].flatMap(
  (mnemonic) =>
    ['a2, a2, a4', 'a4, a2, a4', 'a2, a2, zero', 'a3, a2, a3', 'a2, a2, a2', 'a0, zero, a4'].map((operands) => ({
      name: `${mnemonic} ${operands}`,
      code: `li a0, 9\n ${mnemonic} ${operands}\n call send\n${['a2', 'a3', 'a4'].map(send).join('')}`,
    })),
);

const groups: Readonly<Record<string, readonly Case[]>> = {
  loads,
  stores,
  floats,
  amos,
  reservations,
  misaligned,
  sameRegisters,
  branches,
  jumps,
  illegal,
  floatState,
  selfModifying,
};

const words = (bytes: Uint8Array): readonly string[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 3 }, (_, i) => view.getBigUint64(8 * i, true).toString(16));
};

describe.runIf(missingTools.length === 0)('bare programs', () => {
  test.each(Object.entries(groups))('%s', async (_, cases) => {
    const elf = assemble(program(cases));
    const [ours, theirs] = [words(await runOnBoardwalk(elf)), words(runOnQemu(elf))];
    expect(ours.length).toBeGreaterThan(cases.length);
    expect(ours).toEqual(theirs);
  });

  // QEMU 7.2 has misaligned AMOs raise the exception of loads.
  test.each(['amoadd.w a6, a2, (a1)', 'amoswap.d a6, a2, (a1)', 'sc.w a6, a2, (a1)'])('misaligned %s', async (code) => {
    const [a6, cause, tval, first] = words(await runOnBoardwalk(assemble(program([atMisaligned(code)]))));
    expect([a6, cause]).toEqual(['4d', '6']);
    expect(tval).toMatch(/02$/);
    expect(first).toBe('8091a2b3c4d5e6f7');
  });
});
