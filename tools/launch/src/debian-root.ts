// A root file system of Debian for the mainframe, made as debootstrap does: packages are unpacked here, and configure themselves in the guest.
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cacheFolder,
  type DebianArchive,
  DebianError,
  exists,
  fetchDebianArchives,
  layOutRoot,
  processRunner,
} from '@boardwalk/debian';
import { type DebianSource, type MainframeGuest, prepareMainframeLinux } from './debian-guests.ts';

/** What is asked for besides the essential packages and all dependencies. */
const PACKAGES = ['usr-is-merged', 'sysvinit-core', 'python3-minimal', 's390-tools'];
const MiB = 2 ** 20;
const DISK_BYTES = 400 * MiB;
const PARTITION_START = 1 * MiB;
const SECTOR = 512;
const PARTITION_TABLE = 446;
const TYPE_LINUX = 0x83;

const INITTAB = `id:2:initdefault:
si::sysinit:/etc/init.d/rcS
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
T0:2:respawn:/sbin/getty -L ttysclp0 9600 vt220
`;

const ZIPL_CONF = `[defaultboot]
default = debian
[debian]
target = /boot
image = /boot/vmlinuz
ramdisk = /boot/initrd
parameters = "root=/dev/vda1 console=ttysclp0"
`;

/** A kernel that mounts a root file system, and a disk with one. */
export interface MainframeRoot extends MainframeGuest {
  /** The disk after the first stage: one partition with ext4. Not to be written to. */
  readonly firstStage: string;
  /** How many packages are on it. */
  readonly packageCount: number;
}

/**
 * Takes the packages and makes the disk of the first stage. With `root=/dev/vda1 rw boardwalk.chroot=/second-stage` on its command line the
 * kernel configures them; with `root=/dev/vda1` Debian's init starts, and `root` logs in with the password `boardwalk`.
 *
 * @throws DebianError also for whoever is not root: files would belong to the wrong users
 */
export async function prepareMainframeRoot(source: DebianSource = {}): Promise<MainframeRoot> {
  const linux = await prepareMainframeLinux(source);
  const suite = source.suite ?? 'bookworm';
  const archives = await fetchDebianArchives({ ...source, suite, packages: PACKAGES, arch: 's390x' });
  const second = fileURLToPath(new URL('../guest/second-stage', import.meta.url));
  // The initramfs has its digest in its name.
  const files = [linux.kernel, linux.initrd, ...archives.map(({ path }) => path)];
  const facts = [INITTAB, ZIPL_CONF, await readFile(second, 'utf8'), ...files.map((file) => basename(file))];
  const key = createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 16);
  const folder = join(source.cache ?? cacheFolder(), 'roots', `${suite}-s390x-${key}`);
  const firstStage = join(folder, 'first-stage.img');
  if (!(await exists(firstStage))) {
    if (process.getuid?.() !== 0) throw new DebianError('no-apt', 'only root can lay out a root file system');
    await makeFirstStage(firstStage, folder, archives, { linux, second });
  }
  return { ...linux, firstStage, packageCount: archives.length };
}

async function makeFirstStage(
  image: string,
  folder: string,
  archives: readonly DebianArchive[],
  { linux, second }: { readonly linux: MainframeGuest; readonly second: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'work-'));
  try {
    const root = join(work, 'root');
    await layOutRoot(archives, root);
    await writeFile(join(root, 'etc/fstab'), '/dev/vda1 / ext4 errors=remount-ro 0 0\n');
    await writeFile(join(root, 'etc/hostname'), 'boardwalk\n');
    await writeFile(join(root, 'etc/inittab'), INITTAB);
    await writeFile(join(root, 'etc/zipl.conf'), ZIPL_CONF);
    await copyFile(linux.kernel, join(root, 'boot/vmlinuz'));
    await copyFile(linux.initrd, join(root, 'boot/initrd'));
    await copyFile(second, join(root, 'second-stage'));
    await chmod(join(root, 'second-stage'), 0o755);
    await makeDisk(join(work, 'disk.img'), root);
    await rename(join(work, 'disk.img'), image);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A disk with one partition, which holds a tree of files. */
async function makeDisk(image: string, root: string): Promise<void> {
  const blocks = (DISK_BYTES - PARTITION_START) / 1024;
  const options = ['-q', '-d', root, '-E', `offset=${PARTITION_START}`];
  const { status, stderr } = await processRunner('mkfs.ext4', [...options, image, `${blocks}k`]);
  if (status === 127) throw new DebianError('no-apt', 'this system has no mkfs.ext4');
  if (status !== 0) throw new DebianError('not-found', `mkfs.ext4: ${stderr.trim().split('\n').at(-1)}`);
  const file = await open(image, 'r+');
  const table = new Uint8Array(SECTOR - PARTITION_TABLE);
  const view = new DataView(table.buffer);
  table[4] = TYPE_LINUX;
  view.setUint32(8, PARTITION_START / SECTOR, true);
  view.setUint32(12, (DISK_BYTES - PARTITION_START) / SECTOR, true);
  view.setUint16(64, 0xaa55, true);
  await file.write(table, 0, table.length, PARTITION_TABLE);
  await file.truncate(DISK_BYTES);
  await file.close();
}
