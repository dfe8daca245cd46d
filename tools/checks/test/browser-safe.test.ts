/** The packages that docs/architecture.md lists as running in a browser have no Node import and no Node type. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url));
const BROWSER_SAFE = ['core', 'translator', 'devices', 'numa', 'riscv', 's390x', 'monitor', 'host-browser'];

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly 'boardwalk-source': string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8'));
}

describe.each(BROWSER_SAFE)('@boardwalk/%s', (name) => {
  it('bundles for a browser, every entry of it, without a Node module', async () => {
    const entryPoints = Object.values(manifest(name).exports).map((e) => join(PACKAGES, name, e['boardwalk-source']));
    const { metafile, errors } = await build({
      entryPoints,
      bundle: true,
      write: false,
      outdir: 'out',
      platform: 'browser',
      format: 'esm',
      conditions: ['boardwalk-source'],
      metafile: true,
      logLevel: 'silent',
    });
    expect(errors).toEqual([]);
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map((i) => i.path));
    expect(imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path))).toEqual([]);
  });

  it('is compiled without the types of Node', () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(PACKAGES, name, 'tsconfig.json'), 'utf8'));
    expect(compilerOptions.types).toEqual([]);
  });

  it('depends on no package of the repository that needs Node', () => {
    const ours = Object.keys(manifest(name).dependencies ?? {}).filter((d) => d.startsWith('@boardwalk/'));
    expect(ours.map((d) => d.slice('@boardwalk/'.length)).filter((d) => !BROWSER_SAFE.includes(d))).toEqual([]);
  });
});

it('every package is listed here or needs Node', () => {
  const needsNode = ['cli', 'host-node', 'testing'];
  expect(readdirSync(PACKAGES).filter((p) => !BROWSER_SAFE.includes(p) && !needsNode.includes(p))).toEqual([]);
});
