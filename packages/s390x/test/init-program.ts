/** A program of ours as init of Debian's kernel. */
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
import { s390CcwVirtio } from '../src/index.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;
const COMPILER = 's390x-linux-gnu-gcc';

export interface InitProgram {
  /** What it says of itself: `NAME: ok` for each of its `parts`, or `NAME: FAILED`, and `NAME: end`, after which it powers off. */
  readonly name: string;
  readonly source: URL;
  /** The compiler's, besides those for all. */
  readonly flags: readonly string[];
  readonly cpus: number;
  readonly parts: number;
}

/** A test that runs a program. Skipped with a printed reason where Debian's packages cannot be had, or there is no cross compiler. */
export function itRunsAsInit(title: string, { name, source, flags, cpus, parts }: InitProgram): void {
  const hasCompiler = spawnSync(COMPILER, ['--version']).status === 0;
  if (!hasCompiler) console.warn(`${name} skipped: ${COMPILER} is not installed (Debian: gcc-s390x-linux-gnu)`);
  const bootMachine = machineBooter(afterEach);
  it.skipIf(!hasCompiler)(
    title,
    async (context) => {
      const files =
        (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
      const archive = new CpioWriter();
      archive.directory('dev').characterDevice('dev/console', 5, 1).file('init', compiled(source, flags), 0o755);
      const guest = await bootMachine({
        board: s390CcwVirtio,
        ramSize: 256 * MiB,
        smp: { cpus },
        kernel: await readFile(files.kernel),
        initrd: archive.build(),
        append: 'console=ttysclp0',
      });
      await guest.expectSerial(`${name}: end`, { timeoutMs: 15 * MINUTES });
      expect(guest.output).not.toContain(`${name}: FAILED`);
      expect(guest.output.split(`${name}: ok`)).toHaveLength(parts + 1);
      expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
    },
    20 * MINUTES,
  );
}

function compiled(source: URL, flags: readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-init-'));
  try {
    const program = join(folder, 'init');
    execFileSync(COMPILER, [...flags, '-O2', '-Wall', '-Werror', '-static', '-o', program, fileURLToPath(source)]);
    return readFileSync(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
