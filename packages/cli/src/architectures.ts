// Which package has which architecture, and how it is found.

import { type ArchitecturePackage, UserError } from '@boardwalk/core';

/** npm packages by the architectures in them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@boardwalk/alpha': ['alpha'],
  '@boardwalk/arm': ['arm', 'aarch64'],
  '@boardwalk/cris': ['cris'],
  '@boardwalk/hppa': ['hppa'],
  '@boardwalk/lm32': ['lm32'],
  '@boardwalk/m68k': ['m68k'],
  '@boardwalk/mips': ['mips', 'mipsel', 'mips64', 'mips64el'],
  '@boardwalk/ppc': ['ppc', 'ppc64'],
  '@boardwalk/riscv': ['riscv32', 'riscv64'],
  '@boardwalk/s390x': ['s390x'],
  '@boardwalk/sparc': ['sparc', 'sparc64'],
  '@boardwalk/x86': ['i386', 'x86_64'],
};

/** Imports a module by its name; tests give one of their own. */
export type ImportModule = (name: string) => Promise<object>;

/** Every architecture that there is a program for. */
export const ARCHITECTURES: readonly string[] = Object.values(PACKAGES).flat();

function packageOf(arch: string): string {
  const name = Object.keys(PACKAGES).find((candidate) => PACKAGES[candidate]?.includes(arch));
  if (name === undefined) throw new UserError(`there is no architecture '${arch}'`);
  return name;
}

/** URL of the module of an architecture's package, for threads to import. */
export function architectureModule(arch: string): string {
  return import.meta.resolve(packageOf(arch));
}

/** What to install for an architecture that is not there; undefined if it is. */
export function missingPackage(arch: string, found: ArchitecturePackage | undefined): string | undefined {
  return found === undefined ? packageOf(arch) : undefined;
}

/**
 * The package of an architecture; undefined if it is not installed.
 * @throws UserError if there is no such architecture, or the package has it not
 */
export async function findArchitecture(
  arch: string,
  importModule: ImportModule,
): Promise<ArchitecturePackage | undefined> {
  const name = packageOf(arch);
  const exports = await importModule(name).catch((error: unknown) => {
    if (isNotInstalled(error, name)) return undefined;
    throw error;
  });
  if (exports === undefined) return undefined;
  const architecture = 'architecture' in exports ? exports.architecture : undefined;
  if (!isArchitecture(architecture)) throw new UserError(`${name} has no architecture for this program: update it`);
  return architecture.names.includes(arch) ? architecture : undefined;
}

/** The package itself is missing, not something that it imports. */
function isNotInstalled(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && error.message.includes(`'${name}'`);
}

function isArchitecture(value: unknown): value is ArchitecturePackage {
  if (typeof value !== 'object' || value === null) return false;
  const { names, boards, cpuModels } = value as Partial<Record<keyof ArchitecturePackage, unknown>>;
  return Array.isArray(names) && Array.isArray(boards) && typeof cpuModels === 'function';
}
