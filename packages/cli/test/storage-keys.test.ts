// Storage keys that a program of a mainframe has set, told by monitors: the same lines from us and from qemu-system-s390x 7.2.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);

const OURS = [process.execPath, join(import.meta.dirname, '../bin/boardwalk-system-s390x.js')];
const THEIRS = 'qemu-system-s390x';

const BASE = 0x80000;
/** LGHI 1,0x58; LGFI 2,0x3000; SSKE 1,2; LGHI 1,0xf6; LGFI 2,0x5000; SSKE 1,2; J to itself. */
const CODE = 'a7190058 c02100003000 b22b0012 a71900f6 c02100005000 b22b0012 a7f40000';

/** An executable of one segment. */
function program(): Buffer {
  const code = Buffer.from(CODE.replaceAll(' ', ''), 'hex');
  const head = Buffer.alloc(64 + 56);
  Buffer.from('7f454c46020201', 'hex').copy(head);
  for (const [at, value] of [
    [16, 2],
    [18, 22],
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const) {
    head.writeUInt16BE(value, at);
  }
  head.writeUInt32BE(1, 20);
  head.writeUInt32BE(1, 64);
  head.writeUInt32BE(7, 68);
  for (const [at, value] of [
    [24, BASE],
    [32, 64],
    [72, head.length],
    [80, BASE],
    [88, BASE],
    [96, code.length],
    [104, code.length],
    [112, 4],
  ] as const) {
    head.writeBigUInt64BE(BigInt(value), at);
  }
  return Buffer.concat([head, code]);
}

it.each([
  ['ours', OURS],
  ['QEMU', [THEIRS]],
] as const)('%s', async (who, [command = '', ...first]) => {
  if (who === 'QEMU' && spawnSync(command, ['--version']).status !== 0) return console.log(`skipped: ${command}`);
  writeFileSync(file('kernel'), program());
  const args = ['-m', '2', '-nodefaults', '-display', 'none', '-kernel', file('kernel'), '-S'];
  const child = spawn(command, [...first, ...args, '-qmp', `unix:${file(who)},server=on,wait=off`], {
    stdio: 'inherit',
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const qmp = await QmpClient.connect(file(who));
  const hmp = async (line: string) => (await qmp.command('human-monitor-command', { 'command-line': line })).return;
  const [dump, none] = [file(`${who}-keys`), file('no/such')];
  const unused = 'This guest is not using storage keys';
  expect(await hmp('info skeys 0')).toBe(`Error: ${unused}\r\n`);
  expect(await hmp(`dump-skeys ${dump}`)).toBe(`${unused} - nothing to dump\r\n`);
  expect(await qmp.command('dump-skeys', { filename: dump })).toEqual({
    error: { class: 'GenericError', desc: `${unused} - nothing to dump` },
  });
  await qmp.command('cont');
  await vi.waitFor(async () => expect(await hmp('info skeys 0x5123')).toBe('  key: 0xF6\r\n'), { timeout: 20_000 });
  expect(await hmp('info skeys 0x3000')).toBe('  key: 0x58\r\n');
  expect(await hmp('info skeys 0x100000000')).toBe('Error: The given address is not valid\r\n');
  expect(await hmp('info skeys')).toBe(
    'unexpected end of expression\r\nTry "help info skeys" for more information\r\n',
  );
  const missing = `Could not open '${none}': No such file or directory`;
  expect(await hmp(`dump-skeys ${none}`)).toBe(`${missing}\r\n`);
  expect(await qmp.command('dump-skeys', { filename: none })).toEqual({
    error: { class: 'GenericError', desc: missing },
  });
  expect(await qmp.command('dump-skeys', { filename: dump })).toEqual({ return: {} });
  const lines = readFileSync(dump, 'utf8').split('\n');
  expect([lines.length, lines[3], lines[5], lines[0x1ff], lines[0x200]]).toEqual([
    0x201,
    'page=003: key(88) => ACC=5, FP=8, REF=0, ch=0, reserved=0',
    'page=005: key(246) => ACC=F, FP=0, REF=4, ch=2, reserved=0',
    'page=1ff: key(0) => ACC=0, FP=0, REF=0, ch=0, reserved=0',
    '',
  ]);
  await qmp.command('quit');
  await ended;
});
