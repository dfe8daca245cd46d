// Images with auto-read-only, which are open to be written only while a device has them: the same calls to us and to QEMU 7.

import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-late-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);

const OURS = [process.execPath, join(import.meta.dirname, '../bin/boardwalk-system-s390x.js')];
const QEMU = ['qemu-system-s390x'];
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Access modes in which a process has a file open; sets of descriptors are open besides. */
function modes(pid: number, image: string): string {
  const found = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return Number(fd) < 100 && readlinkSync(`/proc/${pid}/fd/${fd}`) === image;
    } catch {
      return false;
    }
  });
  const mode = (fd: string) => /^flags:\s*\d*(\d)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1];
  return found.some((fd) => mode(fd) === '2') ? 'written' : 'read';
}

/** Plugs the disk `d`, whose node is `f`, and takes it away; what the file is open for, what is said, and how the image is called. */
async function play(program: readonly string[], name: string, more: readonly string[], given: readonly number[] = []) {
  const [command = '', ...first] = program;
  const args = ['-M', 's390-ccw-virtio', '-m', '64', '-display', 'none', '-nodefaults', '-S', ...more];
  const child = spawn(command, [...first, ...args, '-qmp', `unix:${file(`${name}.qmp`)},server=on,wait=off`], {
    // Descriptors that are given are 200 and on: those of the process itself are below.
    stdio: ['ignore', 'inherit', 'inherit', ...Array.from({ length: 197 }, () => 'ignore' as const), ...given],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const qmp = await QmpClient.connect(file(`${name}.qmp`));
  const how = (): string => modes(child.pid ?? 0, file(name));
  const before = how();
  const plugged = await qmp.command('device_add', { driver: 'virtio-blk-ccw', drive: 'f', id: 'd' });
  const during = how();
  const [shown] = (await qmp.command('query-block')).return as {
    inserted: { ro: boolean; image: { filename: string } };
  }[];
  const unplugged = await qmp.command('device_del', { id: 'd' });
  if ('return' in unplugged) await qmp.event('DEVICE_DELETED');
  const resized = await qmp.command('block_resize', { 'node-name': 'f', size: 8192 });
  const after = how();
  await qmp.command('quit');
  await ended;
  const image = shown && { ro: shown.inserted.ro, filename: shown.inserted.image.filename };
  return { before, during, after, plugged, image, resized };
}

function disk(name: string): string {
  writeFileSync(file(name), new Uint8Array(4096));
  return file(name);
}

describe.skipIf(process.platform !== 'linux').each([
  ['ours', OURS],
  ['QEMU', QEMU],
] as const)('%s', (who, program) => {
  it.skipIf(!has(program[0] ?? ''))('a file is open to be written while a device has it', async () => {
    for (const [n, options] of [
      'file,node-name=f,filename=IMAGE',
      'raw,node-name=f,file.driver=file,file.filename=IMAGE',
    ].entries()) {
      const name = `${who}${n}`;
      const image = disk(name);
      const { after, ...rest } = await play(program, name, [
        '-blockdev',
        `${options},auto-read-only=on`.replace('IMAGE', image),
      ]);
      expect(rest).toEqual({
        before: 'read',
        during: 'written',
        plugged: { return: {} },
        image: { ro: false, filename: image },
        resized: { return: {} },
      });
      // Ours is closed when what was written is safe.
      if (who === 'QEMU') expect(after).toBe('read');
    }
  });

  it.skipIf(!has(program[0] ?? ''))(
    'of a set of open files it takes that for the access, and has its name',
    async () => {
      const name = `${who}-set`;
      const image = disk(name);
      const sets = ['-add-fd', 'fd=200,set=1', '-add-fd', 'fd=201,set=1'];
      const blockdev = ['-blockdev', 'file,node-name=f,filename=/dev/fdset/1,auto-read-only=on'];
      const files = [openSync(image, 'r'), openSync(image, 'r+')];
      const { image: shown, during } = await play(program, name, [...sets, ...blockdev], files);
      expect({ shown, during }).toEqual({ shown: { ro: false, filename: '/dev/fdset/1' }, during: 'written' });
      for (const fd of files) closeSync(fd);
    },
  );

  it.skipIf(!has(program[0] ?? ''))('what cannot be written is refused with the device', async () => {
    const name = `${who}-ro`;
    const image = disk(name);
    const only = openSync(image, 'r');
    const blockdev = ['-blockdev', 'file,node-name=f,filename=/dev/fdset/1,auto-read-only=on'];
    const {
      before,
      plugged,
      image: shown,
    } = await play(program, name, ['-add-fd', 'fd=200,set=1', ...blockdev], [only]);
    expect({ before, shown }).toEqual({ before: 'read', shown: undefined });
    expect(plugged).toMatchObject({ error: { class: 'GenericError', desc: expect.stringContaining('/dev/fdset/1') } });
    closeSync(only);
  });
});
