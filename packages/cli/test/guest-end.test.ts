// What the guest's own reset and power-off lead to: -no-reboot, -no-shutdown, -action.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-guest-end-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** The finisher's words (SiFive test device). */
const POWER_OFF = 0x5555;
const RESET = 0x7777;

/** lui t0, 0x100; lui t1, ..; addiw t1, t1, ..; sw t1, 0(t0); j . */
function firmware(name: string, word: number): string[] {
  const upper = (word + 0x800) >>> 12;
  const lower = (word - (upper << 12)) & 0xfff;
  const code = [0x001002b7, (upper << 12) | 0x337, (lower << 20) | 0x0003031b, 0x0062a023, 0x0000006f];
  writeFileSync(path(name), Uint32Array.from(code));
  return ['-M', 'virt', '-m', '32', '-bios', path(name), '-display', 'none', '-serial', 'null', '-monitor', 'none'];
}

const ENDED = { status: 0, out: '', err: '' };
let programs = 0;

/** Runs a guest that ends itself. @returns the first event of the name, the state after it, and how the program ended */
async function run(guest: readonly string[], options: readonly string[], event: string) {
  const socket = path(`q${programs++}`);
  const running = startProgram([...guest, '-S', '-qmp', `unix:${socket},server=on,wait=off`, ...options]);
  const qmp = await QmpClient.connect(socket);
  const seen = qmp.event(event);
  await qmp.command('cont');
  return { qmp, ended: running.ended, seen: ((await seen) as { data: object }).data };
}

it.each([['-no-reboot'], ['-action', 'reboot=shutdown']].map((options) => [options]))(
  'a guest that resets the machine ends it with %j',
  async (options) => {
    const { seen, ended } = await run(firmware('reset', RESET), options, 'SHUTDOWN');
    expect(seen).toEqual({ guest: true, reason: 'guest-reset' });
    expect(await ended).toEqual(ENDED);
  },
);

it('a guest that resets the machine begins again', async () => {
  const { seen, qmp, ended } = await run(firmware('reset', RESET), [], 'RESET');
  expect(seen).toEqual({ guest: true, reason: 'guest-reset' });
  await qmp.event('RESET');
  await qmp.command('quit');
  expect(await ended).toEqual(ENDED);
});

it('a guest that powers the machine off ends it', async () => {
  const { seen, ended } = await run(firmware('off', POWER_OFF), [], 'SHUTDOWN');
  expect(seen).toEqual({ guest: true, reason: 'guest-shutdown' });
  expect(await ended).toEqual(ENDED);
});

it.each([['-no-shutdown'], ['-action', 'shutdown=pause']].map((options) => [options]))(
  'a machine that is off stays with %j, until a monitor resets or ends it',
  async (options) => {
    const { seen, qmp, ended } = await run(firmware('off', POWER_OFF), options, 'SHUTDOWN');
    expect(seen).toEqual({ guest: true, reason: 'guest-shutdown' });
    const state = async () => (await qmp.command('query-status')).return;
    expect(await state()).toMatchObject({ status: 'shutdown', running: false });
    expect(await qmp.command('cont')).toMatchObject({
      error: { class: 'GenericError', desc: 'Resetting the Virtual Machine is required' },
    });
    await qmp.command('system_reset');
    await qmp.event('RESET');
    expect(await state()).toMatchObject({ running: false });
    await qmp.command('quit');
    expect(await ended).toEqual(ENDED);
  },
);
