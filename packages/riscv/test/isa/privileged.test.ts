/**
 * The privileged architecture against QEMU: which control and status registers there are and what they hold, page walks with
 * every kind of entry, PMP, interrupts and their delegation. Bare programs that must send the same from both.
 *
 * QEMU 7.2 departs from the manual, or has parts that we leave out, where `OTHERWISE` and the masks below say so.
 */
import { describe, expect, test } from 'vitest';
import { assemble, missingTools, runOnBoardwalk, runOnQemu } from './bare-program.ts';

/** Without the hypervisor extension and performance counters, as ours. */
const QEMU_CPU = 'rv64,h=off,pmu-num=0';

const PRIVILEGES = { user: 0, supervisor: 1, machine: 3 } as const;

/** What a program sent, in words of 64 bits. */
function words(sent: Uint8Array): bigint[] {
  return Array.from(new BigUint64Array(sent.slice().buffer));
}

async function run(source: string): Promise<{ ours: bigint[]; theirs: bigint[] }> {
  const elf = assemble(source);
  return { ours: words(await runOnBoardwalk(elf)), theirs: words(runOnQemu(elf, QEMU_CPU)) };
}

/**
 * A trap into machine mode leaves mcause in s10 and mtval in s11. Then the instruction, of four bytes, is skipped; but the
 * program goes on at s9 in machine mode, interrupts off, if that is not 0. The timer is silenced: QEMU's goes off at once.
 */
const HANDLER = `
  j start
  .balign 4
handler:
  csrr s10, mcause
  csrr s11, mtval
  bnez s9, back
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
back:
  csrw mepc, s9
  li s9, 0
  li t0, 0x80
  csrc mstatus, t0
  li t0, 0x1800
  csrs mstatus, t0
  mret
start:
  li t0, 0x2004000
  li t1, -1
  sd t1, 0(t0)
  la t0, handler
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr15, t0
  li t0, 0x1f
  slli t0, t0, 56
  csrw pmpcfg2, t0
  li t0, -1
  csrw mcounteren, t0
  csrw scounteren, t0
  li s9, 0
`;

/** Goes on at a label in a privilege. */
const enter = (privilege: number, label: string): string => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${privilege << 11}
  csrs mstatus, t0
  la t0, ${label}
  csrw mepc, t0
  mret
