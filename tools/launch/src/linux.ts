import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  cacheFolder,
  type FetchOptions,
  fetchDebianFiles,
  readDebianKernel,
  type UnpackedPackage,
  writeFileAtomically,
} from '@boardwalk/debian';
import { buildInitramfs } from '@boardwalk/initramfs';

const KERNEL_PATTERN = 'linux-image-*-riscv64';
const OPENSBI = 'usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

/** Where packages come from; as for {@link fetchDebianFiles}. */
export type DebianSource = Omit<FetchOptions, 'packages' | 'arch'>;

/** Debian's Linux for riscv64, ready to boot: paths of files in the cache. */
export interface LinuxGuest {
  /** OpenSBI's `fw_dynamic.bin`. */
  readonly firmware: string;
  /** The raw kernel Image. */
  readonly kernel: string;
  /** Our initramfs with Debian's busybox. */
  readonly initrd: string;
  /** The packages that it was made from. */
  readonly packages: readonly UnpackedPackage[];
}

/** Takes Debian's kernel, busybox and OpenSBI, and writes the initramfs. */
export async function prepareLinux(source: DebianSource = {}): Promise<LinuxGuest> {
  const packages = await fetchDebianFiles({
    ...source,
    packages: [KERNEL_PATTERN, 'busybox-static', 'opensbi'],
    arch: 'riscv64',
  });
  const [kernelPackage, busyboxPackage, opensbiPackage] = packages;
  if (!kernelPackage || !busyboxPackage || !opensbiPackage) throw new Error('fetchDebianFiles left out a package');
  const kernel = await readDebianKernel(kernelPackage.dir);
  const folder = join(source.cache ?? cacheFolder(), 'linux', basename(kernelPackage.dir));
  await mkdir(folder, { recursive: true });
  const image = join(folder, 'Image');
  const size = await stat(image).then(
    (found) => found.size,
    () => -1,
  );
  if (size !== kernel.image.length) await writeFileAtomically(image, kernel.image);
  const initrd = join(folder, 'initrd.cpio');
  const busybox = await readFile(join(busyboxPackage.dir, 'usr/bin/busybox'));
  await writeFileAtomically(initrd, await buildInitramfs({ busybox, kernel }));
  return { firmware: join(opensbiPackage.dir, OPENSBI), kernel: image, initrd, packages };
}

/** Takes only the machine-mode firmware, for a kernel of the user's own. */
export async function prepareFirmware(source: DebianSource = {}): Promise<string> {
  const [opensbi] = await fetchDebianFiles({ ...source, packages: ['opensbi'], arch: 'riscv64' });
  if (!opensbi) throw new Error('fetchDebianFiles left out a package');
  return join(opensbi.dir, OPENSBI);
}
