import { describe, expect, it } from 'vitest';
import { CpioWriter, parseCpio } from './cpio.ts';

const text = (data: Uint8Array) => new TextDecoder().decode(data);

describe('CpioWriter', () => {
  it('writes what parseCpio reads back', () => {
    const archive = new CpioWriter()
      .directory('tmp', 0o1777)
      .characterDevice('dev/console', 5, 1)
      .file('etc/motd', 'hello\n')
      .file('bin/tool', new Uint8Array([1, 2, 3]), 0o755)
      .link('bin/sh', 'tool')
      .build();
    const entries = parseCpio(archive);
    expect(entries.map((entry) => [entry.path, entry.mode.toString(8)])).toEqual([
      ['tmp', '41777'],
      ['dev', '40755'],
      ['dev/console', '20600'],
      ['etc', '40755'],
      ['etc/motd', '100644'],
      ['bin', '40755'],
      ['bin/tool', '100755'],
      ['bin/sh', '120777'],
    ]);
    const find = (path: string) => entries.find((entry) => entry.path === path);
    expect(find('dev/console')?.device).toEqual([5, 1]);
    expect(text(find('etc/motd')?.data ?? new Uint8Array(0))).toBe('hello\n');
    expect(text(find('bin/sh')?.data ?? new Uint8Array(0))).toBe('tool');
    expect([...(find('bin/tool')?.data ?? [])]).toEqual([1, 2, 3]);
  });

  it('lays headers and data as the format says', () => {
    const archive = new CpioWriter().file('a', 'xy').build();
    expect(archive.length % 512).toBe(0);
    const expected = [
      '070701',
      '00000001000081A4000000000000000000000001', // inode, mode, uid, gid, links
      '000000000000000200000000000000000000000000000000', // mtime, size, device, device number
      '0000000200000000', // name with its NUL, checksum
      'a\0', // fills the header to a multiple of four
      'xy\0\0',
      '070701',
    ].join('');
    expect(text(archive.subarray(0, expected.length))).toBe(expected);
    expect(text(archive)).toContain('TRAILER!!!\0');
  });

  it('keeps the last of two files with one name', () => {
    const entries = parseCpio(new CpioWriter().file('f', 'old').file('f', 'new').build());
    expect(entries.map((entry) => text(entry.data))).toEqual(['new']);
  });

  it.each(['', '/abs', '../up', 'a/../../b'])('refuses the path %j', (path) => {
    expect(() => new CpioWriter().file(path, '')).toThrow(RangeError);
  });

  it('reading refuses what is not an archive, or is cut off', () => {
    expect(() => parseCpio(new Uint8Array(512))).toThrow('no cpio header');
    const archive = new CpioWriter().file('long', 'x'.repeat(1000)).build();
    expect(() => parseCpio(archive.subarray(0, 600))).toThrow('cut off');
  });
});