`;

describe.skipIf(missingTools.length > 0)('control and status registers', () => {
  /** Registers of QEMU that we have not, and the reverse: triggers, mseccfg, vstimecmp; hpmcounters that are 0. */
  const OTHERWISE = (n: number): boolean =>
    (n >= 0x7a0 && n <= 0x7a8) ||
    n === 0x747 ||
    n === 0x24d ||
    [0xb00, 0xc00, 0x320].some((base) => n >= base + 3 && n <= base + 31);

  test.each(Object.entries(PRIVILEGES))('that %s mode may read', async (_, privilege) => {
    const numbers = Array.from({ length: 4096 }, (_, n) => n).filter((n) => !OTHERWISE(n));
    const { ours, theirs } = await run(`
      ${HANDLER}
      ${enter(privilege, 'probe')}
      .balign 4
    probe:
      ${numbers.map((n) => `li s10, 0\n csrr a0, ${n}\n mv a0, s10\n call send`).join('\n')}
      j finish
    `);
    expect(ours).toHaveLength(numbers.length);
    const readable = (sent: bigint[]) => numbers.filter((_, i) => sent[i] === 0n).map((n) => n.toString(16));
    expect(readable(ours)).toEqual(readable(theirs));
    expect(ours).toEqual(theirs);
  });

  test('that supervisor mode may not read: TVM, counters, stimecmp', async () => {
    const { ours, theirs } = await run(`
      ${HANDLER}
      li t0, 1 << 20
      csrs mstatus, t0
      li t0, 5
      csrw mcounteren, t0
      ${enter(1, 'probe')}
      .balign 4
    probe:
      ${['satp', 'cycle', 'time', 'instret', '0x14d'].map((n) => `li s10, 0\n csrr a0, ${n}\n mv a0, s10\n call send`).join('\n')}
      li s10, 0
      sfence.vma
      mv a0, s10
      call send
      j finish
    `);
    expect(ours).toEqual(theirs);
  });

  /** Name and the bits to compare. */
  const REGISTERS: readonly (readonly [name: string, bits: bigint])[] = [
    // Not VS, UXL, SXL and the reserved value of MPP: QEMU stores them.
    ['mstatus', 0x8000_0000_007e_61aan],
    ['sstatus', 0x8000_0000_000c_6122n],
    ['medeleg', 0xb3ffn],
    ['mideleg', 0x222n],
    ['mie', 0xaaan],
    ['mip', 0x222n],
    ['sie', ~0n],
    ['sip', ~0n],
    ['mtvec', ~0n],
    ['stvec', ~0n],
    ['mscratch', ~0n],
    ['sscratch', ~0n],
    ['mepc', ~1n],
    ['sepc', ~1n],
    ['mcause', ~0n],
    ['scause', ~0n],
    ['mtval', ~0n],
    ['stval', ~0n],
    ['mcounteren', 0xffff_ffffn],
    ['scounteren', 0xffff_ffffn],
    ['0x30a', (1n << 63n) | 1n],
    ['0x10a', 1n],
    ['satp', ~0n],
    ['fcsr', ~0n],
    ['fflags', ~0n],
    ['frm', ~0n],
    ['pmpaddr3', (1n << 54n) - 1n],
    ['misa', (0x104112dn | (3n << 62n)) & ~0n],
  ];
  const VALUES = [
    '-1',
    '0',
    '0xaaaaaaaaaaaaaaaa',
    '0x5555555555555555',
    '0x8000000000001234',
    '0x9000000000000001',
    '0xa00000000000ffff',
    '0x1882',
  ];

  test.each(REGISTERS)('%s takes the same values', async (name, bits) => {
    const writes = VALUES.flatMap((value) =>
      ['csrrw', 'csrrs', 'csrrc'].map(
        (op) => `li a1, ${value}\n ${op} a0, ${name}, a1\n call send\n csrr a0, ${name}\n call send`,
      ),
    );
    // Interrupts stay off: mstatus.MIE, which some values set, is cleared before each look.
    const { ours, theirs } = await run(`
      ${HANDLER}
      csrw mie, zero
      la t0, handler
      ${writes.join('\n')}
      csrw mstatus, zero
      la t0, handler
      csrw mtvec, t0
      j finish
    `);
    const shown = (sent: bigint[]) => sent.map((word) => BigInt.asUintN(64, word & bits).toString(16));
    expect(shown(ours)).toEqual(shown(theirs));
  });
});

/** Sv39: the first GiB as it is (devices), the third as it is (RAM), and one page of 4 KiB at 0x40000000. */
const TABLES = `
  .balign 4096
root: .quad (0 << 10) | 0xcf
  .quad 0
  .quad (0x80000 << 10) | 0xcf
  .skip 4072
middle: .skip 4096
last: .skip 4096
page: ecall
  .skip 4092
`;

/** The root's second entry and the middle's first lead to the page's entry, whose address is in s6. */
const SET_UP_TABLES = `
  la s5, root
  la t0, middle
  srli t1, t0, 2
  ori t1, t1, 1
  sd t1, 8(s5)
  la s6, last
  srli t1, s6, 2
  ori t1, t1, 1
  sd t1, 0(t0)
  la s7, page
  srli s7, s7, 2
  srli t0, s5, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  li s8, 0x40000000
