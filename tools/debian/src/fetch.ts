import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PackageEntry, PrivateApt } from './apt.ts';
import { cacheFolder, exists, withLock, writeFileAtomically } from './cache.ts';
import { DebianError } from './errors.ts';
import { archiveKeyring, systemAcquireSettings, systemMirror } from './mirror.ts';
import type { FetchProgress } from './progress.ts';
import { processRunner, type Runner } from './runner.ts';

/** What to fetch, and from where. */
export interface FetchOptions {
  /** Package names; `*` stands for anything in one, and then the newest package that fits is taken. */
  readonly packages: readonly string[];
  /** Debian's suite; default `trixie`, the first stable one with riscv64. */
  readonly suite?: string | undefined;
  /** Debian's architecture; default `riscv64`. */
  readonly arch?: string | undefined;
  /** Address of a Debian mirror; default the one that this machine's apt uses. */
  readonly mirror?: string | undefined;
  /** Keyring file for the archive's signatures; default that of the package debian-archive-keyring. */
  readonly keyring?: string | undefined;
  /** Cache folder; default {@link cacheFolder}. */
  readonly cache?: string | undefined;
  /** Look at the mirror even if the cache has all of it. */
  readonly refresh?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Starts the processes; tests give their own. */
  readonly run?: Runner | undefined;
}

/** A package, unpacked. */
export interface UnpackedPackage {
  /** The name or pattern that was asked for. */
  readonly request: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Folder with the package's files, at their usual paths (`usr/bin/busybox`). */
  readonly dir: string;
}

type Manifest = Record<string, Omit<UnpackedPackage, 'request' | 'dir'>>;

/**
 * Packages of a Debian suite, downloaded through a private apt root and unpacked into the cache: no root needed,
 * nothing installed, signatures checked. What the cache has is used without asking anybody, so it works offline
 * from the second time on.
 *
 * @returns the packages in the order of the requests.
 * @throws DebianError
 */
export async function fetchDebianFiles(options: FetchOptions): Promise<UnpackedPackage[]> {
  return inStore(options, async ({ root, requests, run, onProgress, openApt }) => {
    const store = await PackageStore.open(root);
    const missing = options.refresh ? requests : requests.filter((request) => !store.has(request));
    if (missing.length > 0) {
      const apt = await openApt();
      await apt.update(onProgress);
      await store.fill(missing, apt, run, onProgress);
    }
    return requests.map((request) => store.get(request));
  });
}

/** What a fetch works with, its options checked. */
export interface FetchWork {
  /** The folder of this suite and architecture in the cache. */
  readonly root: string;
  readonly requests: readonly string[];
  readonly run: Runner;
  readonly onProgress: (progress: FetchProgress) => void;
  readonly openApt: () => Promise<PrivateApt>;
}

