// A private apt: its own configuration, package lists and archive folder, so that it needs no root, changes nothing
// on the machine and can look at another suite and architecture (apt.conf(5), sources.list(5), apt-secure(8)).
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DebianError } from './errors.ts';
import { type FetchProgress, parseAptStatus } from './progress.ts';
import type { Runner, RunResult } from './runner.ts';
import { compareVersions } from './versions.ts';

/** What a private apt looks at. */
export interface AptSource {
  /** The folder that holds its configuration and state. */
  readonly root: string;
  readonly suite: string;
  readonly arch: string;
  readonly mirror: string;
  /** The keyring that the suite's signature must verify against. */
  readonly keyring: string;
  /** Lines of apt.conf taken over from the machine: its proxies and the like. */
  readonly acquireSettings: readonly string[];
}

/** A package as the suite's index describes it. */
export interface PackageEntry {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The archive's size in bytes. */
  readonly size: number;
}

type OnProgress = (progress: FetchProgress) => void;

export class PrivateApt {
  readonly #source: AptSource;
  readonly #run: Runner;
  readonly #env: Readonly<Record<string, string>>;

  constructor(source: AptSource, run: Runner) {
    this.#source = source;
    this.#run = run;
    this.#env = { APT_CONFIG: join(source.root, 'apt.conf') };
  }

  /** Writes the configuration and makes the folders. */
  async prepare(): Promise<void> {
    const { root } = this.#source;
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'sources', 'preferences']) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await writeFile(join(root, 'state/status'), '');
    await writeFile(join(root, 'sources/debian.sources'), formatSources(this.#source));
    await writeFile(join(root, 'apt.conf'), formatConfiguration(this.#source));
  }

  /**
   * Loads the suite's package index and checks its signature.
   *
   * @throws DebianError `untrusted` when it is unsigned or signed by somebody else, `network` when it cannot be had.
   */
  async update(onProgress: OnProgress): Promise<void> {
    const detail = `package index of ${this.#source.suite}`;
    onProgress({ phase: 'index', percent: 0, detail });
    const result = await this.#apt(
      'apt-get',
      ['update', '-o', 'APT::Update::Error-Mode=any', '-o', 'APT::Status-Fd=3'],
      (percent) => onProgress({ phase: 'index', percent, detail }),
    );
    if (result.status !== 0) throw transferError(result, `the package index of Debian ${this.#source.suite}`);
    onProgress({ phase: 'index', percent: 100, detail });
  }

  /**
   * Finds the newest package with a name, or whose name fits a pattern in which `*` stands for anything.
   * Among equally new ones the shortest name wins: the plain kernel, not a flavour of it.
   */
  async find(request: string): Promise<PackageEntry> {
    const names = request.includes('*') ? await this.#namesLike(request) : [request];
    const entries = names.length > 0 ? await this.#show(names) : [];
    const newest = entries.sort(
      (a, b) => compareVersions(b.version, a.version) || a.name.length - b.name.length || (a.name < b.name ? -1 : 1),
    )[0];
    if (newest) return newest;
    const { suite, arch } = this.#source;
    throw new DebianError('not-found', `Debian ${suite} (${arch}) has no package ${request}`);
  }

  /**
   * The packages that a system with these has: those marked essential and all dependencies too.
   *
   * @throws DebianError `not-found` when there is no such package, or they cannot be had together.
   */
  async resolve(requests: readonly string[]): Promise<PackageEntry[]> {
    const result = await this.#apt('apt-get', [
      'install',
      '--simulate',
      '--no-install-recommends',
      '?essential',
      ...requests,
    ]);
    if (result.status !== 0) {
      const reason = /^E: (.*)$/m.exec(result.stderr)?.[1] ?? `status ${result.status}`;
      throw new DebianError('not-found', `${requests.join(', ')}: ${reason}`);
    }
    const versions = parseInstallations(result.stdout);
    const entries = await this.#show([...versions.keys()]);
    return entries.filter(({ name, version }) => versions.get(name) === version);
  }

  /** Downloads packages into `folder`; apt checks each against the signed index. */
  async download(packages: readonly PackageEntry[], folder: string, onProgress: OnProgress): Promise<void> {
    const bytes = packages.reduce((sum, entry) => sum + entry.size, 0);
    const names = packages.map((entry) => entry.name).join(', ');
    const detail = `${(bytes / 1e6).toFixed(1)} MB: ${names}`;
    onProgress({ phase: 'download', percent: 0, detail });
    const result = await this.#apt(
      'apt-get',
      ['download', '-o', 'APT::Status-Fd=3', ...packages.map((entry) => `${entry.name}=${entry.version}`)],
      (percent) => onProgress({ phase: 'download', percent, detail }),
      folder,
    );
    if (result.status !== 0) throw transferError(result, names);
    onProgress({ phase: 'download', percent: 100, detail });
  }

  async #namesLike(pattern: string): Promise<string[]> {
    const prefix = pattern.slice(0, pattern.indexOf('*'));
    const result = await this.#apt('apt-cache', ['pkgnames', prefix]);
    const fits = new RegExp(`^${pattern.split('*').map(escapeRegExp).join('.*')}$`);
    return result.stdout.split('\n').filter((name) => fits.test(name));
  }

  async #show(names: readonly string[]): Promise<PackageEntry[]> {
    const result = await this.#apt('apt-cache', ['show', ...names]);
    return parsePackageEntries(result.stdout).filter((entry) => names.includes(entry.name));
  }

  async #apt(
    command: string,
    args: readonly string[],
    onPercent?: (percent: number) => void,
    cwd?: string,
  ): Promise<RunResult> {
    const result = await this.#run(command, args, {
      env: this.#env,
      ...(cwd === undefined ? {} : { cwd }),
      ...(onPercent && {
        onStatusLine: (line: string) => {
          const status = parseAptStatus(line);
          if (status) onPercent(status.percent);
        },
      }),
    });
    if (result.status === 127) throw new DebianError('no-apt', `this system has no ${command}`);
    return result;
  }
}

