// Commands of a monitor that reach the host: logs, the debugger's service, device trees, where RAM lies, lines kept in memory.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, expect, it, vi } from 'vitest';
import { guestProgram } from './guest.ts';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-host-commands-'));
const path = (name: string): string => join(folder, name);
writeFileSync(path('guest'), guestProgram());
afterAll(() => rmSync(folder, { recursive: true }));

const VIRT = ['-M', 'virt', '-m', '32', '-bios', path('guest'), '-display', 'none', '-serial', 'null', '-S'];
const FDT_MAGIC = 0xd00dfeed;

/** A program with monitors. */
async function start(name: string, args: readonly string[], arch = 'riscv64') {
  const running = startProgram([...args, '-qmp', `unix:${path(name)},server=on,wait=off`], arch);
  const qmp = await QmpClient.connect(path(name));
  const hmp = async (line: string) =>
    (await qmp.command('human-monitor-command', { 'command-line': line })).return as string;
  const quit = async () => {
    await qmp.command('quit');
    return running.ended;
  };
  return { qmp, hmp, quit };
}

it('the log goes on in another file', async () => {
  const { qmp, hmp, quit } = await start('q1', [...VIRT, '-d', 'in_asm', '-D', path('first.log')]);
  expect(await hmp(`logfile ${path('no/such')}`)).toBe(
    `Error opening logfile ${path('no/such')}: No such file or directory\r\n`,
  );
  expect(await hmp('logfile')).toBe('logfile: filename expected\r\nTry "help logfile" for more information\r\n');
  expect(await hmp(`logfile ${path('second.log')}`)).toBe('');
  await qmp.command('cont');
  await vi.waitFor(() => expect(readFileSync(path('second.log'), 'utf8')).toContain('lui'), { timeout: 20_000 });
  expect(await quit()).toEqual({ status: 0, out: '', err: '' });
  expect(readFileSync(path('first.log'), 'utf8')).toBe('');
});

