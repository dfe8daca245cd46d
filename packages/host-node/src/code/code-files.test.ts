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

const CODE = {
  words: Int32Array.of(1, -2, 3),
  bytes: Uint8Array.of(255),
  none: new Int32Array(0),
  // A part of a larger array, and one that lies at an odd place.
  regions: [{ number: 1, names: ['a'], module: new Uint8Array(16).fill(7).subarray(3, 8) }],
  map: new Map([['name', { words: Int32Array.of(4) }]]),
};

describe('code in files', () => {
  it('is there for the next run, of the same shape and what is run', () => {
    const inner = join(folder, 'made', 'when needed');
    codeFiles(inner, 'program', 'a kernel').save('shape', CODE, 'guest');
    expect(codeFiles(inner, 'program', 'a kernel').load('shape', 'guest')).toEqual(CODE);
    expect(codeFiles(inner, 'program', 'a kernel').load('other shape', 'guest')).toBeUndefined();
    expect(codeFiles(inner, 'program', 'a kernel').load('shape', 'program')).toBeUndefined();
    expect(codeFiles(inner, 'program', 'other kernel').load('shape', 'guest')).toBeUndefined();
    expect(codeFiles(inner, 'other program', 'a kernel').load('shape', 'guest')).toBeUndefined();
    const [name = ''] = readdirSync(inner);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    expect(statSync(join(inner, name)).mode & 0o777).toBe(0o600);
  });

  it("is there for other guests where it is the program's", () => {
    codeFiles(folder, 'program', 'a kernel').save('shape', CODE, 'program');
    expect(codeFiles(folder, 'program', 'other kernel').load('shape', 'program')).toEqual(CODE);
    expect(codeFiles(folder, 'other program', 'a kernel').load('shape', 'program')).toBeUndefined();
  });

  it('is not mistaken for other code whose file has the same name', () => {
    codeFiles(folder, 'program', 'a kernel').save('shape', CODE, 'guest');
    const [name = ''] = readdirSync(folder);
    const code = readFileSync(join(folder, name));
    codeFiles(folder, 'program', 'other kernel').save('shape', CODE, 'guest');
    const [other = ''] = readdirSync(folder).filter((file) => file !== name);
    writeFileSync(join(folder, other), code);
    expect(codeFiles(folder, 'program', 'other kernel').load('shape', 'guest')).toBeUndefined();
    expect(codeFiles(folder, 'program', 'a kernel').load('shape', 'guest')).toEqual(CODE);
  });

  it('saves no array of a kind that it could not read', () => {
    const files = codeFiles(folder, 'program', 'guest');
    files.save('shape', { floats: new Float64Array(1) }, 'guest');
    expect(readdirSync(folder)).toEqual([]);
    expect(files.load('shape', 'guest')).toBeUndefined();
  });

  it('goes when undefined is saved', () => {
    const files = codeFiles(folder, 'program', 'guest');
    files.save('shape', CODE, 'guest');
    files.save('shape', undefined, 'guest');
    expect(readdirSync(folder)).toEqual([]);
    expect(files.load('shape', 'guest')).toBeUndefined();
  });

  it('is not taken where it is damaged', () => {
    const files = codeFiles(folder, 'program', 'guest');
    files.save('shape', CODE, 'guest');
    const [name = ''] = readdirSync(folder);
    const path = join(folder, name);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      writeFileSync(path, damaged);
      expect(files.load('shape', 'guest')).toBeUndefined();
    }
    for (const length of [0, 3, 4, whole.length - 1]) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      expect(files.load('shape', 'guest')).toBeUndefined();
    }
    writeFileSync(path, whole);
    expect(files.load('shape', 'guest')).toEqual(CODE);
  });

  it('makes room for itself: what was used longest ago goes', () => {
    const large = { bytes: new Uint8Array(100 * 2 ** 20) };
    for (const [n, run] of ['first', 'second', 'third'].entries()) {
      codeFiles(folder, 'program', run).save('shape', large, 'guest');
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        // As if all had been written in earlier years.
        if (statSync(path).mtimeMs > Date.now() - 1e9) utimesSync(path, 2000 + n, 1e6 + n * 1000);
      }
    }
    expect(codeFiles(folder, 'program', 'first').load('shape', 'guest')).toBeUndefined();
    expect(codeFiles(folder, 'program', 'third').load('shape', 'guest')).toBeDefined();
  });

  it('is no reason for a run to fail', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const files = codeFiles(join(file, 'below'), 'program', 'guest');
    files.save('shape', CODE, 'guest');
    files.save('shape', undefined, 'guest');
    expect(files.load('shape', 'guest')).toBeUndefined();
  });
});
