// A board in a package of its own: the emulator loads what it is built to with `--load`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NewBoard } from './board.ts';
import { Mistake } from './mistake.ts';
import type { Plan } from './plan.ts';
import { factsCode, factsUnits, importLine, type Template } from './template.ts';

interface Manifest {
  readonly version?: string;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (url: URL): Manifest => JSON.parse(readFileSync(url, 'utf8')) as Manifest;

/** The versions that this generator was made with are those that a new board starts with. */
function versionOf(name: string): string {
  const own = readManifest(new URL('../package.json', import.meta.url));
  const version = own.devDependencies?.[name];
  if (version === undefined) throw new Error(`no version of ${name} is known`);
  if (!version.startsWith('workspace:')) return version;
  // Not published yet: then the packages lie beside this one.
  const folder = name.replace('@boardwalk/', '');
  return `^${readManifest(new URL(`../../../packages/${folder}/package.json`, import.meta.url)).version}`;
}

const versions = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries([...names].sort().map((name) => [name, versionOf(name)]));

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function manifest(folder: string, template: Template, { description }: NewBoard): string {
  return json({
    name:
      basename(folder)
        .toLowerCase()
        .replaceAll(/[^a-z0-9._-]/g, '-')
        .replace(/^[._-]+/, '') || 'board',
    version: '0.0.0',
    description: `${description} for the Boardwalk emulator`,
    license: 'UNLICENSED',
    private: true,
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', import: './dist/index.js' } },
    files: ['dist'],
    scripts: { build: 'tsc -p tsconfig.build.json', typecheck: 'tsc -p tsconfig.json', test: 'vitest run' },
    dependencies: versions(template.dependencies),
    devDependencies: versions(['@boardwalk/cli', '@boardwalk/testing', '@types/node', 'typescript', 'vitest']),
    engines: { node: '>=20.19' },
  });
}

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    lib: ['ES2023', 'DOM'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['src'],
};

const TSCONFIG_BUILD = {
  extends: './tsconfig.json',
  compilerOptions: { noEmit: false, declaration: true, rootDir: 'src', outDir: 'dist' },
  exclude: ['src/**/*.test.ts'],
};

function testText(template: Template, board: NewBoard): string {
  const imports = [
    importLine(['UserError', ...factsUnits(board)], '@boardwalk/core'),
    ...(template.testImports ?? []).map(({ names, from }) => importLine(names, from)),
    importLine(['boardConformance', 'machineBooter'], '@boardwalk/testing'),
    importLine(['afterEach', 'describe', 'expect', 'it'], 'vitest'),
    importLine([board.identifier], `./${board.name}.ts`),
  ];
  const more = (template.conformance ?? []).map((line) => `${line}\n`).join('');
  const suite = `boardConformance(${board.identifier}, {\n  describe,\n  it,\n  facts: ${factsCode(board, '  ')},\n${more}});\n`;
  return `${imports.join('\n')}\n\n${suite}\n${template.test(board, 'own-package')}`;
}

/** Everything that a package with a board consists of. @throws Mistake if the folder is in use */
export function planPackage(folder: string, template: Template, board: NewBoard): Plan {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Mistake(`--out ${folder}: the folder is not empty`);
  const command = `npx boardwalk-system-${template.arch} --load dist/index.js -M ${board.name}`;
  return {
    folder,
    made: new Map([
      ['package.json', manifest(folder, template, board)],
      ['tsconfig.json', json(TSCONFIG)],
      ['tsconfig.build.json', json(TSCONFIG_BUILD)],
      ['.gitignore', 'node_modules/\ndist/\n'],
      ['README.md', template.page(board, command)],
      [join('src', 'index.ts'), `export { ${board.identifier} } from './${board.name}.ts';\n`],
      [join('src', `${board.name}.ts`), template.board(board, 'own-package')],
      [join('src', `${board.name}.test.ts`), testText(template, board)],
    ]),
    changed: new Map(),
  };
}
