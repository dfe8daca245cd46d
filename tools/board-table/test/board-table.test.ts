import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ArchitecturePackage, defineBoard, KiB, MiB, noneBoard, standardRamSize } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { type BoardPackage, boardTable } from '../src/table.ts';
import { FACTS } from './facts.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BOARDS = join(ROOT, 'docs', 'boards');

const packages: BoardPackage[] = [];
for (const name of readdirSync(join(ROOT, 'packages'))) {
  const file = join(ROOT, 'packages', name, 'src', 'architecture.ts');
  if (existsSync(file)) packages.push({ name, ...(await import(pathToFileURL(file).href)) });
}

describe('the table of boards', () => {
  it('in the documentation is that of the code: pnpm docs:boards', () => {
    const made = boardTable(packages, new Set(readdirSync(BOARDS)));
    expect(readFileSync(join(BOARDS, 'index.md'), 'utf8')).toBe(made);
  });

  it('links every board to its page, and has the page of every board', () => {
    const pages = readdirSync(BOARDS).filter((name) => name !== 'index.md');
    const table = readFileSync(join(BOARDS, 'index.md'), 'utf8');
    expect(pages.filter((name) => !table.includes(`](${name})`))).toEqual([]);
    const boards = packages.flatMap(({ name, architecture }) => architecture.boards.map((b) => `${name}-${b.name}.md`));
    expect(boards.filter((name) => !pages.includes(name))).toEqual([]);
  });

  it('says what a board refuses, in its own words', () => {
    const board = { arch: 'a', defaultCpu: 'c', description: 'd|e', maxCpus: 2, build: () => {} };
    const boards = [
      defineBoard({
        ...board,
        name: 'fixed',
        validRamSizes: [MiB(64)],
        defaultRamSize: MiB(64),
        defaultRamId: 'f.ram',
      }),
      defineBoard({ ...board, name: 'most', maxRamSize: MiB(256), defaultRamId: 'm.ram', minCpus: 2 }),
      defineBoard({ ...board, name: 'own', checkRamSize: (n) => (n > MiB(512) ? 'too much of it' : undefined) }),
    ];
    const architecture: ArchitecturePackage = { names: ['a'], boards, cpuModels: () => [] };
    const lines = boardTable([{ name: 'p', architecture }], new Set(['p-own.md'])).split('\n');
    expect(lines).toContain(
      '| p | `fixed` | d\\|e | c, 1 to 2 | `f.ram` | 64 MiB | "Invalid RAM size, should be 64 MiB" |',
    );
    expect(lines).toContain(
      '| p | `most` | d\\|e | c, 2 | `m.ram` | 128 MiB | "RAM size more than 256 MiB is not supported" |',
    );
    expect(lines).toContain('| p | [`own`](p-own.md) | d\\|e | c, 1 to 2 | - | 128 MiB | "too much of it" |');
    expect(lines).toContain('| core | `none` | empty machine | - | `ram` | 0: only if `-m` gives a size | - |');
  });
});

/** The boards of which something is known from elsewhere than their code: a board that only Boardwalk has says what it likes. */
const known = [
  { owner: 'core', board: noneBoard('any') },
  ...packages.flatMap(({ name, architecture }) => architecture.boards.map((board) => ({ owner: name, board }))),
].flatMap(({ owner, board }) => {
  const fact = FACTS.find(([of, , , machines]) => of === owner && machines.split(' ').includes(board.name));
  return fact === undefined ? [] : [{ owner, name: board.name, board, fact }];
});

it('knows boards', () => {
  expect(known.map(({ owner, name }) => `${owner} ${name}`)).toEqual(
    expect.arrayContaining(['core none', 'riscv virt']),
  );
});

it.each(known)('the RAM of $owner $name is called, and as large, as its documentation says', ({ board, fact }) => {
  const [, id, kib] = fact;
  expect([board.defaultRamId, board.defaultRamSize ?? standardRamSize]).toEqual([id, KiB(kib)]);
});
