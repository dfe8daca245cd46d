import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecentEnough } from '../node-version.mjs';
import { countTests, formatCounts } from '../report.mjs';
import { buildFingerprint, installFingerprint, npmCommand, pinnedPnpm } from '../workspace.mjs';

describe('isRecentEnough', () => {
  it.each([
    ['20.19.0', true],
    ['20.20.2', true],
    ['22.0.0', true],
    ['20.18.9', false],
    ['18.99.0', false],
  ])('Node %s: %s', (version, expected) => {
    expect(isRecentEnough(version, '>=20.19')).toBe(expected);
  });
});

describe('finding pnpm', () => {
  it('reads the pinned version', () => {
    expect(pinnedPnpm('{"packageManager":"pnpm@12.21.0+sha512.abc"}')).toBe('12.21.0');
    expect(() => pinnedPnpm('{"packageManager":"yarn@1.2.3"}')).toThrow('pins no pnpm');
  });

  it('uses the npm that runs the script', () => {
    expect(npmCommand({ npm_execpath: '/lib/npm/bin/npm-cli.js' }, '/bin/node')).toEqual([
      '/bin/node',
      '/lib/npm/bin/npm-cli.js',
    ]);
    expect(npmCommand({ npm_execpath: '/lib/pnpm/bin/pnpm.cjs' }, '/bin/node')).toEqual(['npm']);
    expect(npmCommand({}, '/bin/node')).toEqual(['npm']);
  });
});

describe('fingerprints', () => {
  let root = '';
  const put = (path: string, text: string, time = 1000) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    utimesSync(join(root, path), time, time);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'boardwalk-root-'));
    for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) put(file, '{}');
    put('packages/a/package.json', '{}');
    put('packages/a/src/index.ts', 'export {};');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('of an install change with the lockfile and a manifest, not with sources', () => {
    const before = installFingerprint(root);
    put('packages/a/src/index.ts', 'changed', 2000);
    expect(installFingerprint(root)).toBe(before);
    put('packages/a/package.json', '{"name":"a"}');
    const after = installFingerprint(root);
    expect(after).not.toBe(before);
    put('pnpm-lock.yaml', 'changed');
    expect(installFingerprint(root)).not.toBe(after);
  });

  it('of a build change with sources, not with outputs', () => {
    const before = buildFingerprint(root);
    put('packages/a/dist/index.js', 'built');
    expect(buildFingerprint(root)).toBe(before);
    put('packages/a/src/index.ts', 'export {};', 3000);
    expect(buildFingerprint(root)).not.toBe(before);
  });
});

describe('the closing line', () => {
  const file = (status: string, ...tests: string[]) => ({
    status,
    assertionResults: tests.map((test) => ({ status: test })),
  });

  it('counts tests, and a file that could not be run as a failure', () => {
    const counts = countTests({
      testResults: [
        file('passed', 'passed', 'passed', 'pending', 'todo'),
        file('failed', 'passed', 'failed'),
        file('failed'),
      ],
    });
    expect(counts).toEqual({ passed: 3, failed: 2, skipped: 2 });
    expect(formatCounts(counts)).toBe('3 passed, 2 failed, 2 skipped');
    expect(formatCounts({ passed: 7, failed: 0, skipped: 0 })).toBe('7 passed, 0 failed');
  });
});
