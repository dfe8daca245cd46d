import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCpio } from './cpio.ts';
import { buildInitramfs } from './initramfs.ts';
import { readModuleInfo } from './modinfo.ts';
import { formatModulesAlias, formatModulesDep, ModuleTree } from './modules.ts';

/** A module file with nothing but a section `.modinfo`. */
function moduleFile(...info: string[]): Uint8Array {
  return moduleFileOf('little', info);
}

function moduleFileOf(endian: 'little' | 'big', info: readonly string[]): Uint8Array {
  const little = endian === 'little';
  const modinfo = new TextEncoder().encode(info.map((entry) => `${entry}\0`).join(''));
  const names = new TextEncoder().encode('\0.modinfo\0.shstrtab\0');
  const table = 64 + modinfo.length + names.length;
  const file = new Uint8Array(table + 3 * 64);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, little ? 1 : 2, 1]);
  view.setBigUint64(0x28, BigInt(table), little);
  view.setUint16(0x3a, 64, little);
  view.setUint16(0x3c, 3, little);
  view.setUint16(0x3e, 2, little);
  file.set(modinfo, 64);
  file.set(names, 64 + modinfo.length);
  const section = (index: number, name: number, start: number, size: number) => {
    view.setUint32(table + 64 * index, name, little);
    view.setBigUint64(table + 64 * index + 0x18, BigInt(start), little);
    view.setBigUint64(table + 64 * index + 0x20, BigInt(size), little);
  };
  section(1, 1, 64, modinfo.length);
  section(2, 10, 64 + modinfo.length, names.length);
  return file;
}

describe('kernel modules', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boardwalk-modules-'));
    const put = async (path: string, data: Uint8Array | string) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), data);
    };
    await put('modules.builtin', 'kernel/drivers/virtio/virtio.ko\n');
    await put('kernel/fs/ext9.ko', moduleFile('name=ext9', 'depends=journal9,crc-9', 'alias=fs-ext9', 'alias=ext-9'));
    await put('kernel/fs/ext10.ko', moduleFile('name=ext10', 'depends=journal9'));
    await put('kernel/fs/journal9.ko.gz', gzipSync(moduleFile('name=journal9', 'depends=crc_9')));
    await put('kernel/lib/crc-9.ko', moduleFile('name=crc_9', 'depends='));
    await put('kernel/drivers/virtio-net.ko', moduleFile('name=virtio_net', 'depends=virtio'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('come in an order in which they can be loaded, without the built-in ones', async () => {
    const tree = await ModuleTree.open(folder);
    const modules = await tree.withDependencies(['ext9', 'virtio-net', 'virtio']);
    expect(modules.map((module) => module.info.name)).toEqual(['crc_9', 'journal9', 'ext9', 'virtio_net']);
    expect(formatModulesDep(modules)).toBe(
      'crc_9.ko:\njournal9.ko: crc_9.ko\next9.ko: journal9.ko crc_9.ko\nvirtio_net.ko:\n',
    );
    const deep = formatModulesDep(await tree.withDependencies(['ext10']));
    expect(deep).toContain('ext10.ko: journal9.ko crc_9.ko\n');
    expect(formatModulesAlias(modules)).toBe('alias fs-ext9 ext9\nalias ext-9 ext9\n');
  });

  it('that a kernel has not are an error', async () => {
    const tree = await ModuleTree.open(folder);
    await expect(tree.withDependencies(['floppy9'])).rejects.toThrow('no module floppy9');
  });

  it('are read for big-endian processors too', () => {
    const file = moduleFileOf('big', ['name=scm_block', 'depends=eadm_sch', 'alias=scm:scmdev*']);
    expect(readModuleInfo(file)).toEqual({ name: 'scm_block', depends: ['eadm_sch'], aliases: ['scm:scmdev*'] });
  });

  it('refuses a file that is no module', () => {
    expect(() => readModuleInfo(new Uint8Array(100))).toThrow('not a 64-bit ELF file');
    expect(() => readModuleInfo(moduleFile('license=GPL'))).toThrow('has no name');
  });

  it('go into the initramfs uncompressed, with the list that init loads', async () => {
    const archive = await buildInitramfs({
      busybox: new Uint8Array([0x7f]),
      kernel: { release: '9.9', modules: folder },
      bootModules: ['virtio-net'],
      spareModules: ['journal9'],
    });
    const entries = new Map(parseCpio(archive).map((entry) => [entry.path, entry]));
    const text = (path: string) => new TextDecoder().decode(entries.get(path)?.data);
    expect(text('etc/modules')).toBe('virtio_net\n');
    expect(text('lib/modules/9.9/modules.dep')).toBe('virtio_net.ko:\ncrc_9.ko:\njournal9.ko: crc_9.ko\n');
    expect(entries.get('lib/modules/9.9/journal9.ko')?.data[0]).toBe(0x7f);
    expect(text('init')).toMatch(/^#!\/bin\/sh\n/);
    expect(entries.get('init')?.mode).toBe(0o100755);
    expect(entries.get('dev/console')?.device).toEqual([5, 1]);
    expect(entries.get('dev/null')?.device).toEqual([1, 3]);
    expect(text('bin/sh')).toBe('busybox');
  });
});
