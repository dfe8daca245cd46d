/** Boards that the generator makes, in a copy of the repository and in a package of their own: checked, tested and booted. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createBoard } from '../src/create-board.ts';
import { Mistake } from '../src/mistake.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HELLO = join(ROOT, 'docs/examples/hello.bin');
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-create-board-'));
/** Several programs run in one test, on a machine that may be busy, ms. */
const LONG = 240_000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the generator, the answers being what a user types; gives what it prints. */
async function create(from: string, args: string, answers?: readonly string[]): Promise<string> {
  let printed = '';
  const queue = [...(answers ?? [])];
  await createBoard(args.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [], {
    folder: from,
    print: (text) => {
      printed += text;
    },
    ask: answers === undefined ? undefined : async (_, byDefault) => queue.shift() || byDefault,
  });
  return printed;
}

/** Runs a program of the repository's; its output is in the error if it fails. */
function run(cwd: string, name: string, file: string, ...args: string[]): string {
  const program = join(dirname(createRequire(join(ROOT, 'package.json')).resolve(`${name}/package.json`)), file);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  expect(status, `${name} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout + stderr;
}

const biome = (cwd: string, ...files: string[]): string =>
  run(cwd, '@biomejs/biome', 'bin/biome', 'check', `--config-path=${ROOT}`, '--vcs-enabled=false', ...files);

/** Paths of all files below a folder, with their contents. */
function snapshot(at: string): Record<string, string> {
  const files = readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((f) => [join(f.parentPath, f.name), readFileSync(join(f.parentPath, f.name), 'latin1')]),
  );
}

/** The repository without what it builds; packages of others are found in the real one. */
function copyRepository(): string {
  const copy = join(folder, 'repository');
  mkdirSync(copy);
  const skipped = new Set(['dist', 'coverage', '.turbo']);
  for (const name of ['packages', 'docs', '.changeset']) {
    cpSync(join(ROOT, name), join(copy, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !skipped.has(basename(source)),
    });
  }
  for (const name of readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isFile())) {
    cpSync(join(ROOT, name.name), join(copy, name.name));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
  symlinkSync(join(ROOT, 'tools'), join(copy, 'tools'), 'junction');
  return copy;
}

const PROGRAM = `import { readFileSync } from 'node:fs';
import { Machine, PipeChar } from '@boardwalk/core';
import { architecture } from '../src/architecture.ts';
import { expect, it } from 'vitest';
it('test-board boots', async () => {
  const board = architecture.boards.find(({ name }) => name === 'test-board');
  const serial = new PipeChar();
  const machine = await Machine.create(board, { firmware: new Uint8Array(readFileSync('HELLO')), serials: [serial] });
  expect(await machine.run()).toMatchObject({ status: 0 });
  expect(serial.sent).toBe('Hello from the guest\\n');
});
`;

describe('a board in the repository', () => {
  it('is made, listed, well formed, typed, tested and boots', { timeout: LONG }, async () => {
    const copy = copyRepository();
    const printed = await create(
      copy,
      "--package riscv --name test-board --description 'a board' --ram-sizes 64M,1G --max-cpus 2",
    );
    for (const name of ['test-board.ts', 'test-board.test.ts', 'riscv-test-board.md', 'architecture.ts', 'index.md']) {
      expect(printed).toContain(name);
    }
    expect(printed).toContain('pnpm docs:boards');
    expect(readFileSync(join(copy, 'docs/index.md'), 'utf8')).toContain('](boards/riscv-test-board.md)');
    expect(readFileSync(join(copy, 'packages/riscv/src/index.ts'), 'utf8')).toContain('testBoard');
    biome(copy, 'packages/riscv/src/boards', 'packages/riscv/src/index.ts', 'packages/riscv/src/architecture.ts');
    run(copy, 'typescript', 'bin/tsc', '-b', 'packages/riscv');
    writeFileSync(join(copy, 'packages/riscv/test/boot.test.ts'), PROGRAM.replace('HELLO', HELLO));
    const args = ['run', '--root', copy, '-t', 'test-board'];
    const tests = [
      'packages/riscv/src/boards/test-board.test',
      'packages/riscv/src/boards/conformance',
      'packages/riscv/test/boot.test',
    ];
    const output = run(copy, 'vitest', 'vitest.mjs', ...args, ...tests);
    expect(output).toMatch(/Test Files {2}3 passed/);
    await expect(create(copy, '--name test-board')).rejects.toThrow(/there is a board of this name/);

    // A mainframe beside it.
    await create(copy, '--package s390x --name test-frame --max-ram-size 1G --max-cpus 2');
    biome(copy, 'packages/s390x/src/boards', 'packages/s390x/src/index.ts', 'packages/s390x/src/architecture.ts');
    run(copy, 'typescript', 'bin/tsc', '-b', 'packages/s390x');
    const mainframe = ['packages/s390x/src/boards/test-frame.test', 'packages/s390x/src/boards/conformance'];
    const said = run(copy, 'vitest', 'vitest.mjs', 'run', '--root', copy, '-t', 'test-frame', ...mainframe);
    expect(said).toMatch(/Test Files {2}2 passed/);
  });
});

const built = ['core', 'devices', 'riscv', 's390x', 'testing', 'cli'].every((name) =>
  existsSync(join(ROOT, 'packages', name, 'dist/index.js')),
);
if (!built) console.log('skipped: nothing is built');

/** Installs what a package declares, as `npm install` would, and does all that its scripts do. */
function checkPackage(own: string): void {
  const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    const from = join(ROOT, 'tools/create-board/node_modules', name);
    mkdirSync(dirname(join(own, 'node_modules', name)), { recursive: true });
    symlinkSync(from, join(own, 'node_modules', name), 'junction');
  }
  biome(own, 'src');
  run(own, 'typescript', 'bin/tsc', '-p', 'tsconfig.json');
  expect(run(own, 'vitest', 'vitest.mjs', 'run', '--root', own)).toMatch(/Test Files {2}1 passed/);
  run(own, 'typescript', 'bin/tsc', '-p', 'tsconfig.build.json');
}

describe.skipIf(!built)('a board in a package of its own', () => {
  it('is made, well formed, typed, tested, built, and boots with --load', { timeout: LONG }, async () => {
    const printed = await create(
      folder,
      "--out my-board --name own-board --ram-size 32M --max-ram-size 64M --description 'my own'",
    );
    expect(printed).toContain('npx boardwalk-system-riscv64 --load dist/index.js -M own-board');
    const own = join(folder, 'my-board');
    checkPackage(own);
    const cli = join(ROOT, 'packages/cli/bin/boardwalk-system-riscv64.js');
    const args = [cli, '--load', 'dist/index.js', '-M', 'own-board', '-nographic', '-bios', HELLO];
    expect(execFileSync(process.execPath, args, { cwd: own, encoding: 'utf8' })).toContain('Hello from the guest');
    await expect(create(folder, '--out my-board --name other')).rejects.toThrow(/is not empty/);
  });

  it('is made for a mainframe, too', { timeout: LONG }, async () => {
    const printed = await create(folder, '--out my-frame --package s390x --name own-frame --ram-sizes 64M,1G');
    expect(printed).toContain(
      'npx boardwalk-system-s390x --load dist/index.js -M own-frame -nographic -kernel program',
    );
    checkPackage(join(folder, 'my-frame'));
    const cli = join(ROOT, 'packages/cli/bin/boardwalk-system-s390x.js');
    const args = [cli, '--load', 'dist/index.js', '-M', 'own-frame', '-m', '65M', '-nographic'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: join(folder, 'my-frame'), encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'boardwalk-system-s390x: -m: Invalid RAM size, should be 64 MiB or 1 GiB\n',
    });
  });
});

describe('what is wrong', () => {
  const place = join(folder, 'nothing');
  mkdirSync(place);

  it.each([
    ['--out new', '--name is missing'],
    ["--out new --name 'a b'", "--name 'a b': a name has letters, digits"],
    ['--out new --name none', 'every architecture has the board none'],
    ['--out new --name x --package arm', "--package 'arm': there are boards for riscv, s390x"],
    ['--out new --name x --package s390x --ram-size 1028K', 'storage is a multiple of 1M, not 1028 KiB'],
    ['--name x', "this is not Boardwalk's repository"],
    ['--out new --name x --ram-size 5', "--ram-size '5': a size is a multiple of 4K"],
    ['--out new --name x --ram-size 64M --ram-sizes 1G', '--ram-size 64 MiB is not among --ram-sizes 1 GiB'],
    ['--out new --name x --ram-size 2G --max-ram-size 1G', '--ram-size 2 GiB is above --max-ram-size 1 GiB'],
    ['--out new --name x --ram-sizes 1G --max-ram-size 1G', 'a board has the one or the other'],
    ['--out new --name x --max-cpus 0', "--max-cpus '0': a number from 1"],
    ['--out new --name x --cpu R!', "--cpu 'R!'"],
    ['--out new --name x --ram-id /x', "--ram-id '/x'"],
    ['--out new --name x --what', "Unknown option '--what'"],
  ])('%s: says so in one line and writes nothing', async (args, text) => {
    const before = snapshot(folder);
    const made = create(place, args);
    await expect(made).rejects.toThrow(Mistake);
    const { message } = (await made.catch((error: Error) => error)) as Error;
    expect(message).toContain(text);
    expect(message).not.toContain('\n');
    expect(snapshot(folder)).toEqual(before);
    expect(existsSync(join(place, 'new'))).toBe(false);
  });

  it('takes everything back when a file cannot be written', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const before = snapshot(folder);
    await expect(create(folder, '--out blocked/new --name x')).rejects.toThrow(Mistake);
    expect(snapshot(folder)).toEqual(before);
  });
});

describe('a terminal', () => {
  it('is asked for what is missing, and nothing else', async () => {
    await create(folder, '--out asked', ['asked-board', '']);
    const board = readFileSync(join(folder, 'asked/src/asked-board.ts'), 'utf8');
    expect(board).toContain("description: 'asked-board board'");
    await expect(create(folder, '--out unasked', [''])).rejects.toThrow('--name is missing');
    await create(folder, '--out named --name given', ['not asked']);
    expect(readFileSync(join(folder, 'named/src/given.ts'), 'utf8')).toContain("name: 'given'");
  });

  it('is told how to use it', async () => {
    expect(await create(folder, '--help')).toMatch(/^usage: create-board --name NAME/);
  });
});
