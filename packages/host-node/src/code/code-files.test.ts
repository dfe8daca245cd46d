import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeFiles } from './code-files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardwalk-code-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const CODE = { words: Int32Array.of(1, -2, 3), bytes: Uint8Array.of(255), regions: [{ number: 1, names: ['a'] }] };

describe('code in files', () => {
  it('is there for the next run, of the same shape and what is run', () => {
    const inner = join(folder, 'made', 'when needed');
    codeFiles(inner, 'a kernel').save('shape', CODE);
    expect(codeFiles(inner, 'a kernel').load('shape')).toEqual(CODE);
    expect(codeFiles(inner, 'a kernel').load('other shape')).toBeUndefined();
    expect(codeFiles(inner, 'other kernel').load('shape')).toBeUndefined();
    const [name = ''] = readdirSync(inner);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    expect(statSync(join(inner, name)).mode & 0o777).toBe(0o600);
  });

  it('goes when undefined is saved', () => {
    const files = codeFiles(folder, 'run');
    files.save('shape', CODE);
    files.save('shape', undefined);
    expect(readdirSync(folder)).toEqual([]);
    expect(files.load('shape')).toBeUndefined();
  });

  it('is not taken where it is damaged', () => {
    const files = codeFiles(folder, 'run');
    files.save('shape', CODE);
    const [name = ''] = readdirSync(folder);
    const path = join(folder, name);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path, damaged);
      expect(files.load('shape')).toBeUndefined();
    }
    for (const length of [0, 3, 4, whole.length - 1]) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      expect(files.load('shape')).toBeUndefined();
    }
    writeFileSync(path, whole);
    expect(files.load('shape')).toEqual(CODE);
  });

  it('makes room for itself: what was used longest ago goes', () => {
    const large = { bytes: new Uint8Array(100 * 2 ** 20) };
    for (const [n, run] of ['first', 'second', 'third'].entries()) {
      codeFiles(folder, run).save('shape', large);
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        // As if all had been written in earlier years.
        if (statSync(path).mtimeMs > Date.now() - 1e9) utimesSync(path, 2000 + n, 1e6 + n * 1000);
      }
    }
    expect(codeFiles(folder, 'first').load('shape')).toBeUndefined();
    expect(codeFiles(folder, 'third').load('shape')).toBeDefined();
  });

  it('is no reason for a run to fail', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const files = codeFiles(join(file, 'below'), 'run');
    files.save('shape', CODE);
    files.save('shape', undefined);
    expect(files.load('shape')).toBeUndefined();
  });
});
