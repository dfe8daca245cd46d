/** What is built loads in Node as it is: tests elsewhere run the sources, which a loader is more lenient with. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, { readonly import?: string }>>;
}

/** Its entry is a program that would run. */
const PROGRAMS = new Set(['@boardwalk/bench', '@boardwalk/create-board']);

/** Every built entry of every package that is a library. */
function entries(): { readonly name: string; readonly file: string }[] {
  return ['packages', 'tools'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).flatMap((directory) => {
      const path = join(ROOT, folder, directory, 'package.json');
      if (!existsSync(path)) return [];
      const { name, exports = {} }: Manifest = JSON.parse(readFileSync(path, 'utf8'));
      if (PROGRAMS.has(name)) return [];
      return Object.entries(exports).flatMap(([entry, { import: file }]) =>
        file === undefined ? [] : [{ name: join(name, entry), file: join(ROOT, folder, directory, file) }],
      );
    }),
  );
}

const built = entries().filter(({ file }) => existsSync(file));
if (built.length === 0) console.warn('skipped: nothing is built');

describe.skipIf(built.length === 0)('built packages', () => {
  it('all of them are', () => {
    expect(entries().filter(({ file }) => !existsSync(file))).toEqual([]);
  });

  it.each(built)('$name loads', ({ file }) => {
    const script = `await import(${JSON.stringify(pathToFileURL(file).href)})`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe', timeout: 30_000 });
  });

  it('npm start explains itself', () => {
    const text = execFileSync(process.execPath, [join(ROOT, 'tools/bootstrap/start.mjs'), '--help'], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(text).toContain('--kernel');
  });
});
