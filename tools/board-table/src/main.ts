// `pnpm docs:boards`: writes docs/boards/index.md from the boards of every architecture package that is built.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArchitecturePackage } from '@boardwalk/core';
import { type BoardPackage, boardTable } from './table.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BOARDS = join(ROOT, 'docs', 'boards');

async function builtPackages(): Promise<BoardPackage[]> {
  const found: BoardPackage[] = [];
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    if (!existsSync(join(ROOT, 'packages', name, 'src', 'architecture.ts'))) continue;
    const file = join(ROOT, 'packages', name, 'dist', 'index.js');
    const { architecture } = (await import(pathToFileURL(file).href)) as { architecture: ArchitecturePackage };
    found.push({ name, architecture });
  }
  return found;
}

writeFileSync(join(BOARDS, 'index.md'), boardTable(await builtPackages(), new Set(readdirSync(BOARDS))));
