import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { rawKernelImage } from './kernel.ts';

const image = new TextEncoder().encode('MZ a raw kernel image that is long enough to be looked at closely');

describe('rawKernelImage', () => {
  it('leaves a raw image alone', async () => {
    expect(await rawKernelImage(image)).toBe(image);
  });

  it('unpacks a gzip file', async () => {
    expect([...(await rawKernelImage(gzipSync(image)))]).toEqual([...image]);
  });

  const zboot = (compression: string) => {
    const payload = gzipSync(image);
    const file = new Uint8Array(128 + payload.length);
    file.set(new TextEncoder().encode('MZ\0\0zimg'));
    new DataView(file.buffer).setUint32(8, 128, true);
    new DataView(file.buffer).setUint32(12, payload.length, true);
    file.set(new TextEncoder().encode(compression), 24);
    file.set(payload, 128);
    return file;
  };

  it('unpacks the payload of an EFI program', async () => {
    expect([...(await rawKernelImage(zboot('gzip')))]).toEqual([...image]);
  });

  it('says what it does not understand', async () => {
    await expect(rawKernelImage(zboot('lzo'))).rejects.toThrow('packed with lzo');
  });
});
