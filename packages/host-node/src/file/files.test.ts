import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '@boardwalk/core';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RawFileBlock } from '../block/raw-file-block.ts';
import { readInputFile } from './input-file.ts';
import { nativeLibrary } from './native.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

describe('readInputFile', () => {
  it('reads a file', () => {
    writeFileSync(path('kernel'), 'code');
    expect(new TextDecoder().decode(readInputFile(path('kernel')))).toBe('code');
  });

  it('says in one line what is wrong with a file', () => {
    writeFileSync(path('empty'), '');
    mkdirSync(path('folder'));
    expect(() => readInputFile(path('missing'))).toThrow(
      new UserError(`${path('missing')}: no such file or directory`),
    );
    expect(() => readInputFile(path('empty'))).toThrow(`${path('empty')}: the file is empty`);
    expect(() => readInputFile(path('folder'))).toThrow(`${path('folder')}: it is a directory`);
    expect(() => readInputFile(join(path('kernel'), 'below'))).toThrow('kernel/below: not a directory');
  });

  it.skipIf(process.getuid?.() === 0)('says that it may not', () => {
    writeFileSync(path('secret'), 'x');
    chmodSync(path('secret'), 0);
    expect(() => readInputFile(path('secret'))).toThrow('secret: permission denied');
  });

  it.skipIf(process.platform === 'win32')('does not wait for a device', () => {
    expect(() => readInputFile('/dev/null')).toThrow('/dev/null: not a regular file');
  });
});