it('debuggers are served when a monitor says so, where it says, and no longer', async () => {
  const { hmp, quit } = await start('q2', VIRT);
  const ask = async (name: string): Promise<string> => {
    const line = await connectWhenListening(path(name), 0);
    const answer = new Promise<string>((resolve) => line.once('data', (data) => resolve(data.toString())));
    line.write('$?#3f');
    const text = await answer;
    line.destroy();
    return text;
  };
  expect(await hmp('gdbserver frob')).toMatch(
    /^'frob' is not a valid char driver.*\r\nCould not open gdbserver on device 'frob'\r\n$/,
  );
  for (const name of ['gdb1', 'gdb2']) {
    const device = `unix:${path(name)},server=on,wait=off`;
    expect(await hmp(`gdbserver ${device}`)).toBe(`Waiting for gdb connection on device '${device}'\r\n`);
    expect(await ask(name)).toMatch(/^\+\$T/);
  }
  await expect(ask('gdb1')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  expect(await hmp('gdbserver none')).toBe('Disabled gdbserver\r\n');
  await expect(ask('gdb2')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  expect(await hmp('gdbserver none')).toBe('Disabled gdbserver\r\n');
  expect((await quit()).status).toBe(0);
});

it('the service of -gdb can be moved', async () => {
  const { hmp, quit } = await start('q3', [...VIRT, '-gdb', `unix:${path('gdb3')}`]);
  await hmp(`gdbserver unix:${path('gdb4')}`);
  await expect(connectWhenListening(path('gdb3'), 0)).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  (await connectWhenListening(path('gdb4'), 0)).destroy();
  expect((await quit()).status).toBe(0);
});

it('the device tree is written to a file', async () => {
  const isTree = (name: string): boolean => {
    const blob = readFileSync(path(name));
    return blob.readUInt32BE(0) === FDT_MAGIC && blob.readUInt32BE(4) === blob.length;
  };
  const { qmp, hmp, quit } = await start('q4', VIRT);
  expect(await hmp(`dumpdtb ${path('hmp.dtb')}`)).toBe(`info: dtb dumped to ${path('hmp.dtb')}\r\n`);
  expect(await qmp.command('dumpdtb', { filename: path('qmp.dtb') })).toEqual({ return: {} });
  expect(await qmp.command('dumpdtb', { filename: path('no/such') })).toHaveProperty('error.class', 'GenericError');
  expect(readFileSync(path('hmp.dtb'))).toEqual(readFileSync(path('qmp.dtb')));
  await quit();
  const { ended } = startProgram(['-M', `virt,dumpdtb=${path('option.dtb')}`, '-m', '32', '-display', 'none']);
  const err = `boardwalk-system-riscv64: info: dtb dumped to ${path('option.dtb')}. Exiting.\n`;
  expect(await ended).toEqual({ status: 0, out: '', err });
  expect(['hmp.dtb', 'option.dtb'].map(isTree)).toEqual([true, true]);

  const mainframe = await start('q5', ['-M', 's390-ccw-virtio', '-display', 'none', '-S'], 's390x');
  expect(await mainframe.qmp.command('dumpdtb', { filename: path('none.dtb') })).toEqual({
    error: { class: 'GenericError', desc: "This machine doesn't have a FDT" },
  });
  await mainframe.quit();
  const none = await startProgram(['-M', `none,dumpdtb=${path('none.dtb')}`, '-display', 'none']).ended;
  expect(none).toMatchObject({
    status: 1,
    err: "boardwalk-system-riscv64: -machine: This machine doesn't have a FDT\n",
  });
});

it.skipIf(process.platform !== 'linux')('guest RAM is found in the host’s memory', async () => {
  const { hmp, quit } = await start('q6', [...VIRT, '-mem-prealloc']);
  const virtual = await hmp('gpa2hva 0x80001008');
  if (virtual.includes('no addresses of the host')) return console.log('skipped: gpa2hpa: koffi is not here');
  expect(virtual).toMatch(/^Host virtual address for 0x80001008 \(riscv_virt_board.ram\) is 0x[0-9a-f]+008\r\n$/);
  const physical = await hmp('gpa2hpa 0x80001008');
  if (process.getuid?.() === 0 && !physical.startsWith('Error')) {
    expect(physical).toMatch(/^Host physical address for 0x80001008 \(riscv_virt_board.ram\) is 0x[0-9a-f]+008\r\n$/);
  } else expect(physical).toContain('only its administrator');
  expect(await hmp('gpa2hpa 0')).toBe('No memory is mapped at address 0x0\r\n');
  expect(await hmp('gpa2hpa 0x10000000')).toBe('Memory at address 0x10000000 is not RAM\r\n');
  await quit();
});

it('an entropy device takes its numbers where the user says', async () => {
  writeFileSync(path('numbers'), Uint8Array.of(1, 2, 3, 4));
  const objects = ['-object', `rng-random,id=file,filename=${path('numbers')}`, '-object', 'rng-builtin,id=own'];
  const devices = ['virtio-rng-device,rng=file,max-bytes=1024,period=1000', 'virtio-rng-device,rng=own'];
  const { qmp, hmp, quit } = await start('q8', [...VIRT, ...objects, ...devices.flatMap((d) => ['-device', d])]);
  expect(await hmp('info qtree')).toMatch(/rng = "\/objects\/file"\r\n.*\r\n.*period = 1000 \(0x3e8\)/);
  expect(await qmp.command('object-del', { id: 'file' })).toEqual({
    error: { class: 'GenericError', desc: "object 'file' is in use, can not be deleted" },
  });
  const more = { 'qom-type': 'rng-random', id: 'more', filename: path('numbers') };
  expect(await qmp.command('object-add', more)).toEqual({ return: {} });
  expect(await qmp.command('object-del', { id: 'more' })).toEqual({ return: {} });
  await quit();
  const refused = async (...args: string[]) => (await startProgram([...VIRT, ...args]).ended).err;
  expect(await refused('-object', `rng-random,id=r,filename=${path('no/such')}`)).toBe(
    `boardwalk-system-riscv64: -object: Could not open '${path('no/such')}': No such file or directory\n`,
  );
  expect(await refused('-device', 'virtio-rng-device,period=0')).toContain('expects a positive integer');
});

it('a line in memory can have a log beside it', async () => {
  const ring = ['-chardev', `ringbuf,id=r,size=64,logfile=${path('ring.log')}`];
  const { qmp, hmp, quit } = await start('q7', [...VIRT, ...ring]);
  expect(await qmp.command('ringbuf-write', { device: 'r', data: 'hello' })).toEqual({ return: {} });
  expect(await hmp('ringbuf_read r 3')).toBe('hel\r\n');
  expect(await qmp.command('ringbuf-read', { device: 'r', size: 9 })).toEqual({ return: 'lo' });
  expect(await hmp('info chardev')).toContain('r: filename=ringbuf\r\n');
  await quit();
  expect(readFileSync(path('ring.log'), 'utf8')).toBe('hello');
});
