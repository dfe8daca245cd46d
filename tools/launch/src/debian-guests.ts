// What Debian has for the riscv64 virt board, as paths of files in the cache.
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  cacheFolder,
  DebianError,
  exists,
  type FetchOptions,
  fetchDebianFiles,
  readDebianKernel,
  type UnpackedPackage,
  writeFileAtomically,
} from '@boardwalk/debian';
import { buildInitramfs } from '@boardwalk/initramfs';

const KERNEL_PATTERN = 'linux-image-*-riscv64';
const MAINFRAME_KERNEL_PATTERN = 'linux-image-6.1.0-*-s390x';
const MAINFRAME_MODULES = ['virtio_blk', 'virtio_rng', 'virtio_console'];
/** For who wants them. */
const MAINFRAME_SPARE_MODULES = [
  'virtio_scsi',
  'sd_mod',
  'virtio_balloon',
  'virtio_net',
  'virtio_pci',
  'diag288_wdt',
  'crc32c_generic',
  'ext4',
];
const OPENSBI = 'usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
const UBOOT_MACHINE_MODE = 'usr/lib/u-boot/qemu-riscv64/u-boot.bin';
const UBOOT_SUPERVISOR_MODE = 'usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';
const INSTALLER = 'usr/lib/debian-installer/images/13/riscv64/text/debian-installer/riscv64';

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

/** Debian's Linux for s390x, ready to boot: paths of files in the cache. */
export interface MainframeGuest {
  /** The whole `vmlinuz`, which unpacks itself. */
  readonly kernel: string;
  /** Our initramfs with Debian's busybox. */
  readonly initrd: string;
  readonly packages: readonly UnpackedPackage[];
}

/** Takes kernel and busybox of Debian 12 for s390x, and writes the initramfs. Virtio over channel I/O is built into the kernel. */
export async function prepareMainframeLinux(source: DebianSource = {}): Promise<MainframeGuest> {
  const packages = await fetchDebianFiles({
    ...source,
    suite: source.suite ?? 'bookworm',
    packages: [MAINFRAME_KERNEL_PATTERN, 'busybox-static'],
    arch: 's390x',
  });
  const [kernelPackage, busyboxPackage] = packages;
  if (!kernelPackage || !busyboxPackage) throw new Error('fetchDebianFiles left out a package');
  const kernel = await readDebianKernel(kernelPackage.dir);
  const folder = join(source.cache ?? cacheFolder(), 'linux', basename(kernelPackage.dir));
  await mkdir(folder, { recursive: true });
  const image = join(folder, 'vmlinuz');
  await writeFileAtomically(image, kernel.image);
  const busybox = await readFile(join(busyboxPackage.dir, 'bin/busybox'));
  const modules = { bootModules: MAINFRAME_MODULES, spareModules: MAINFRAME_SPARE_MODULES };
  const archive = await buildInitramfs({ busybox, kernel, ...modules });
  // Named after its contents: another version of this program may use the same cache at this moment.
  const digest = createHash('sha256').update(archive).digest('hex').slice(0, 8);
  const initrd = join(folder, `initrd-${digest}.cpio`);
  if (!(await exists(initrd))) await writeFileAtomically(initrd, archive);
  return { kernel: image, initrd, packages };
}

/** Takes OpenSBI's `fw_dynamic.bin`. */
export async function prepareFirmware(source: DebianSource = {}): Promise<string> {
  return join(await unpacked('opensbi', source), OPENSBI);
}

/** U-Boot's raw images: one to start in machine mode (`-bios`), one to start after OpenSBI (`-kernel`). */
export interface UBoot {
  readonly machineMode: string;
  readonly supervisorMode: string;
}

/** Takes Debian's U-Boot for the virt board. */
export async function prepareUBoot(source: DebianSource = {}): Promise<UBoot> {
  const dir = await unpacked('u-boot-qemu', source);
  return { machineMode: join(dir, UBOOT_MACHINE_MODE), supervisorMode: join(dir, UBOOT_SUPERVISOR_MODE) };
}

/** Takes the kernel and the initrd of Debian 13's installer, its text frontend. */
export async function prepareInstaller(source: DebianSource = {}): Promise<{ kernel: string; initrd: string }> {
  const dir = await unpacked('debian-installer-13-netboot-riscv64', source);
  return { kernel: join(dir, INSTALLER, 'linux'), initrd: join(dir, INSTALLER, 'initrd.gz') };
}

async function unpacked(name: string, source: DebianSource): Promise<string> {
  const [found] = await fetchDebianFiles({ ...source, packages: [name], arch: 'riscv64' });
  if (!found) throw new Error('fetchDebianFiles left out a package');
  return found.dir;
}

/**
 * For tests: what a `prepare` function promises, or undefined where Debian's packages cannot be had (no apt, another
 * distribution, no network). In continuous integration (`CI` is set) they must be there.
 */
export async function ifReachable<T>(prepared: Promise<T>): Promise<T | undefined> {
  return prepared.catch((error: unknown) => {
    if (process.env.CI || !isUnreachable(error)) throw error;
    return undefined;
  });
}

/** Whether an error only says that this machine has no way to Debian's packages. */
export function isUnreachable(error: unknown): error is DebianError {
  return error instanceof DebianError && ['no-apt', 'no-mirror', 'network'].includes(error.reason);
}
