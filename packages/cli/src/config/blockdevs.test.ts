import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockNodes } from '@boardwalk/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openBlockdev, parseBlockdev } from './blockdevs.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-blockdev-'));
const image = join(folder, 'a.img');
writeFileSync(image, new Uint8Array(2048).fill(7));
afterAll(() => rmSync(folder, { recursive: true }));

describe('-blockdev', () => {
  it('is read from JSON and from keys with dots alike', () => {
    const spec = {
      driver: 'raw',
      nodeName: 'disk',
      readonly: true,
      autoReadonly: undefined,
      file: { driver: 'file', nodeName: undefined, readonly: false, autoReadonly: true, filename: 'a.img' },
    };
    expect(
      parseBlockdev(
        'raw,node-name=disk,read-only=on,file.driver=file,file.filename=a.img,file.auto-read-only=on,cache.direct=off',
      ),
    ).toEqual(spec);
    const json = {
      driver: 'raw',
      'node-name': 'disk',
      'read-only': true,
      file: { driver: 'file', filename: 'a.img', 'auto-read-only': true },
      cache: { direct: false },
    };
    expect(parseBlockdev(JSON.stringify(json))).toEqual(spec);
  });

  it.each([
    ['node-name=d', "Parameter 'driver' is missing"],
    ['driver=qcow2,node-name=d', "Parameter 'driver' does not accept value 'qcow2'"],
    ['driver=file,filename=x', "'node-name' must be specified for the root node"],
    ['driver=file,node-name=d', "Parameter 'filename' is missing"],
    ['driver=raw,node-name=d', "Parameter 'file' is missing"],
    ['driver=raw,node-name=d,file=f,offset=512', "Parameter 'offset' is unexpected"],
    ['driver=file,node-name=d,filename=x,cache.direct=on', 'cache.direct=on is not supported'],
    ['driver=file,node-name=d,filename=x,read-only=maybe', "Invalid parameter type for 'read-only'"],
    ['{"driver":', 'JSON parse error'],
  ])('refuses %s', (text, message) => {
    expect(() => parseBlockdev(text)).toThrow(message);
  });

  it('opens images under their names, counts what is done, and closes each once', async () => {
    const nodes = new BlockNodes();
    await openBlockdev(nodes, parseBlockdev(`file,node-name=f,filename=${image}`));
    await openBlockdev(nodes, parseBlockdev('raw,node-name=d,read-only=on,file=f'));
    const disk = nodes.find('d');
    const bytes = new Uint8Array(512);
    await disk?.backend.read(0, bytes);
    expect(bytes[0]).toBe(7);
    expect(disk?.backend.counts.read).toMatchObject({ bytes: 512, operations: 1, failed: 0 });
    expect(nodes.find('f')?.backend.counts.read.bytes).toBe(512);
    await expect(disk?.backend.write(0, bytes)).rejects.toThrow('read-only');
    await expect(nodes.find('f')?.backend.write(4096, bytes)).rejects.toThrow(RangeError);
    expect(nodes.find('f')?.backend.counts.write.failed).toBe(1);
    await expect(nodes.remove('f')).rejects.toThrow('Block device f is in use');
    await expect(openBlockdev(nodes, parseBlockdev('raw,node-name=e,file=f'))).rejects.toThrow('already in use');
    await expect(openBlockdev(nodes, parseBlockdev('null-co,node-name=d'))).rejects.toThrow('Duplicate nodes');
    await expect(openBlockdev(nodes, parseBlockdev(`file,node-name=x,filename=${image}x`))).rejects.toThrow(
      `Could not open '${image}x': No such file or directory`,
    );
    await nodes.remove('d');
    await nodes.remove('f');
    await openBlockdev(nodes, parseBlockdev(`raw,node-name=d,file.driver=file,file.filename=${image}`));
    expect(nodes.all.map(({ driver }) => driver)).toEqual(['file', 'raw']);
    await nodes.remove('d');
    expect(nodes.all).toEqual([]);
    await openBlockdev(nodes, parseBlockdev('null-co,node-name=n,size=1024'));
    await nodes.find('n')?.backend.write(0, bytes);
    await nodes.find('n')?.backend.read(0, bytes);
    expect(bytes[0]).toBe(0);
    await nodes.closeAll();
  });
});
