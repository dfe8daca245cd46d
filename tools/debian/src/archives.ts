// Debian packages as they are, for a system of one's own: with everything that they depend on.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageEntry, PrivateApt } from './apt.ts';
import { exists, writeFileAtomically } from './cache.ts';
import { DebianError } from './errors.ts';
import { type FetchOptions, inStore } from './fetch.ts';

/** A package file. */
export interface DebianArchive {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The `.deb` in the cache. */
  readonly path: string;
}

/**
 * Package files of a Debian suite: those asked for, those marked essential, and all that they depend on, in the versions that
 * apt chooses; from the cache if it has the answer to the same question. Signatures are checked as {@link fetchDebianFiles} does.
 *
 * @throws DebianError
 */
export async function fetchDebianArchives(options: FetchOptions): Promise<DebianArchive[]> {
  return inStore(options, async ({ root, requests, onProgress, openApt }) => {
    const folder = join(root, 'archives');
    const question = createHash('sha256').update(requests.join(' ')).digest('hex').slice(0, 16);
    const answer = join(folder, `${question}.json`);
    const known = options.refresh ? undefined : await readAnswer(answer, folder);
    if (known) return known;
    const apt = await openApt();
    await apt.update(onProgress);
    const entries = await apt.resolve(requests);
    await download(entries, apt, folder, onProgress);
    const archives = await Promise.all(entries.map((entry) => archiveOf(entry, folder)));
    const names = archives.map(({ path, ...archive }) => ({ ...archive, file: path.slice(folder.length + 1) }));
    await writeFileAtomically(answer, `${JSON.stringify(names, null, 2)}\n`);
    return archives;
  });
}

type Progress = NonNullable<FetchOptions['onProgress']>;
type Recorded = Omit<DebianArchive, 'path'> & { readonly file: string };

async function readAnswer(file: string, folder: string): Promise<DebianArchive[] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const archives = (JSON.parse(text) as Recorded[]).map(({ file: name, ...rest }) => ({
    ...rest,
    path: join(folder, name),
  }));
  for (const { path } of archives) if (!(await exists(path))) return undefined;
  return archives;
}

async function download(entries: readonly PackageEntry[], apt: PrivateApt, folder: string, onProgress: Progress) {
  await mkdir(folder, { recursive: true });
  const wanted: PackageEntry[] = [];
  for (const entry of entries) if ((await findArchive(entry, folder)) === undefined) wanted.push(entry);
  if (wanted.length > 0) await apt.download(wanted, folder, onProgress);
}

async function archiveOf(entry: PackageEntry, folder: string): Promise<DebianArchive> {
  const file = await findArchive(entry, folder);
  if (file === undefined) throw new DebianError('not-found', `apt delivered no archive of ${entry.name}`);
  const { name, version, architecture } = entry;
  return { name, version, architecture, path: join(folder, file) };
}

/** Named as apt does, with a colon in the version written otherwise. */
async function findArchive({ name, version }: PackageEntry, folder: string): Promise<string | undefined> {
  const start = `${name}_${version.replace(':', '%3a')}_`;
  return (await readdir(folder)).find((file) => file.startsWith(start) && file.endsWith('.deb'));
}
