import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseInstallations } from './apt.ts';
import { layOutRoot, statusEntry } from './root.ts';

const hasDpkg = (() => {
  try {
    execFileSync('dpkg-deb', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boardwalk-root-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A package with a program in /bin, a configuration file, a page of a manual and a script. */
async function archive(name: string): Promise<string> {
  const tree = join(folder, name);
  const files: Record<string, string> = {
    'DEBIAN/control': `Package: ${name}\nVersion: 1:2.0-1\nArchitecture: s390x\nMulti-Arch: same\nMaintainer: nobody\nDescription: for a test\n`,
    'DEBIAN/conffiles': `/etc/${name}.conf\n`,
    'DEBIAN/postinst': '#!/bin/sh\n',
    [`bin/${name}`]: 'program',
    [`etc/${name}.conf`]: 'configuration',
    [`usr/share/doc/${name}/README`]: 'for people',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(tree, path, '..'), { recursive: true });
    await writeFile(join(tree, path), text, { mode: path.endsWith('postinst') ? 0o755 : 0o644 });
  }
  const file = join(folder, `${name}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, file], { stdio: 'ignore' });
  return file;
}

it.skipIf(!hasDpkg)('unpacks packages into one tree, for dpkg to configure', async () => {
  const root = join(folder, 'root');
  const names = ['first', 'second'];
  const paths = await Promise.all(names.map(archive));
  await layOutRoot(
    names.map((name, i) => ({ name, version: '1:2.0-1', architecture: 's390x', path: paths[i] ?? '' })),
    root,
  );
  expect((await lstat(join(root, 'bin'))).isSymbolicLink()).toBe(true);
  expect(await readFile(join(root, 'usr/bin/second'), 'utf8')).toBe('program');
  await expect(readFile(join(root, 'usr/share/doc/first/README'))).rejects.toThrow();
  // The real dpkg reads the database that was written.
  const query = ['--admindir', join(root, 'var/lib/dpkg')];
  const show = (format: string) => execFileSync('dpkg-query', [...query, '-W', '-f', format], { encoding: 'utf8' });
  expect(show(`\${Package} \${Version} \${Status}\n`)).toBe(
    'first 1:2.0-1 install ok unpacked\nsecond 1:2.0-1 install ok unpacked\n',
  );
  const files = execFileSync('dpkg-query', [...query, '-L', 'first:s390x'], { encoding: 'utf8' });
  expect(files.split('\n').slice(0, 3)).toEqual(['/.', '/bin', '/bin/first']);
});

it('describes an unpacked package as dpkg does', () => {
  expect(statusEntry('Package: a\nVersion: 1\n', '')).toBe('Package: a\nStatus: install ok unpacked\nVersion: 1\n');
  expect(statusEntry('Package: a\nVersion: 1\n', '/etc/a\nremove-on-upgrade /etc/b\n')).toBe(
    'Package: a\nStatus: install ok unpacked\nVersion: 1\nConffiles:\n /etc/a newconffile\n',
  );
});

it('reads what apt would install', () => {
  const text =
    'Inst libc6 (2.36-9+deb12u14 Debian:12 [s390x])\nConf libc6 (2.36)\nInst dash (0.5.12-2 Debian:12 [s390x]) []\n';
  expect([...parseInstallations(text)]).toEqual([
    ['libc6', '2.36-9+deb12u14'],
    ['dash', '0.5.12-2'],
  ]);
});
