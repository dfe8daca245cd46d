import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { unxz, XzError } from './xz.ts';

// Made by `printf 'Boardwalk Boardwalk Boardwalk\n' | xz --check=crc32`.
const SMALL =
  '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AAdABJdACEbyCdVh6jbTYAKmdk+G54AAAAAAMCLResAASoeYETitZBCmQ0BAAAAAAFZWg==';

const hasXz = (() => {
  try {
    execFileSync('xz', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

function xz(input: Uint8Array, ...args: string[]): Uint8Array {
  return new Uint8Array(execFileSync('xz', ['-c', ...args], { input, maxBuffer: 1 << 28 }));
}

/** Text-like bytes with repetitions near and far, and a stretch of noise, from a fixed seed. */
function sample(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let seed = 12345;
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  for (let i = 0; i < length; ) {
    const kind = next() % 4;
    const run = Math.min(1 + (next() % 300), length - i);
    const back = 1 + (next() % Math.max(1, Math.min(i, 60000)));
    for (let k = 0; k < run; k++, i++) {
      bytes[i] = kind === 0 ? next() : kind === 1 ? 97 + (next() % 8) : (bytes[i - back] ?? 0);
    }
  }
  return bytes;
}

describe('unxz', () => {
  it('unpacks a small file', async () => {
    expect(Buffer.from(await unxz(Buffer.from(SMALL, 'base64'))).toString()).toBe('Boardwalk Boardwalk Boardwalk\n');
  });

  it('refuses what is not xz, is cut off or damaged', async () => {
    const file = new Uint8Array(Buffer.from(SMALL, 'base64'));
    await expect(unxz(new Uint8Array(0))).rejects.toThrow(XzError);
    await expect(unxz(new TextEncoder().encode('certainly not an xz file'))).rejects.toThrow(XzError);
    for (let length = 6; length < 50; length++) await expect(unxz(file.subarray(0, length))).rejects.toThrow(XzError);
    const damaged = file.slice();
    damaged[34] = (damaged[34] ?? 0) ^ 1;
    await expect(unxz(damaged)).rejects.toThrow(XzError);
  });

  it.skipIf(!hasXz).each([
    ['CRC32', ['--check=crc32']],
    ['CRC64, fast', ['--check=crc64', '-0']],
    ['CRC32, extreme', ['--check=crc32', '-9e']],
    ['several blocks', ['--block-size=65536']],
    ['other literal and position bits', ['--lzma2=preset=6,lc=1,lp=2,pb=0']],
  ])('unpacks what xz packed: %s', async (_name, args) => {
    for (const length of [0, 1, 4097, 700_000]) {
      const data = sample(length);
      expect(Buffer.compare(await unxz(xz(data, ...args)), data)).toBe(0);
    }
  });
});
