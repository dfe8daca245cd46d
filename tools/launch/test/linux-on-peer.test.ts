// Debian's kernel with our initramfs on another emulator: what the tools make is right, whatever Boardwalk does with it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ifReachable, type LinuxGuest, prepareLinux } from '../src/index.ts';

const PEER = 'qemu-system-riscv64';
const BOOT_TIMEOUT_MS = 180_000;
const SECTOR = 512;
const PAGE = 4096;

const hasPeer = spawnSync(PEER, ['--version']).status === 0;
const linux = hasPeer ? await ifReachable(prepareLinux()) : undefined;

/** Boots, types `input` when the shell's prompt stands, and gives the console's text and the exit status. */
function boot(guest: LinuxGuest, append: string, input: string, options: readonly string[] = []) {
  const files = ['-bios', guest.firmware, '-kernel', guest.kernel, '-initrd', guest.initrd];
  const machine = ['-M', 'virt', '-m', '256M', '-nographic'];
  const child = spawn(PEER, [...machine, ...files, '-append', append, ...options], { timeout: BOOT_TIMEOUT_MS });
  let output = '';
  let typed = false;
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString().replaceAll('\r', '');
    if (typed || !output.includes('~ # ')) return;
    typed = true;
    child.stdin.write(input);
  });
  return new Promise<{ output: string; status: number | null }>((resolve) => {
    child.on('close', (status) => resolve({ output, status }));
  });
}

describe.skipIf(!linux)("Debian's Linux with our initramfs, on another emulator", () => {
  const guest = linux as LinuxGuest;
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boardwalk-linux-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it(
    'passes its own test, uses the disk and powers off',
    async () => {
      const disk = join(folder, 'disk.img');
      const before = Buffer.alloc(1 << 20, 'disk content ');
      writeFileSync(disk, before);
      const drive = ['-drive', `file=${disk},format=raw,if=none,id=disk`, '-device', 'virtio-blk-device,drive=disk'];
      const options = ['-smp', '2', ...drive, '-device', 'virtio-rng-device'];
      const { output, status } = await boot(guest, 'console=ttyS0 quiet boardwalk.test=peer', '', options);
      const head = createHash('sha256').update(before.subarray(0, SECTOR)).digest('hex');
      expect(output).toContain('boardwalk-test: begin peer\n');
      expect(output).toContain('boardwalk-test: processors 2\n');
      expect(output).toContain('boardwalk-test: disk 2048 sectors\n');
      expect(output).toContain(`boardwalk-test: disk head ${head}\n`);
      expect(output).toContain('boardwalk-test: ok disk write and read\n');
      expect(output).toContain('boardwalk-test: ok random numbers\n');
      expect(output).toContain('boardwalk-test: end peer passed=7 failed=0\n');
      expect(status).toBe(0);
      const after = readFileSync(disk);
      expect(after.subarray(PAGE, 2 * PAGE).toString()).toMatch(/^(boardwalk was here: peer\n)+/);
      before.copy(after, PAGE, PAGE, 2 * PAGE);
      expect(after.equals(before)).toBe(true);
    },
    BOOT_TIMEOUT_MS,
  );

  it(
    'gives a shell on the console and powers off when it ends',
    async () => {
      const { output, status } = await boot(guest, 'console=ttyS0 quiet', 'tty; echo $((6 * 7)) | cat; exit\r');
      expect(output).toContain('1 processor(s)');
      expect(output).toContain('mmu\t\t: sv57');
      expect(output).toContain('/dev/ttyS0\n42\n');
      expect(status).toBe(0);
    },
    BOOT_TIMEOUT_MS,
  );
});
