/** Semihosting calls of a bare program, here and on QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipeChar } from '@boardwalk/core';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';

const boot = machineBooter(afterEach);
const QEMU = 'qemu-system-riscv64';
const hasQemu = spawnSync(QEMU, ['--version']).status === 0;
if (!hasQemu) console.warn(`skipped in part: ${QEMU} is not installed`);

const CALL = [0x01f01013, 0x00100073, 0x40705013]; // slli x0,x0,0x1f; ebreak; srai x0,x0,7
const BLOCK = 0x100;
const TEXT = 0x120;
/** li a0, operation; auipc a1, 0 and addi to an offset from the start; the call. `at` is the offset of the first word. */
const call = (at: number, operation: number, data: number): number[] => [
  (operation << 20) | 0x00000513, // addi a0, x0, operation
  0x00000597, // auipc a1, 0
  ((data - (at + 4)) << 20) | 0x00058593, // addi a1, a1, data - here
  ...CALL,
];

function program(): Uint8Array {
  const bytes = new Uint8Array(0x140);
  const code: number[] = [];
  const add = (operation: number, data: number): void => void code.push(...call(code.length * 4, operation, data));
  add(0x04, TEXT); // SYS_WRITE0
  add(0x03, TEXT); // SYS_WRITEC
  add(0x20, BLOCK); // SYS_EXIT_EXTENDED
  code.push(0x0000006f); // j .
  bytes.set(new Uint8Array(Uint32Array.from(code).buffer));
  bytes.set(new Uint8Array(BigUint64Array.from([0x20026n, 7n]).buffer), BLOCK);
  bytes.set(new TextEncoder().encode('hello\n'), TEXT);
  return bytes;
}

/** Asks for its command line, and prints it. */
function echo(): Uint8Array {
  const bytes = new Uint8Array(0x160);
  const code: number[] = [];
  const add = (operation: number, data: number): void => void code.push(...call(code.length * 4, operation, data));
  code.push(0x00000297, 0x12028293, 0x00000317, 0x0e533c23); // auipc t0, 0; addi t0, t0, 0x120; auipc t1, 0; sd t0, 0xf8(t1)
  add(0x15, BLOCK); // SYS_GET_CMDLINE
  add(0x04, TEXT); // SYS_WRITE0
  add(0x20, BLOCK + 0x10); // SYS_EXIT_EXTENDED
  bytes.set(new Uint8Array(Uint32Array.from(code).buffer));
  bytes.set(new Uint8Array(BigUint64Array.from([0n, 0x20n, 0x20026n, 7n]).buffer), BLOCK);
  return bytes;
}

describe('semihosting', () => {
  it('tells a program its command line, and prints on a line of its own', async () => {
    const console = new PipeChar();
    const semihosting = { commandLine: 'a "b c" d', console };
    const guest = await boot({ board: virt, firmware: echo(), semihosting });
    expect((await guest.exit()).status).toBe(7);
    expect(console.sent).toBe('a "b c" d');
    expect(guest.output).toBe('');
  });

  it('prints and ends with the status that the program gives', async () => {
    const guest = await boot({ board: virt, firmware: program(), semihosting: true });
    expect((await guest.exit()).status).toBe(7);
    expect(guest.output).toBe('hello\nh');
  });

  it('is a breakpoint where it is not wanted', async () => {
    const guest = await boot({ board: virt, firmware: program() });
    await new Promise((resolve) => setTimeout(resolve, 200));
    guest.machine.pause();
    expect(guest.output).toBe('');
  });

  it('is a breakpoint in user mode: a process does not end the machine', async () => {
    // Machine mode enters user mode, which calls SYS_EXIT_EXTENDED with 7; the trap handler ends with mcause as the status.
    const words = [
      0x00000297, 0x03028293, 0x30529073, 0xfff00293, 0x3b029073, 0x01f00293, 0x3a029073, 0x00000297, 0x03428293,
      0x34129073, 0x30001073, 0x30200073, 0x001002b7, 0x34202373, 0x01031313, 0x000033b7, 0x3333839b, 0x00736333,
      0x0062a023, 0x0000006f, 0x02000513, 0x00000597, 0x01c58593, 0x01f01013, 0x00100073, 0x40705013, 0x0000006f,
      0x00000013, 0x00020026, 0x00000000, 0x00000007, 0x00000000,
    ];
    const firmware = new Uint8Array(Uint32Array.from(words).buffer);
    const guest = await boot({ board: virt, firmware, semihosting: true });
    expect((await guest.exit()).status).toBe(3);
  });

  it.skipIf(!hasQemu)('has the command line that QEMU gives', () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardwalk-semihosting-'));
    try {
      const file = join(folder, 'program.bin');
      writeFileSync(file, echo());
      const options = ['-M', 'virt', '-display', 'none', '-semihosting-config', 'arg=a,arg="b c",arg=d', '-bios', file];
      const { status, stdout, stderr } = spawnSync(QEMU, options, { encoding: 'utf8', timeout: 30_000 });
      expect({ status, text: stdout + stderr }).toEqual({ status: 7, text: 'a "b c" d' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.skipIf(!hasQemu)('is what QEMU makes of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardwalk-semihosting-'));
    try {
      const file = join(folder, 'program.bin');
      writeFileSync(file, program());
      const options = ['-M', 'virt', '-display', 'none', '-semihosting', '-bios', file];
      const { status, stdout, stderr } = spawnSync(QEMU, options, { encoding: 'utf8', timeout: 30_000 });
      expect({ status, text: stdout + stderr }).toEqual({ status: 7, text: 'hello\nh' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
