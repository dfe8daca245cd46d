import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, withLock } from './cache.ts';
import { type FetchOptions, fetchDebianFiles } from './fetch.ts';
import { pickMirror } from './mirror.ts';
import type { Runner } from './runner.ts';

const INDEX = [
  { name: 'linux-image-6.12.94+deb13-riscv64', version: '6.12.94-1', arch: 'riscv64' },
  { name: 'linux-image-6.12.107+deb13-riscv64', version: '6.12.107-1', arch: 'riscv64' },
  { name: 'linux-image-6.12.107+deb13-cloud-riscv64', version: '6.12.107-1', arch: 'riscv64' },
  { name: 'linux-image-6.12.107+deb13-riscv64-dbg', version: '6.12.107-1', arch: 'riscv64' },
  { name: 'busybox-static', version: '1:1.37.0-6', arch: 'riscv64' },
];

let folder = '';
let calls: string[] = [];
let updateError: string | undefined;

/** An apt of our own: one index, archives that hold one file. */
const fakeApt: Runner = async (command, args, options = {}) => {
  const words = args.filter((arg, i) => arg !== '-o' && args[i - 1] !== '-o');
  calls.push([command, words[0]].join(' '));
  const ok = (stdout = '') => ({ status: 0, stdout, stderr: '' });
  switch (`${command} ${words[0]}`) {
    case 'apt-get indextargets':
      return ok('Other|http://mirror.test/other\nDebian|http://mirror.test/debian/\n');
    case 'apt-config dump':
      return ok('Acquire "";\nAcquire::http::Proxy "http://proxy.test";\nDPkg::Pre-Invoke:: "touch /bad";\n');
    case 'apt-get update':
      options.onStatusLine?.('dlstatus:1:50.0:Retrieving file 1 of 2');
      return updateError === undefined ? ok() : { status: 100, stdout: '', stderr: updateError };
    case 'apt-cache pkgnames':
      return ok(INDEX.map((entry) => entry.name).join('\n'));
    case 'apt-cache show':
      return ok(
        INDEX.filter((entry) => words.includes(entry.name))
          .map((e) => `Package: ${e.name}\nVersion: ${e.version}\nArchitecture: ${e.arch}\nSize: 1000\n`)
          .join('\n'),
      );
    case 'apt-get download':
      for (const request of words.slice(1)) {
        await writeFile(join(options.cwd ?? '', `${request.replace('=', '_').replace(':', '%3a')}_riscv64.deb`), 'deb');
      }
      return ok();
    case 'dpkg-deb --extract':
      await mkdir(words[2] ?? '', { recursive: true });
      await writeFile(join(words[2] ?? '', 'content'), words[1] ?? '');
      return ok();
    default:
      return { status: 127, stdout: '', stderr: '' };
  }
};

