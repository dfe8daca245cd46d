import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unxz } from '@boardwalk/debian';
import { type ModuleInfo, readModuleInfo } from './modinfo.ts';

/** A kernel module, uncompressed. */
export interface KernelModule {
  readonly info: ModuleInfo;
  readonly data: Uint8Array;
}

/** The modules of one kernel: which are built in, which are files. */
export class ModuleTree {
  readonly #files: ReadonlyMap<string, string>;
  readonly #builtin: ReadonlySet<string>;

  private constructor(files: ReadonlyMap<string, string>, builtin: ReadonlySet<string>) {
    this.#files = files;
    this.#builtin = builtin;
  }

  /** Looks through a folder as `lib/modules/RELEASE` is. */
  static async open(folder: string): Promise<ModuleTree> {
    const paths = await readdir(join(folder, 'kernel'), { recursive: true });
    const files = new Map<string, string>();
    for (const path of paths) {
      if (/\.ko(\.\w+)?$/.test(path)) files.set(moduleName(path), join(folder, 'kernel', path));
    }
    const builtin = await readFile(join(folder, 'modules.builtin'), 'utf8').catch(() => '');
    return new ModuleTree(files, new Set(builtin.split('\n').filter(Boolean).map(moduleName)));
  }

  /**
   * Modules and all that they depend on, in an order in which they can be loaded. What is built into the kernel is
   * left out.
   *
   * @throws RangeError when the kernel has no such module at all.
   */
  async withDependencies(names: readonly string[]): Promise<KernelModule[]> {
    const loaded = new Map<string, KernelModule>();
    for (const name of names) await this.#collect(moduleName(name), loaded);
    return [...loaded.values()];
  }

  async #collect(name: string, loaded: Map<string, KernelModule>): Promise<void> {
    if (loaded.has(name) || this.#builtin.has(name)) return;
    const path = this.#files.get(name);
    if (path === undefined) throw new RangeError(`this kernel has no module ${name}`);
    const data = await decompress(path, await readFile(path));
    const info = readModuleInfo(data);
    for (const dependency of info.depends) await this.#collect(moduleName(dependency), loaded);
    loaded.set(name, { info, data });
  }
}

/** A module's name from its file's; the kernel takes dashes for underscores. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

async function decompress(path: string, file: Uint8Array): Promise<Uint8Array> {
  if (path.endsWith('.ko')) return file;
  if (path.endsWith('.ko.xz')) return unxz(file);
  if (path.endsWith('.ko.gz')) return gunzipSync(file);
  throw new RangeError(`${basename(path)}: only modules packed with xz or gzip are understood`);
}

/**
 * The file that modprobe finds dependencies in (modules.dep(5)): for each module all that it needs, directly or not, those to
 * load first at the end. All modules lie in one folder.
 * @param modules dependencies before what needs them
 */
export function formatModulesDep(modules: readonly KernelModule[]): string {
  const closures = new Map<string, ReadonlySet<string>>();
  const names = modules.map(({ info }) => moduleName(info.name));
  return modules
    .map(({ info }) => {
      const direct = info.depends.map(moduleName).filter((name) => closures.has(name));
      const all = new Set(direct.flatMap((name) => [name, ...(closures.get(name) ?? [])]));
      closures.set(moduleName(info.name), all);
      const order = names.filter((name) => all.has(name)).reverse();
      return `${moduleName(info.name)}.ko:${order.map((name) => ` ${name}.ko`).join('')}\n`;
    })
    .join('');
}

/** The names under which the kernel asks modprobe for a module (modules.alias). */
export function formatModulesAlias(modules: readonly KernelModule[]): string {
  return modules.flatMap(({ info }) => info.aliases.map((alias) => `alias ${alias} ${info.name}\n`)).join('');
}
