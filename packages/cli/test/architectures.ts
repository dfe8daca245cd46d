// Every architecture package of the checkout, found by its folder: a new one is tested without a word here.

import { existsSync, readdirSync } from 'node:fs';
import type { ArchitecturePackage } from '@boardwalk/core';

const PACKAGES = new URL('../../', import.meta.url);

/** What each package exports as `architecture`. */
export async function architecturePackages(): Promise<readonly ArchitecturePackage[]> {
  const files = readdirSync(PACKAGES)
    .map((name) => new URL(`${name}/src/architecture.ts`, PACKAGES))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(
    files.map((file) => import(file.href) as Promise<{ architecture: ArchitecturePackage }>),
  );
  return modules.map(({ architecture }) => architecture);
}