describe('RawFileBlock', () => {
  const image = path('disk');
  const size = 200 * 1024;
  beforeEach(() => writeFileSync(image, pattern(size)));

  async function contents(disk: RawFileBlock, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await disk.read(offset, bytes);
    return bytes;
  }

  it('reads and writes the file', async () => {
    const disk = await RawFileBlock.open(image);
    expect(disk.size).toBe(size);
    expect(await contents(disk, 1000, 3000)).toEqual(pattern(size).subarray(1000, 4000));
    await disk.write(1536, Uint8Array.of(1, 2, 3));
    await disk.flush();
    expect([...readFileSync(image).subarray(1535, 1540)]).toEqual([pattern(size)[1535], 1, 2, 3, pattern(size)[1539]]);
    await disk.close();
  });

  it('keeps the writes of a snapshot in memory', async () => {
    const disk = await RawFileBlock.open(image, { snapshot: true });
    const expected = pattern(size);
    for (const [offset, length] of [
      [65530, 20],
      [65536 * 2 - 1, 65538],
      [size - 5, 5],
      [0, 1],
    ] as const) {
      const bytes = new Uint8Array(length).fill(offset & 0xff);
      expected.set(bytes, offset);
      await disk.write(offset, bytes);
    }
    await disk.flush();
    expect(await contents(disk, 0, size)).toEqual(expected);
    await disk.close();
    expect(new Uint8Array(readFileSync(image))).toEqual(pattern(size));
  });

  it('writes what a snapshot has kept to the file when it is told to, and goes on', async () => {
    const disk = await RawFileBlock.open(image, { snapshot: true });
    const other = await RawFileBlock.open(image, { readonly: true });
    await disk.write(65535, Uint8Array.of(1, 2));
    await expect(disk.commit()).rejects.toThrow('the file is used by another drive already');
    await other.close();
    await disk.commit();
    expect([...readFileSync(image).subarray(65535, 65537)]).toEqual([1, 2]);
    await disk.write(65535, Uint8Array.of(3));
    expect([...(await contents(disk, 65535, 2))]).toEqual([3, 2]);
    expect(readFileSync(image)[65535]).toBe(1);
    await disk.close();
  });

  it('loses no write of two to one cluster at once', async () => {
    const disk = await RawFileBlock.open(image, { snapshot: true });
    await Promise.all([
      disk.write(0, Uint8Array.of(1)),
      disk.write(1, Uint8Array.of(2)),
      disk.write(2, Uint8Array.of(3)),
    ]);
    expect([...(await contents(disk, 0, 3))]).toEqual([1, 2, 3]);
    await disk.close();
  });

  it('refuses writes when it is read-only, and what lies beyond the end', async () => {
    const disk = await RawFileBlock.open(image, { readonly: true });
    await expect(disk.write(0, Uint8Array.of(1))).rejects.toThrow('read-only');
    await expect(disk.read(size - 1, new Uint8Array(2))).rejects.toThrow(RangeError);
    await disk.close();
  });

  it('refuses a file that is no disk', async () => {
    writeFileSync(path('odd'), new Uint8Array(1000));
    await expect(RawFileBlock.open(path('odd'))).rejects.toThrow('1000 bytes, is not a multiple of 512: truncated?');
    await expect(RawFileBlock.open(path('none'))).rejects.toThrow(
      new UserError(`${path('none')}: no such file or directory`),
    );
    await expect(RawFileBlock.open(folder)).rejects.toThrow(UserError);
    await (await RawFileBlock.open(path('odd'), { sectorBytes: 1 })).close();
  });

  it('is used once, whatever its names, unless all only read', async () => {
    linkSync(image, path('hard'));
    symlinkSync(image, path('soft'));
    const writer = await RawFileBlock.open(image);
    for (const name of ['disk', 'hard', 'soft']) {
      const other = path(name);
      await expect(RawFileBlock.open(other)).rejects.toThrow(`${other}: the file is used by another drive already`);
      await expect(RawFileBlock.open(other, { readonly: true })).rejects.toThrow('another drive');
    }
    await writer.close();
    const readers = [
      await RawFileBlock.open(image, { readonly: true }),
      await RawFileBlock.open(path('soft'), { snapshot: true }),
    ];
    await expect(RawFileBlock.open(image)).rejects.toThrow('another drive');
    for (const reader of readers) await reader.close();
    await (await RawFileBlock.open(image)).close();
  });

  it('respects a writer in another process', async ({ skip }) => {
    const native = process.platform === 'linux' ? await nativeLibrary() : undefined;
    if (!native) return skip('needs Linux and koffi');
    // Another open file description is to these locks what another process is: mark it as QEMU marks an image it writes.
    const fd = openSync(image, 'r+');
    const record = Buffer.alloc(32);
    record.writeBigInt64LE(101n, 8);
    record.writeBigInt64LE(1n, 16);
    expect(native.func('int fcntl(int fd, int command, void *lock)')(fd, 37, record)).toBe(0);
    await expect(RawFileBlock.open(image)).rejects.toThrow('disk: the file is used by another process');
    await expect(RawFileBlock.open(image, { readonly: true })).rejects.toThrow('another process');
    closeSync(fd);
  });

  it('is open to be written, and has the file alone, only while somebody wants to write it', async () => {
    const link = (fd: string) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    };
    const modes = (): string[] =>
      readdirSync('/proc/self/fd')
        .filter((fd) => link(fd) === image)
        .map((fd) => /^flags:\s*\d*(\d)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '')
        .sort();
    const [reads, writes] = ['0', '2'];
    const disk = await RawFileBlock.open(image, { writeLate: () => image });
    const other = await RawFileBlock.open(image, { writeLate: () => image });
    if (process.platform === 'linux') expect(modes()).toEqual([reads, reads]);
    expect([disk.readonly, other.readonly]).toEqual([false, false]);
    expect(() => disk.setWriter(true)).toThrow('disk: the file is used by another drive already');
    await other.close();
    disk.setWriter(true);
    if (process.platform === 'linux') expect(modes()).toEqual([reads, writes]);
    await expect(RawFileBlock.open(image, { readonly: true })).rejects.toThrow('another drive');
    await disk.write(512, Uint8Array.of(1, 2, 3));
    await disk.flush();
    expect([...(await contents(disk, 512, 3))]).toEqual([1, 2, 3]);
    // What is still being written when it is let go of is written.
    const late = disk.write(1024, Uint8Array.of(4, 5));
    disk.setWriter(false);
    await late;
    await vi.waitFor(async () => (await RawFileBlock.open(image, { readonly: true })).close());
    if (process.platform === 'linux') expect(modes()).toEqual([reads]);
    expect([...readFileSync(image).subarray(1024, 1026)]).toEqual([4, 5]);
    // Wanted again while it is about to be closed.
    disk.setWriter(true);
    disk.setWriter(false);
    disk.setWriter(true);
    await disk.write(0, Uint8Array.of(9));
    await disk.close();
    expect(readFileSync(image)[0]).toBe(9);
    await (await RawFileBlock.open(image)).close();
  });

  it('that cannot be opened to be written is refused when it is to be, and stays as it was', async () => {
    const disk = await RawFileBlock.open(image, { writeLate: () => path('nobody'), filename: 'given' });
    expect(disk.filename).toBe('given');
    expect(() => disk.setWriter(true)).toThrow("Could not open 'given': No such file or directory");
    expect(await contents(disk, 0, 4)).toEqual(pattern(4));
    const other = await RawFileBlock.open(image, { readonly: true });
    await Promise.all([disk.close(), other.close()]);
    await expect(RawFileBlock.open(image, { filename: 'given', sectorBytes: 4093 })).rejects.toThrow(
      /^given: its size/,
    );
  });

  const qemu = 'qemu-system-riscv64';
  it('is refused while QEMU has the image open, and the other way round', async ({ skip }) => {
    const native = process.platform === 'linux' ? await nativeLibrary() : undefined;
    const args = [
      '-M',
      'virt',
      '-bios',
      'none',
      '-display',
      'none',
      '-S',
      '-monitor',
      'stdio',
      '-drive',
      `if=none,id=d,file=${image},format=raw`,
      '-device',
      'virtio-blk-device,drive=d',
    ];
    const start = () => spawn(qemu, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const child = start();
    child.stdin.on('error', () => {});
    // The monitor answers when the machine is complete.
    child.stdin.write('info status\n');
    const ready = await new Promise<boolean>((resolve) => {
      child.on('error', () => resolve(false));
      child.stdout.on('data', (data: Buffer) => data.includes('VM status') && resolve(true));
      child.on('exit', () => resolve(false));
    });
    if (!native || !ready) return skip('needs Linux, koffi and QEMU');
    await expect(RawFileBlock.open(image)).rejects.toThrow('another process');
    child.kill();
    await new Promise((resolve) => child.on('exit', resolve));
    const disk = await RawFileBlock.open(image);
    const refused = start();
    let message = '';
    refused.stderr.on('data', (data: Buffer) => {
      message += data;
    });
    expect(await new Promise((resolve) => refused.on('exit', resolve))).toBe(1);
    expect(message).toContain('lock');
    await disk.close();
  });
});
