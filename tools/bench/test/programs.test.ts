// Every benchmark program gives the same result on Boardwalk and on another emulator, whatever its speed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ifReachable } from '@boardwalk/launch';
import { describe, expect, it } from 'vitest';
import { linuxCase, programCase } from '../src/cases.ts';
import { findEmulators } from '../src/emulators.ts';
import { programNames } from '../src/guest.ts';
import { interleave } from '../src/interleave.ts';
import { parseBenchOptions } from '../src/options.ts';
import { alternate, pacedProgram } from '../src/paced.ts';
import { DEFAULT_TARGET, TARGETS } from '../src/target.ts';
import { compileTask } from '../src/workloads.ts';

const TIMEOUT_MS = 120_000;
const LINUX_MS = 300_000;
const built = existsSync(fileURLToPath(new URL('../../../packages/cli/dist/index.js', import.meta.url)));
const here = (program: string) => spawnSync(program, ['--version']).status === 0;

for (const target of TARGETS) {
  const possible = built && here(target.peer) && here(target.compiler);
  describe.skipIf(!possible && !process.env.CI)(`benchmark programs for ${target.name} with little work`, () => {
    it.each(programNames(target))(
      '%s',
      async (name) => {
        const emulators = findEmulators(parseBenchOptions(['--arch', target.name]));
        const cpus = name === 'smp' ? ({ count: 4, thread: 'multi' } as const) : { count: 1 };
        const run = await programCase(name, cpus).prepare({ scale: 0.01, timeoutMs: TIMEOUT_MS, target });
        const { ours, peer } = await interleave(1, (side) => run(emulators[side]));
        expect(ours[0]?.checksum).toMatch(name === 'empty' ? /^0$/ : /^[0-9a-f]{8,16}$/);
        expect(peer[0]?.checksum).toBe(ours[0]?.checksum);
        if (name === 'empty' || !target.countsInstructions) return;
        expect(ours[0]?.allInstructions).toBeGreaterThan(100_000);
      },
      TIMEOUT_MS,
    );

    it(
      'compile, in Linux',
      async ({ skip }) => {
        if ((await ifReachable(target.linux((initrd) => initrd))) === undefined) skip('no Debian packages here');
        const emulators = findEmulators(parseBenchOptions(['--arch', target.name]));
        const run = await linuxCase({ count: 1 }, compileTask(1)).prepare({ scale: 1, timeoutMs: LINUX_MS, target });
        const { ours, peer } = await interleave(1, (side) => run(emulators[side]));
        expect(ours[0]?.checksum).toMatch(/^[0-9a-f]{32} {2}-$/);
        expect(peer[0]?.checksum).toBe(ours[0]?.checksum);
      },
      3 * LINUX_MS,
    );
  });
}

const possible = built && here(DEFAULT_TARGET.peer) && here(DEFAULT_TARGET.compiler);

describe.skipIf(!possible && !process.env.CI)('benchmark programs', () => {
  it(
    'in batches, that both do in turn',
    async () => {
      const emulators = findEmulators(parseBenchOptions([]));
      const start = await pacedProgram('sieve').prepare({
        scale: 0.01,
        timeoutMs: TIMEOUT_MS,
        target: DEFAULT_TARGET,
      });
      const { ours, peer } = await alternate((side) => start(emulators[side]), 2);
      expect(new Set(ours.map(({ checksum }) => checksum)).size).toBe(2);
      for (const { values } of [...ours, ...peer]) expect(values.batch).toBeGreaterThan(0);
      if (process.platform === 'linux') expect(ours[0]?.values.batchCpu).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