/** Checks the options, and does the work while nobody else changes the folder. @throws DebianError */
export async function inStore<T>(options: FetchOptions, work: (tools: FetchWork) => Promise<T>): Promise<T> {
  const suite = checked('suite', options.suite ?? 'trixie', /^[a-z][a-z0-9.-]*$/i);
  const arch = checked('architecture', options.arch ?? 'riscv64', /^[a-z][a-z0-9-]*$/);
  const requests = options.packages.map((name) => checked('package name', name, /^[a-z0-9][a-z0-9+.*-]*$/));
  if (options.mirror !== undefined) checked('mirror', options.mirror, /^[a-z0-9+]+:\/?\/?[^\s"]+$/i);
  const root = join(options.cache ?? cacheFolder(), 'debian', storeName(suite, arch, options.mirror));
  const run = options.run ?? processRunner;
  const onProgress = options.onProgress ?? (() => {});
  const apt = () => openApt({ ...options, suite, arch }, join(root, 'apt'), run);
  return withLock(join(root, 'lock'), () => work({ root, requests, run, onProgress, openApt: apt }));
}

function checked(what: string, value: string, allowed: RegExp): string {
  if (!allowed.test(value)) throw new DebianError('bad-option', `not a ${what}: ${JSON.stringify(value)}`);
  return value;
}

/** The store of a mirror that was named is kept apart from that of the machine's own. */
function storeName(suite: string, arch: string, mirror: string | undefined): string {
  const name = `${suite}-${arch}`;
  return mirror === undefined ? name : `${name}-${createHash('sha256').update(mirror).digest('hex').slice(0, 8)}`;
}

async function openApt(
  options: FetchOptions & { suite: string; arch: string },
  root: string,
  run: Runner,
): Promise<PrivateApt> {
  const source = {
    root,
    suite: options.suite,
    arch: options.arch,
    mirror: options.mirror ?? (await systemMirror(run)),
    keyring: options.keyring ?? (await archiveKeyring()),
    acquireSettings: await systemAcquireSettings(run),
  };
  const apt = new PrivateApt(source, run);
  await apt.prepare();
  return apt;
}

/** The unpacked packages of one suite and architecture, and a list of which request each of them answered. */
class PackageStore {
  readonly #root: string;
  readonly #manifest: Manifest;

  private constructor(root: string, manifest: Manifest) {
    this.#root = root;
    this.#manifest = manifest;
  }

  static async open(root: string): Promise<PackageStore> {
    const text = await readFile(join(root, 'manifest.json'), 'utf8').catch(() => '{}');
    const store = new PackageStore(root, JSON.parse(text) as Manifest);
    for (const request of Object.keys(store.#manifest)) {
      if (!(await exists(store.get(request).dir))) delete store.#manifest[request];
    }
    return store;
  }

  has(request: string): boolean {
    return this.#manifest[request] !== undefined;
  }

  get(request: string): UnpackedPackage {
    const entry = this.#manifest[request];
    if (!entry) throw new DebianError('not-found', `${request} is not in the cache`);
    return { request, ...entry, dir: this.#folder(entry) };
  }

  /** Downloads and unpacks what answers the requests, unless the store has exactly that version already. */
  async fill(
    requests: readonly string[],
    apt: PrivateApt,
    run: Runner,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<void> {
    const found = new Map<string, PackageEntry>();
    for (const request of requests) found.set(request, await apt.find(request));
    const wanted: PackageEntry[] = [];
    for (const entry of found.values()) {
      if (!wanted.some((other) => other.name === entry.name) && !(await exists(this.#folder(entry)))) {
        wanted.push(entry);
      }
    }
    if (wanted.length > 0) await this.#download(wanted, apt, run, onProgress);
    for (const [request, { name, version, architecture }] of found) {
      this.#manifest[request] = { name, version, architecture };
    }
    await writeFileAtomically(join(this.#root, 'manifest.json'), `${JSON.stringify(this.#manifest, null, 2)}\n`);
  }

  async #download(
    entries: readonly PackageEntry[],
    apt: PrivateApt,
    run: Runner,
    onProgress: (progress: FetchProgress) => void,
  ): Promise<void> {
    const incoming = join(this.#root, 'incoming');
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
    await apt.download(entries, incoming, onProgress);
    const archives = await readdir(incoming);
    for (const [index, entry] of entries.entries()) {
      const percent = (100 * index) / entries.length;
      onProgress({ phase: 'unpack', percent, detail: entry.name });
      const archive = archives.find((file) => file.startsWith(`${entry.name}_`) && file.endsWith('.deb'));
      if (!archive) throw new DebianError('not-found', `apt delivered no archive of ${entry.name}`);
      await this.#unpack(entry, join(incoming, archive), run);
    }
    onProgress({ phase: 'unpack', percent: 100, detail: '' });
    await rm(incoming, { recursive: true, force: true });
  }

  async #unpack(entry: PackageEntry, archive: string, run: Runner): Promise<void> {
    const partial = `${archive}.unpacked`;
    const result = await run('dpkg-deb', ['--extract', archive, partial]);
    if (result.status === 127) throw new DebianError('no-apt', 'this system has no dpkg-deb');
    if (result.status !== 0) {
      throw new DebianError('not-found', `${entry.name} cannot be unpacked: ${result.stderr.trim().split('\n')[0]}`);
    }
    await mkdir(join(this.#root, 'packages'), { recursive: true });
    await rename(partial, this.#folder(entry));
  }

  #folder(entry: Omit<UnpackedPackage, 'request' | 'dir'>): string {
    return join(this.#root, 'packages', `${entry.name}_${entry.version.replace(':', '%3a')}_${entry.architecture}`);
  }
}
