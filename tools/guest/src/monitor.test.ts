import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildRecord, compileGuest, compilerVersion, digest, GUESTS, sourceDigest } from './build.ts';
import { monitorPath } from './index.ts';

describe.each(GUESTS)('%s in the repository', (guest) => {
  const image = (): Uint8Array => readFileSync(new URL(`../prebuilt/${guest}.bin`, import.meta.url));

  it('was built from the source in the repository', () => {
    const record = buildRecord(guest);
    expect(record.sources, 'the source changed: pnpm --filter @boardwalk/guest guests').toBe(sourceDigest(guest));
    expect(record.image).toBe(digest(image()));
  });

  it.skipIf(compilerVersion() !== buildRecord(guest).compiler)('is what its compiler makes of it', () => {
    expect(digest(compileGuest(guest))).toBe(digest(image()));
  });
});

const PEER = 'qemu-system-riscv64';
const SESSION_TIMEOUT_MS = 50_000;
const hasPeer = spawnSync(PEER, ['--version']).status === 0;

/** Runs the monitor on the other emulator, types each line when the prompt stands, and gives its status and output. */
function session(lines: readonly string[], ...options: string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const machine = ['-M', 'virt', '-m', '64M', '-nographic'];
    const child = spawn(PEER, [...machine, '-bios', monitorPath, ...options], { timeout: SESSION_TIMEOUT_MS });
    const queue = [...lines];
    let output = '';
    let seen = 0;
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString().replaceAll('\r', '');
      if (output.length <= seen || !output.endsWith('\n> ')) return;
      seen = output.length;
      child.stdin.write(`${queue.shift() ?? 'poweroff 99'}\r`);
    });
    child.on('close', (status) => resolve({ status, output }));
  });
}

describe.skipIf(!hasPeer)('the monitor on another emulator', () => {
  it('shows the machine, finds RAM good and computes right', async () => {
    const { status, output } = await session(['poweroff'], '-smp', '3');
    expect(output).toContain('0x0000000080000000  memory@80000000         64 MiB');
    expect(output).toContain('serial@10000000         256 B  ns16550a');
    expect(output).toMatch(/misa 0x80000000[0-9a-f]{8}: RV64 A/);
    expect(output).toContain('harts present: 0 1 2\n');
    expect(output).toMatch(/RAM 0x[0-9a-f]+ to 0x[0-9a-f]+ \(4096 KiB\): good/);
    expect(output).toContain('f20015ad, good\n');
    expect(output).toContain('Primes below 100000: 9592, good\n');
    expect(output).not.toContain('WRONG');
    expect(status).toBe(0);
  });

  it('answers commands, survives a trap and powers off with a status', async () => {
    const { status, output } = await session([
      'help',
      'echo some  words',
      'sha256 hello',
      'primes 1000',
      'peek 0x10',
      'peek',
      'nothing',
      'test 2',
      'sleep 20',
      'typo\x15echo kil\x7fled',
      'poweroff 42',
    ]);
    expect(output).toContain('poweroff [STATUS]');
    expect(output).toContain('\nsome  words\n');
    expect(output).toContain('\n2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n');
    expect(output).toContain('\n168 primes below 1000\n');
    expect(output).toMatch(/trap: cause 5 at 0x[0-9a-f]{16}, value 0x0000000000000010\n/);
    expect(output).toContain('usage: peek ADDRESS');
    expect(output).toContain('nothing: no such command');
    expect(output).toContain('(2048 KiB): good');
    expect(output).toMatch(/slept \d+ ms/);
    expect(output).toContain('\nkiled\n');
    expect(status).toBe(42);
  });

  it('resets the machine', async () => {
    const { status, output } = await session(['reboot', 'poweroff 7'], '-no-reboot');
    expect(output).toContain('Type help for the commands');
    expect(status).toBe(0);
  });
});
