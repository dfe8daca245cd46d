// Where this machine takes its Debian packages from, as apt itself understands its configuration
// (apt-get(8) `indextargets`, sources.list(5), apt.conf(5)).
import { access } from 'node:fs/promises';
import { DebianError } from './errors.ts';
import type { Runner } from './runner.ts';

const TARGET_FORMAT = '$(LABEL)|$(REPO_URI)';

/** Keyrings that the package debian-archive-keyring has had over the releases, the newest name first. */
const ARCHIVE_KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/usr/share/keyrings/debian-archive-keyring.gpg',
];

/**
 * The Debian mirror of this machine's own apt configuration.
 *
 * @throws DebianError `no-apt` or `no-mirror`.
 */
export async function systemMirror(run: Runner): Promise<string> {
  const targets = await run('apt-get', ['indextargets', '--format', TARGET_FORMAT, 'Created-By: Packages']);
  if (targets.status === 127) throw new DebianError('no-apt', 'this system has no apt-get');
  const mirror = pickMirror(targets.stdout);
  if (mirror === undefined) {
    throw new DebianError('no-mirror', "this machine's apt has no Debian mirror configured: name one with --mirror");
  }
  return mirror;
}

/**
 * Chooses among the lines `label|repository` of apt's index targets: the one whose index says Debian, else
 * (no index was ever loaded, so no label is known) the one whose folder is named as Debian's mirrors name it.
 */
export function pickMirror(targets: string): string | undefined {
  const entries = targets
    .split('\n')
    .map((line) => line.split('|'))
    .filter((fields) => fields.length === 2)
    .map(([label = '', uri = '']) => ({ label, uri }));
  const labelled = entries.find((entry) => entry.label === 'Debian');
  return (labelled ?? entries.find((entry) => /\/debian\/?$/.test(entry.uri)))?.uri;
}

/** The acquire settings (proxies, retries, time limits) of this machine, as lines of an apt.conf. */
export async function systemAcquireSettings(run: Runner): Promise<string[]> {
  const dump = await run('apt-config', ['dump']);
  if (dump.status !== 0) throw new DebianError('no-apt', 'this system has no apt-config');
  return dump.stdout
    .split('\n')
    .filter((line) => /^Acquire(::| )/.test(line))
    .filter((line) => !/^Acquire::(IndexTargets|Changelogs|Allow\w*Insecure|AllowWeak)/.test(line));
}

/**
 * The keyring that Debian's archive signatures are checked against.
 *
 * @throws DebianError `untrusted` when this machine has none: nothing is taken without a check.
 */
export async function archiveKeyring(candidates: readonly string[] = ARCHIVE_KEYRINGS): Promise<string> {
  for (const path of candidates) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new DebianError(
    'untrusted',
    "Debian's archive keys are not on this machine: install debian-archive-keyring or name a keyring with --keyring",
  );
}
