import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CpioWriter } from './cpio.ts';
import { formatModulesAlias, formatModulesDep, ModuleTree } from './modules.ts';

/** Loaded by our init: the buses and devices of the virt boards. */
const BOOT_MODULES = ['virtio_mmio', 'virtio_blk', 'virtio_rng'];

/** What an initramfs is made of. */
export interface InitramfsOptions {
  /** A statically linked busybox for the guest's architecture. */
  readonly busybox: Uint8Array;
  /** The kernel's release and the folder of its modules; without it none are included. */
  readonly kernel?: { readonly release: string; readonly modules: string } | undefined;
  /** Modules that init loads; default the virtio devices of the virt boards. */
  readonly bootModules?: readonly string[];
  /** Modules that are there for modprobe and mount to load; default none. */
  readonly spareModules?: readonly string[];
}

/**
 * Writes an initramfs: busybox, our init and its test, and the kernel's modules, uncompressed (an emulated processor
 * unpacks slower than a host reads). Init starts a shell on the console, or with `boardwalk.test=NAME` on the kernel's
 * command line checks the machine, says `boardwalk-test: end NAME passed=N failed=N` and turns it off.
 */
export async function buildInitramfs(options: InitramfsOptions): Promise<Uint8Array> {
  const archive = new CpioWriter();
  for (const path of ['dev', 'etc', 'mnt', 'proc', 'root', 'run', 'sbin', 'sys', 'usr/bin', 'usr/sbin', 'var']) {
    archive.directory(path);
  }
  archive.directory('tmp', 0o1777);
  archive.characterDevice('dev/console', 5, 1);
  archive.characterDevice('dev/null', 1, 3, 0o666);
  archive.file('bin/busybox', options.busybox, 0o755).link('bin/sh', 'busybox');
  archive.file('init', await guestFile('init'), 0o755);
  archive.file('bin/boardwalk-test', await guestFile('boardwalk-test'), 0o755);
  archive.file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n').file('etc/group', 'root:x:0:\n');
  const bootModules = options.bootModules ?? BOOT_MODULES;
  if (options.kernel) await addModules(archive, options.kernel, bootModules, options.spareModules ?? []);
  return archive.build();
}

async function addModules(
  archive: CpioWriter,
  kernel: { readonly release: string; readonly modules: string },
  boot: readonly string[],
  spare: readonly string[],
): Promise<void> {
  const tree = await ModuleTree.open(kernel.modules);
  const modules = await tree.withDependencies([...boot, ...spare]);
  const folder = `lib/modules/${kernel.release}`;
  for (const { info, data } of modules) archive.file(`${folder}/${info.name.replaceAll('-', '_')}.ko`, data);
  archive.file(`${folder}/modules.dep`, formatModulesDep(modules));
  archive.file(`${folder}/modules.alias`, formatModulesAlias(modules));
  const load = await tree.withDependencies(boot);
  archive.file('etc/modules', load.map(({ info }) => `${info.name}\n`).join(''));
}

/** The scripts lie beside `src` and `dist`. */
function guestFile(name: string): Promise<Uint8Array> {
  return readFile(fileURLToPath(new URL(`../guest/${name}`, import.meta.url)));
}
