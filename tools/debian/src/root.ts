// The first stage of a Debian system: all packages unpacked into one tree, and the package database says that they are. What is left to do,
// their configuration, runs in the system itself (`dpkg --configure -a`): as debootstrap(8) --foreign leaves it.
import { appendFile, chmod, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DebianArchive } from './archives.ts';
import { DebianError } from './errors.ts';
import { processRunner, type Runner } from './runner.ts';

/** Folders that are links into /usr since Debian 12; packages still name them. */
const MERGED = ['bin', 'sbin', 'lib'];
/** What only people read: left out, as dpkg's own `path-exclude` does. */
const LEFT_OUT = ['./usr/share/doc/*', './usr/share/man/*', './usr/share/locale/*', './usr/share/info/*'];

const EXTRACT =
  'archive=$1 root=$2; shift 2; dpkg-deb --fsys-tarfile "$archive" | tar -x -p --keep-directory-symlink -C "$root" "$@"';

/**
 * Unpacks packages into an empty folder. Owners are right only for root.
 *
 * @throws DebianError when a tool is missing or an archive is damaged
 */
export async function layOutRoot(
  archives: readonly DebianArchive[],
  root: string,
  run: Runner = processRunner,
): Promise<void> {
  const database = join(root, 'var/lib/dpkg');
  for (const folder of MERGED) {
    await mkdir(join(root, 'usr', folder), { recursive: true });
    await symlink(join('usr', folder), join(root, folder));
  }
  for (const folder of ['info', 'updates', 'parts']) await mkdir(join(database, folder), { recursive: true });
  // Packages that can be there for several architectures have files with the architecture in their names.
  await writeFile(join(database, 'info/format'), '1\n');
  await writeFile(join(database, 'available'), '');
  await writeFile(join(database, 'status'), '');
  const exclude = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  for (const { path } of archives) {
    await succeed(run, 'sh', ['-c', EXTRACT, 'sh', path, root, ...exclude]);
    await record(path, database, run);
  }
}

async function succeed(run: Runner, command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, args);
  if (status === 127) throw new DebianError('no-apt', `this system has no ${command}`);
  if (status !== 0) throw new DebianError('not-found', `${command} ${args.join(' ')}: ${stderr.trim().split('\n')[0]}`);
  return stdout;
}

/** Tells dpkg's database of an unpacked package: its files, scripts and description. */
async function record(archive: string, database: string, run: Runner): Promise<void> {
  const control = join(database, 'control.tmp');
  await rm(control, { recursive: true, force: true });
  await succeed(run, 'dpkg-deb', ['--control', archive, control]);
  const description = await readFile(join(control, 'control'), 'utf8');
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(description)?.[1];
  const name = field('Package');
  const qualified = field('Multi-Arch') === 'same' ? `${name}:${field('Architecture')}` : name;
  const info = (kind: string) => join(database, 'info', `${qualified}.${kind}`);
  for (const file of await readdir(control)) {
    if (file === 'control') continue;
    await copyFile(join(control, file), info(file));
    if (/^(pre|post)(inst|rm)$|^config$/.test(file)) await chmod(info(file), 0o755);
  }
  const listing = await succeed(run, 'sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -t', 'sh', archive]);
  await writeFile(info('list'), listing.replace(/^\.\/$/m, '/.').replace(/^\.(\/.*?)\/?$/gm, '$1'));
  const conffiles = await readFile(join(control, 'conffiles'), 'utf8').catch(() => '');
  await appendFile(join(database, 'status'), `${statusEntry(description, conffiles)}\n`);
  await rm(control, { recursive: true });
}

/** A stanza of dpkg's status file for a package that is unpacked and not configured. */
export function statusEntry(control: string, conffiles: string): string {
  const unpacked = control.trimEnd().replace(/^(Package: .*)$/m, '$1\nStatus: install ok unpacked');
  const files = conffiles.split('\n').filter((line) => line.startsWith('/'));
  const list = files.length === 0 ? '' : `\nConffiles:${files.map((file) => `\n ${file} newconffile`).join('')}`;
  return `${unpacked}${list}\n`;
}
