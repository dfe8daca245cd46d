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

/**
 * The package of an architecture.
 * @throws UserError if there is no such architecture, or its package is not installed
 */
export async function loadArchitecture(arch: string, importModule: ImportModule): Promise<ArchitecturePackage> {
  const name = Object.keys(PACKAGES).find((candidate) => PACKAGES[candidate]?.includes(arch));
  if (name === undefined) throw new UserError(`there is no architecture '${arch}'`);
  const exports = await importModule(name).catch((error: unknown) => {
    if (isNotInstalled(error, name)) {
      throw new UserError(`the architecture ${arch} is not installed: npm install ${name}`);
    }
    throw error;
  });
  const architecture = 'architecture' in exports ? exports.architecture : undefined;
  if (!isArchitecture(architecture)) throw new UserError(`${name} has no architecture for this program: update it`);
  if (!architecture.names.includes(arch)) {
    throw new UserError(`${name} has no ${arch} in this version, only ${architecture.names.join(', ')}`);
  }
  return architecture;
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
