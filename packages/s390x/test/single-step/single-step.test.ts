/**
 * Linux steps through programs: ptrace of a program of ours as init of Debian's kernel. Skipped with a
 * printed reason where Debian's packages cannot be had, or there is no cross compiler.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CpioWriter } from '@boardwalk/initramfs';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, expect, it } from 'vitest';
import { s390CcwVirtio } from '../../src/index.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;
const COMPILER = 's390x-linux-gnu-gcc';
const hasCompiler = spawnSync(COMPILER, ['--version']).status === 0;
if (!hasCompiler) console.warn(`single steps skipped: ${COMPILER} is not installed (Debian: gcc-s390x-linux-gnu)`);

const bootMachine = machineBooter(afterEach);

function compile(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-single-step-'));
  try {
    const [source, program] = [fileURLToPath(new URL('single-step.c', import.meta.url)), join(folder, 'init')];
    const flags = ['-march=z10', '-O2', '-Wall', '-Werror', '-static'];
    execFileSync(COMPILER, [...flags, '-o', program, source]);
    return readFileSync(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it.skipIf(!hasCompiler)(
  'a child is stepped through instruction by instruction, and from branch to branch',
  async (context) => {
    const files = (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
    const archive = new CpioWriter();
    archive.directory('dev').characterDevice('dev/console', 5, 1).file('init', compile(), 0o755);
    const guest = await bootMachine({
      board: s390CcwVirtio,
      ramSize: 256 * MiB,
      smp: { cpus: 1 },
      kernel: await readFile(files.kernel),
      initrd: archive.build(),
      append: 'console=ttysclp0',
    });
    await guest.expectSerial('single-step: end', { timeoutMs: 15 * MINUTES });
    expect(guest.output).not.toContain('single-step: FAILED');
    expect(guest.output.match(/single-step: ok/g)).toHaveLength(3);
    expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
  },
  20 * MINUTES,
);
