import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { History, type Machine } from '@boardwalk/core';
import { afterAll, describe, expect, it } from 'vitest';
import { RngRandom } from './rng-random.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-rng-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** All that a source asks of a machine. */
const machine = { history: new History() } as unknown as Machine;

function source(filename?: string): (length: number) => number[] {
  const rng = new RngRandom();
  if (filename !== undefined) rng.setProperty('filename', filename);
  rng.complete();
  return (length) => {
    const bytes = new Uint8Array(length);
    return [...bytes.subarray(0, rng.take(machine, bytes))];
  };
}

describe('rng-random', () => {
  it('reads its file on and on, up to its end', () => {
    writeFileSync(path('numbers'), Uint8Array.of(1, 2, 3, 4, 5));
    const take = source(path('numbers'));
    expect([take(3), take(3), take(3)]).toEqual([[1, 2, 3], [4, 5], []]);
  });

  it.skipIf(process.platform === 'win32')('takes random numbers of the host if nothing else is said', () => {
    const take = source();
    expect(take(32)).not.toEqual(take(32));
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe without a writer', () => {
    execFileSync('mkfifo', [path('pipe')]);
    expect(source(path('pipe'))(8)).toEqual([]);
  });

  it('refuses a file that is not there', () => {
    expect(() => source(path('nothing'))).toThrow(`Could not open '${path('nothing')}': No such file or directory`);
  });
});