const fetch = (packages: string[], options: Partial<FetchOptions> = {}) =>
  fetchDebianFiles({ packages, cache: folder, keyring: '/keys.gpg', run: fakeApt, ...options });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boardwalk-debian-'));
  calls = [];
  updateError = undefined;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('fetchDebianFiles', () => {
  it('takes the newest package that fits a pattern, and the plain one of two equally new', async () => {
    const [kernel, busybox] = await fetch(['linux-image-*-riscv64', 'busybox-static']);
    expect(kernel).toMatchObject({ name: 'linux-image-6.12.107+deb13-riscv64', version: '6.12.107-1' });
    expect(await readFile(join(kernel?.dir ?? '', 'content'), 'utf8')).toContain(kernel?.name);
    expect(busybox).toMatchObject({ name: 'busybox-static', version: '1:1.37.0-6', architecture: 'riscv64' });
  });

  it('asks nobody when the cache has it', async () => {
    const first = await fetch(['busybox-static']);
    calls = [];
    expect(await fetch(['busybox-static'])).toEqual(first);
    expect(calls).toEqual([]);
  });

  it('looks again on refresh, but downloads only what is new', async () => {
    await fetch(['busybox-static']);
    calls = [];
    await fetch(['busybox-static'], { refresh: true });
    expect(calls).toContain('apt-get update');
    expect(calls).not.toContain('apt-get download');
  });

  it('downloads again when the unpacked files are gone', async () => {
    const [first] = await fetch(['busybox-static']);
    await rm(first?.dir ?? '', { recursive: true });
    calls = [];
    await fetch(['busybox-static']);
    expect(calls).toContain('apt-get download');
  });

  it("gives apt the machine's mirror and proxy, the keyring, and none of its hooks", async () => {
    await fetch(['busybox-static'], { suite: 'trixie' });
    const root = join(folder, 'debian/trixie-riscv64/apt');
    const sources = await readFile(join(root, 'sources/debian.sources'), 'utf8');
    expect(sources).toContain('URIs: http://mirror.test/debian/\nSuites: trixie\n');
    expect(sources).toContain('Signed-By: /keys.gpg\n');
    const configuration = await readFile(join(root, 'apt.conf'), 'utf8');
    expect(configuration).toContain('Acquire::http::Proxy "http://proxy.test";');
    expect(configuration).not.toContain('Pre-Invoke');
    expect(configuration.lastIndexOf('AllowInsecureRepositories "false"')).toBeGreaterThan(
      configuration.indexOf('Acquire::http::Proxy'),
    );
  });

  it('keeps the packages of a mirror that was named apart', async () => {
    const [mine] = await fetch(['busybox-static']);
    const [other] = await fetch(['busybox-static'], { mirror: 'http://other.test/debian' });
    expect(dirname(other?.dir ?? '')).not.toBe(dirname(mine?.dir ?? ''));
  });

  it('two at the same time download once', async () => {
    await Promise.all([fetch(['busybox-static']), fetch(['busybox-static'])]);
    expect(calls.filter((call) => call === 'apt-get download')).toHaveLength(1);
  });

  it('reports progress in per cent', async () => {
    const seen: string[] = [];
    await fetch(['busybox-static'], { onProgress: (p) => seen.push(`${p.phase} ${p.percent}`) });
    expect(seen).toEqual(['index 0', 'index 50', 'index 100', 'download 0', 'download 100', 'unpack 0', 'unpack 100']);
  });
});

describe('what goes wrong', () => {
  it.each([
    ['untrusted', "E: The repository 'x trixie InRelease' is not signed.\n", 'signature does not verify'],
    ['network', 'E: Failed to fetch x Could not connect\n', 'cannot be fetched: Failed to fetch x'],
  ])('%s', async (reason, stderr, message) => {
    updateError = stderr;
    await expect(fetch(['busybox-static'])).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message),
    });
  });

  it('no such package', async () => {
    await expect(fetch(['nothing-like-it'])).rejects.toMatchObject({ reason: 'not-found' });
    await expect(fetch(['nothing-*'])).rejects.toMatchObject({ reason: 'not-found' });
  });

  it('no apt', async () => {
    const run: Runner = async () => ({ status: 127, stdout: '', stderr: '' });
    await expect(fetch(['busybox-static'], { run })).rejects.toMatchObject({ reason: 'no-apt' });
  });

  it.each<Partial<FetchOptions>>([
    { suite: 'tri xie' },
    { suite: '../x' },
    { arch: 'riscv64";' },
    { mirror: 'no address' },
    { packages: ['-o'] },
  ])('a malformed option: %j', async (options) => {
    await expect(fetch(['busybox-static'], options)).rejects.toMatchObject({ reason: 'bad-option' });
    expect(calls).toEqual([]);
  });
});

describe('the mirror', () => {
  it("is the one whose index is Debian's own", () => {
    expect(pickMirror('Debian-Security|http://a/debian-security/\nDebian|http://b/x/\n')).toBe('http://b/x/');
  });

  it('is known by its folder when no index was loaded', () => {
    const targets = '$(LABEL)|http://a/debian-security/\n$(LABEL)|http://b/node_20.x\n$(LABEL)|http://c/debian/\n';
    expect(pickMirror(targets)).toBe('http://c/debian/');
  });

  it('is missing on another distribution', () => {
    expect(pickMirror('Ubuntu|http://a/ubuntu/\n')).toBeUndefined();
  });
});

describe('the cache', () => {
  it('lies where the environment says', () => {
    expect(cacheFolder({ BOARDWALK_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe(join('/x', 'boardwalk'));
    expect(cacheFolder({ LOCALAPPDATA: '/l' }, 'win32')).toBe(join('/l', 'boardwalk'));
    expect(cacheFolder({}, 'linux')).toMatch(/boardwalk$/);
  });

  it('takes over the lock of a process that is gone', async () => {
    const lock = join(folder, 'lock');
    await writeFile(lock, '999999999');
    expect(await withLock(lock, async () => 'done')).toBe('done');
    await writeFile(lock, '');
    await utimes(lock, 1000, 1000);
    expect(await withLock(lock, async () => 'done')).toBe('done');
  });
});