`;

describe.skipIf(missingTools.length > 0)('page walks', () => {
  const MPRV = 1 << 17;
  const SUM = 1 << 18;
  const MXR = 1 << 19;
  const regimes = [
    ['user', 0],
    ['supervisor', 1 << 11],
    ['supervisor with SUM', (1 << 11) | SUM],
    ['supervisor with SUM and MXR', (1 << 11) | SUM | MXR],
    ['user with MXR', MXR],
  ] as const;

  /** For each entry in s3: what happens at an access, and the entry after it. */
  const tryEntries = (access: string, high: number): string => `
    li s3, 0
  1:
    or t0, s7, s3
    ${high > 0 ? `li t1, 1 << ${high}\n or t0, t0, t1` : ''}
    sd t0, 0(s6)
    sfence.vma
    li s10, 0
    li s11, 0
    ${access}
    ld a0, 0(s6)
    andi a0, a0, 0x3ff
    slli a0, a0, 16
    or a0, a0, s10
    xor a0, a0, s11
    call send
    addi s3, s3, 1
    li t0, 256
    blt s3, t0, 1b
  `;

  const withMprv = (instruction: string, status: number): string => `
    li t0, 0x1800
    csrc mstatus, t0
    li t0, ${MPRV | status}
    csrs mstatus, t0
    ${instruction}
    li t0, ${MPRV | SUM | MXR}
    csrc mstatus, t0
  `;

  test.each(regimes)('loads and stores in %s mode, every combination of flags', async (_, status) => {
    const { ours, theirs } = await run(`
      ${HANDLER}
      ${SET_UP_TABLES}
      ${tryEntries(withMprv('lw a1, 4(s8)', status), 0)}
      ${tryEntries(withMprv('sw a1, 4(s8)', status), 0)}
      j finish
      ${TABLES}
    `);
    expect(ours).toHaveLength(512);
    expect(ours).toEqual(theirs);
  });

  test.each([54, 60, 61, 63, 53])('entries with bit %i', async (high) => {
    const { ours, theirs } = await run(`
      ${HANDLER}
      ${SET_UP_TABLES}
      ${tryEntries(withMprv('lw a1, 4(s8)', 1 << 11), high)}
      j finish
      ${TABLES}
    `);
    expect(ours).toEqual(theirs);
  });

  test.each([
    ['user', 0],
    ['supervisor', 1],
  ])('fetches in %s mode', async (_, privilege) => {
    const fetch = `
      la s9, 2f
      li t0, 0x1800
      csrc mstatus, t0
      li t0, ${privilege << 11}
      csrs mstatus, t0
      csrw mepc, s8
      mret
      .balign 4
    2:
    `;
    const { ours, theirs } = await run(`${HANDLER}${SET_UP_TABLES}${tryEntries(fetch, 0)}j finish\n${TABLES}`);
    expect(ours).toEqual(theirs);
  });

  test('addresses outside the format, pointers with flags, misaligned superpages', async () => {
    const look = (address: string): string => `
      li s8, ${address}
      li s10, 0
      li s11, 0
      ${withMprv('lw a1, 4(s8)', 1 << 11)}
      mv a0, s10
      call send
      mv a0, s11
      call send
    `;
    const entry = (table: string, index: number, flags: string): string => `
      la t0, ${table}
      ld t1, ${index * 8}(t0)
      ${flags}
      sd t1, ${index * 8}(t0)
      sfence.vma
    `;
    const { ours, theirs } = await run(`
      ${HANDLER}
      ${SET_UP_TABLES}
      or t0, s7, 0xcf
      sd t0, 0(s6)
      sfence.vma
      ${['0x40000000', '0x4040000000', '0x4000000000', '0xffffffc040000000', '0x8000000040000000', '0x100000040000000'].map(look).join('')}
      ${entry('middle', 0, 'ori t1, t1, 0x40')}
      ${look('0x40000000')}
      ${entry('middle', 0, 'andi t1, t1, -0x41\n ori t1, t1, 0x10')}
      ${look('0x40000000')}
      ${entry('middle', 0, 'andi t1, t1, -0x11\n ori t1, t1, 0xce')}
      ${look('0x40000000')}
      ${entry('root', 3, 'li t1, (0x80100 << 10) | 0xcf')}
      ${look('0xc0000000')}
      j finish
      ${TABLES}
    `);
    expect(ours).toEqual(theirs);
  });
});

describe.skipIf(missingTools.length > 0)('physical memory protection', () => {
  /** Entry 0 from the matching mode and rights in s3; loads and stores around its ends. */
  const around = (status: number): string => `
    li s3, 0
  1:
    csrw pmpcfg0, s3
    sfence.vma
    ${[-8, -4, 0, 4, 8, 12]
      .map(
        (offset) => `
      la s8, target
      addi s8, s8, ${offset}
      ${['lw a1, 0(s8)', 'sw zero, 0(s8)']
        .map(
          (instruction) => `
        li s10, 0
        li t0, 0x1800
        csrc mstatus, t0
        li t0, ${(1 << 17) | status}
        csrs mstatus, t0
        ${instruction}
        li t0, 1 << 17
        csrc mstatus, t0
        mv a0, s10
        call send`,
        )
        .join('')}`,
      )
      .join('')}
    addi s3, s3, 1
    li t0, 32
    blt s3, t0, 1b
    csrw pmpcfg0, zero
  `;

  test.each([
    ['user', 0],
    ['supervisor', 1 << 11],
    ['machine', 3 << 11],
  ])('in %s mode, entries smaller than a page', async (_, status) => {
    const { ours, theirs } = await run(`
      ${HANDLER}
      la t0, target
      srli t0, t0, 2
      csrw pmpaddr0, t0
      ${around(status)}
      j finish
      .balign 4096
      .skip 64
    target:
      .skip 64
    `);
    expect(ours).toHaveLength(32 * 12);
    // Writable without readable is reserved: QEMU keeps it, ours has no write right then.
    const legal = (_: bigint, i: number): boolean => (Math.floor(i / 12) & 3) !== 2;
    expect(ours.filter(legal)).toEqual(theirs.filter(legal));
  });
});

describe.skipIf(missingTools.length > 0)('traps', () => {
  /** Sends what a trap left behind. */
  const REPORT = ['mcause', 'mtval', 'mstatus', 'scause', 'stval', 'sstatus', 'sip', 'mip']
    .map((name) => `csrr a0, ${name}\n call send\n`)
    .join('');

  test.each([
    ['user', 0],
    ['supervisor', 1],
    ['machine', 3],
  ])('exceptions of %s mode, by machine mode and delegated', async (_, privilege) => {
    const causes = ['ecall', '.4byte 0', 'csrw cycle, zero', 'lw a1, 4(zero)', 'sw a1, 8(zero)', 'sret', 'mret', 'wfi'];
    const cases = causes.filter((code) => !(privilege === 3 && ['sret', 'mret', 'wfi'].includes(code)));
    const attempt = (code: string, delegate: string): string => `
      li t0, ${delegate}
      csrw medeleg, t0
      la t0, 8f
      csrw stvec, t0
      la s9, 9f
      csrw mcause, zero
      csrw scause, zero
      csrw mtval, zero
      csrw stval, zero
      ${enter(privilege, '7f')}
      .balign 4
    7: .option push
      .option norvc
      ${code}
      .option pop
      .balign 4
    8: ecall
      .balign 4
    9: ${REPORT}
    `;
    // wfi in supervisor mode would wait: mstatus.TW makes it illegal.
    const { ours, theirs } = await run(`
      ${HANDLER}
      li t0, 1 << 21
      csrs mstatus, t0
      ${cases.flatMap((code) => ['0', '0xb0ff'].map((delegate) => attempt(code, delegate))).join('')}
      j finish
    `);
    expect(ours).toHaveLength(cases.length * 16);
    expect(ours.map((word) => word.toString(16))).toEqual(theirs.map((word) => word.toString(16)));
  });

  test('interrupts that software makes, delegated and not, direct and vectored', async () => {
    const attempt = (privilege: number, pending: number, delegate: number, status: number): string => `
      csrw mie, zero
      csrw mip, zero
      li t0, ${delegate}
      csrw mideleg, t0
      la t0, vectors
      ori t0, t0, 1
      csrw mtvec, t0
      la t0, 8f
      csrw stvec, t0
      csrw mcause, zero
      csrw scause, zero
      la s9, 9f
      li t0, 0x1800
      csrc mstatus, t0
      li t0, ${(privilege << 11) | status}
      csrs mstatus, t0
      la t0, 7f
      csrw mepc, t0
      li t0, ${pending}
      csrw mip, t0
      li t0, 0x222
      csrw mie, t0
      mret
      .balign 4
    7: ecall
      .balign 4
    8: ecall
      .balign 4
    9: csrw mie, zero
      ${REPORT}
      li t0, 0xaa
      csrc mstatus, t0
    `;
    const cases: string[] = [];
    for (const privilege of [0, 1, 3]) {
      // One at a time: of several, QEMU without AIA takes the one with the lowest number.
      for (const pending of [2, 0x20, 0x200]) {
        for (const delegate of [0, 0x222, 2]) {
          // MPIE, which mret makes MIE, and SIE.
          for (const status of [0, 0x80, 2]) cases.push(attempt(privilege, pending, delegate, status));
        }
      }
    }
    const { ours, theirs } = await run(`
      j first
      .balign 256
    vectors:
      ${'j handler\n .balign 4\n'.repeat(16)}
    first:
      ${HANDLER}
      ${cases.join('')}
      j finish
    `);
    expect(ours).toHaveLength(cases.length * 8);
    expect(ours.map((word) => word.toString(16))).toEqual(theirs.map((word) => word.toString(16)));
  });
});

describe.skipIf(missingTools.length > 0)('address spaces', () => {
  /** A gigapage as it is, for all spaces; a pointer to a table; a page of 2 MiB of one space. */
  const entry = (pa: number, flags: number): string => `.dword ${(pa >>> 12) * 2 ** 10 + flags}`;
  const GLOBAL = 0xef;
  const LOCAL = 0xcf;

  test('that satp changes between, by ASID, each with mappings of its own', async () => {
    const space = (n: number): string => `
      .balign 4096
    root${n}:
      ${entry(0, GLOBAL)}
      .skip 8
      ${entry(0x8000_0000, GLOBAL)}
      .skip 4096 - 24
    middle${n}:
      ${entry(0x8020_0000 + n * 0x20_0000, LOCAL)}
      .skip 4096 - 8`;
    const { ours, theirs } = await run(`
      ${HANDLER}
      ${[0, 1, 2].map((n) => `li t0, ${0x8020_0000 + n * 0x20_0000}\n li t1, ${n * 3 + 5}\n sd t1, 0(t0)`).join('\n')}
      ${[0, 1, 2].map((n) => `la t0, middle${n}\n srli t0, t0, 2\n ori t0, t0, 1\n la t1, root${n}\n sd t0, 8(t1)`).join('\n')}
      ${[0, 1, 2].map((n) => `la s${n + 2}, root${n}\n srli s${n + 2}, s${n + 2}, 12`).join('\n')}
      li t0, 8 << 60
      ${[0, 1, 2].map((n) => `or s${n + 2}, s${n + 2}, t0`).join('\n')}
      # The last two have ASIDs.
      li t0, 1 << 44
      or s3, s3, t0
      slli t0, t0, 1
      or s4, s4, t0
      csrw satp, s2
      ${enter(1, 'supervisor')}
      .balign 4
    supervisor:
      li s5, 300
      li s6, 0
      li s7, 1 << 30
    again:
      ${[2, 3, 4]
        .map(
          (n) => `
      csrw satp, s${n}
      ld t1, 0(s7)
      slli s6, s6, 1
      add s6, s6, t1
      addi t1, t1, ${n}
      sd t1, 0(s7)`,
        )
        .join('')}
      addi s5, s5, -1
      bnez s5, again
      mv a0, s6
      call send
      ${[2, 3, 4].map((n) => `csrw satp, s${n}\n ld a0, 0(s7)\n call send`).join('\n')}
      j finish
      ${[0, 1, 2].map(space).join('')}
    `);
    expect(ours.slice(1)).toEqual([605n, 908n, 1211n]);
    expect(ours).toEqual(theirs);
  });
});
