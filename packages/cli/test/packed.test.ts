/**
 * The packages as npm's users get them: packed, installed together in an empty folder, started from there. Skipped where npm cannot
 * fetch what they depend on. `npm test` builds first; without a build this is skipped.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-packed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifestOf = (name: string): Manifest => JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8'));

/** The program and what it depends on of ours, packed: the file of each. */
async function packed(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const all = new Map(readdirSync(PACKAGES).map((name) => [manifestOf(name).name, name]));
  const pack = async (name: string): Promise<void> => {
    const place = all.get(name);
    if (place === undefined || files[name] !== undefined) return;
    files[name] = '';
    const from = ['--dir', join(PACKAGES, place), 'pack', '--json', '--pack-destination', folder];
    const { stdout } = await run('pnpm', from);
    files[name] = `file:${(JSON.parse(stdout) as { readonly filename: string }).filename}`;
    for (const dependency of Object.keys(manifestOf(place).dependencies ?? {})) await pack(dependency);
  };
  await pack('@boardwalk/cli');
  return files;
}

const REGISTRY_AWAY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENOTCACHED/;

describe.skipIf(!built)('packed packages', () => {
  it('are installed by npm and start', async (context) => {
    const dependencies = await packed();
    const overrides = Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, overrides }));
    try {
      await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
    } catch (error) {
      if (REGISTRY_AWAY.test(String(error))) return context.skip('what the packages depend on cannot be had here');
      throw error;
    }
    const program = join(folder, 'node_modules/.bin/boardwalk-system-riscv64');
    const version = await run(program, ['--version']);
    expect(version.stdout).toMatch(/^Boardwalk emulator version \d/);
    const session = run(program, ['-machine', 'none', '-display', 'none', '-qmp', 'stdio']);
    session.child.stdin?.end('{"execute": "qmp_capabilities"}{"execute": "query-machines"}{"execute": "quit"}');
    const lines = (await session).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toHaveProperty('QMP');
    expect(lines[2].return.map(({ name }: { readonly name: string }) => name)).toEqual(
      expect.arrayContaining(['none', 'virt']),
    );
    const missing = await run(join(folder, 'node_modules/.bin/boardwalk-system-m68k'), ['-M', 'virt']).catch((e) => e);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('npm install @boardwalk/m68k') });
  });
});
