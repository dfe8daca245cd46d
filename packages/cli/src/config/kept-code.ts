// Translated code that is kept from one run to the next that starts alike.

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodeStore } from '@boardwalk/core';
import { codeFiles } from '@boardwalk/host-node';
import { architectureModule } from '../architectures.ts';
import type { CommandLine } from '../options/command-line.ts';
import type { ValueOption } from '../options/table.ts';

/** Options that say what the guest is and starts with. With others in their place it runs the same code. */
const OF_THE_GUEST: readonly ValueOption[] = [
  'machine',
  'cpu',
  'smp',
  'm',
  'numa',
  'accel',
  'kernel',
  'initrd',
  'append',
  'dtb',
  'bios',
  'boot',
  'drive',
  'blockdev',
  'pflash',
  'device',
  'object',
  'global',
  'incoming',
];

/**
 * Undefined where it cannot be told what becomes of guest code: modules of the user's may change that, and an architecture may come from
 * elsewhere than an installed package.
 *
 * @param folder where the files are
 */
export function keptCode(line: CommandLine, arch: string, folder: string): CodeStore | undefined {
  const stamp = line.has('load') ? undefined : programStamp(arch);
  const guest = OF_THE_GUEST.map((name) => line.all(name));
  return stamp && codeFiles(folder, JSON.stringify([arch, stamp]), JSON.stringify(guest));
}

/** What the program is: Node's engine, and those of its own parts that decide what becomes of guest code, by size and time of their files. */
function programStamp(arch: string): readonly string[] | undefined {
  try {
    const packages = ['@boardwalk/core', '@boardwalk/translator'].map((name) => import.meta.resolve(name));
    return [process.versions.v8, ...[...packages, architectureModule(arch)].flatMap(filesBeside)];
  } catch {
    return undefined;
  }
}

/** Names, sizes and times of a module's files. A bundle has all code beside its entry; to look through folders of declarations takes long. */
function filesBeside(url: string): readonly string[] {
  const folder = dirname(fileURLToPath(url));
  const recursive = url.endsWith('.ts');
  const names = readdirSync(folder, { encoding: 'utf8', recursive }).filter((name) => /(?<!\.d)\.[jt]s$/.test(name));
  return names.sort().map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
}