/** The one stanza of the private apt's sources. */
export function formatSources(source: AptSource): string {
  return [
    'Types: deb',
    `URIs: ${source.mirror}`,
    `Suites: ${source.suite}`,
    'Components: main',
    `Architectures: ${source.arch}`,
    `Signed-By: ${source.keyring}`,
    '',
  ].join('\n');
}

/**
 * The private apt.conf. apt reads it first, so it also turns off the machine's own configuration (hooks, pins,
 * further sources); the login data for mirrors, which a private mirror may need, stays readable.
 */
export function formatConfiguration(source: AptSource): string {
  const { root, arch } = source;
  const lines = [
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    'Dir::Etc::sourcelist "/dev/null";',
    `Dir::Etc::sourceparts "${join(root, 'sources')}";`,
    'Dir::Etc::preferences "/dev/null";',
    `Dir::Etc::preferencesparts "${join(root, 'preferences')}";`,
    'Dir::Etc::trusted "/dev/null";',
    'Dir::Etc::trustedparts "/dev/null";',
    `Dir::State "${join(root, 'state')}";`,
    `Dir::State::status "${join(root, 'state/status')}";`,
    `Dir::Cache "${join(root, 'cache')}";`,
    `APT::Architecture "${arch}";`,
    `APT::Architectures { "${arch}"; };`,
    'APT::Sandbox::User "root";',
    'Acquire::Retries "2";',
    'Acquire::Languages { "none"; };',
    ...source.acquireSettings,
    'APT::Get::AllowUnauthenticated "false";',
    'Acquire::AllowInsecureRepositories "false";',
    'Acquire::AllowDowngradeToInsecureRepositories "false";',
    'Acquire::AllowWeakRepositories "false";',
  ];
  return `${lines.join('\n')}\n`;
}

/** Versions by name, from what `apt-get --simulate` says it would do: lines `Inst NAME (VERSION ...)`. */
export function parseInstallations(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name = '', version = '']) => [name, version]));
}

/** Reads the stanzas that `apt-cache show` prints. */
export function parsePackageEntries(text: string): PackageEntry[] {
  const entries: PackageEntry[] = [];
  for (const stanza of text.split(/\n{2,}/)) {
    const fields = new Map<string, string>();
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z-]+): (.*)$/.exec(line);
      if (match) fields.set(match[1] ?? '', match[2] ?? '');
    }
    const name = fields.get('Package');
    const version = fields.get('Version');
    const architecture = fields.get('Architecture');
    if (name && version && architecture) {
      entries.push({ name, version, architecture, size: Number(fields.get('Size') ?? 0) });
    }
  }
  return entries;
}

/** One line for a failed transfer: apt's own first error, and whether it was about trust. */
function transferError(result: RunResult, subject: string): DebianError {
  const messages = result.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  const first = (messages.find((line) => line.startsWith('E: ')) ?? messages[0] ?? `status ${result.status}`).slice(3);
  const untrusted =
    /not signed|NO_PUBKEY|signatures? (couldn't|could not) be verified|invalid signature|unauthenticated/i;
  if (untrusted.test(result.stderr)) {
    return new DebianError('untrusted', `${subject}: refused, its signature does not verify: ${first}`);
  }
  return new DebianError('network', `${subject} cannot be fetched: ${first}`);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
