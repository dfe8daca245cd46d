/**
 * Bare programs for the `virt` board that send results through its serial port, on QEMU and on Boardwalk.
 * They start at 0x80000000 in machine mode, send by `call send` (the eight bytes of a0), and end by `j finish`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CharBackend, Machine } from '@boardwalk/core';
import { virt } from '../../src/boards/virt.ts';

const AS = 'riscv64-linux-gnu-as';
const LD = 'riscv64-linux-gnu-ld';
const QEMU = 'qemu-system-riscv64';

/** Tools of this test that are not installed. */
export const missingTools = [AS, LD, QEMU].filter((tool) => spawnSync(tool, ['--version']).status !== 0);

/** UART0's transmit register lies at 0x10000000, the power switch at 0x100000. Clobbers t0, t1 and a0. */
const RUNTIME = `
  .globl _start
_start:
  li t0, 0x6000
  csrs mstatus, t0
  la sp, stack
  j main
send:
  li t0, 0x10000000
  li t1, 8
1: sb a0, 0(t0)
  srli a0, a0, 8
  addi t1, t1, -1
  bnez t1, 1b
  ret
finish:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
  .balign 16
  .skip 256
stack:
  .skip 256
main:
`;

function inTemporaryDirectory<T>(use: (file: (name: string) => string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'boardwalk-bare-'));
  try {
    return use((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The ELF file of a program, given from its label `main` on. */
export function assemble(source: string): Uint8Array {
  return inTemporaryDirectory((file) => {
    writeFileSync(file('a.s'), RUNTIME + source);
    execFileSync(AS, ['-march=rv64gc_zba_zbb_zbs', file('a.s'), '-o', file('a.o')]);
    execFileSync(LD, ['-N', '--no-warn-rwx-segments', '-Ttext=0x80000000', file('a.o'), '-o', file('a.elf')]);
    return new Uint8Array(readFileSync(file('a.elf')));
  });
}

/** What a program sends when QEMU runs it, on a CPU with its properties as `-cpu` takes them. */
export function runOnQemu(elf: Uint8Array, cpu = 'rv64'): Uint8Array {
  return inTemporaryDirectory((file) => {
    writeFileSync(file('a.elf'), elf);
    const board = ['-M', 'virt', '-cpu', cpu, '-bios', 'none', '-display', 'none', '-monitor', 'none'];
    const files = ['-serial', `file:${file('out')}`, '-kernel', file('a.elf')];
    execFileSync(QEMU, [...board, ...files], { timeout: 120_000 });
    return new Uint8Array(readFileSync(file('out')));
  });
}

/** What a program sends when Boardwalk runs it. */
export async function runOnBoardwalk(elf: Uint8Array): Promise<Uint8Array> {
  const sent: Uint8Array[] = [];
  const serial: CharBackend = { write: (data) => void sent.push(data.slice()), onData: () => {}, close: () => {} };
  // Loops run in tier 0 first, then in regions.
  const tier1 = { threshold: 2 };
  const machine = await Machine.create(virt, { firmware: elf, serials: [serial], tier1 });
  machine.start();
  await machine.run();
  await machine.dispose();
  return Uint8Array.from(sent.flatMap((data) => [...data]));
}
