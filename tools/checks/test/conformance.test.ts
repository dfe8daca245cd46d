/** Every board of every architecture package runs the conformance suite in that package's own tests, the board `none` too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { type ArchitecturePackage, type BoardDefinition, BoardRegistry } from '../../../packages/core/src/index.ts';

const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url));

const runs = vi.hoisted(() => ({ boards: [] as string[] }));
vi.mock('../../../packages/testing/src/index.ts', async (original) => ({
  ...(await original<object>()),
  boardConformance: ({ name, arch }: BoardDefinition) => runs.boards.push(`${arch} ${name}`),
}));

const sources = (name: string): string[] =>
  readdirSync(join(PACKAGES, name, 'src'), { recursive: true, encoding: 'utf8' }).map((file) =>
    join(PACKAGES, name, 'src', file),
  );

const load = (file: string): Promise<Record<string, unknown>> => import(pathToFileURL(file).href);

/** The packages with boards, and the files of theirs that run the suite. */
const found: { name: string; architecture: ArchitecturePackage; suites: string[] }[] = [];
for (const name of readdirSync(PACKAGES)) {
  const { architecture } = sources(name).some((file) => file.endsWith(join('src', 'architecture.ts')))
    ? await load(join(PACKAGES, name, 'src', 'architecture.ts'))
    : {};
  if (architecture === undefined) continue;
  const suites = sources(name).filter(
    (file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('boardConformance('),
  );
  found.push({ name, architecture: architecture as ArchitecturePackage, suites });
}
for (const { suites } of found) for (const file of suites) await load(file);

it('finds the architecture packages', () => {
  expect(found.map(({ name }) => name)).toContain('riscv');
});

it.each(found)('every board of @boardwalk/$name runs the conformance suite', ({ architecture }) => {
  const registry = new BoardRegistry(architecture.boards);
  const boards = architecture.names.flatMap((arch) => registry.list(arch).map(({ name }) => `${arch} ${name}`));
  expect(boards).toContain(`${architecture.names[0]} none`);
  expect(boards.filter((board) => !runs.boards.includes(board))).toEqual([]);
});
