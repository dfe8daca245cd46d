// A session from a script, with the program and, where it is there, with QEMU: the same answers, as far as a client can rely on them.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const QEMU = 'qemu-system-riscv64';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');
if (!isReference) console.log(`the session is not compared: that needs ${QEMU} 7 (Debian: qemu-system-misc)`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-session-'));
const path = (name: string): string => join(folder, name);
writeFileSync(path('disk'), new Uint8Array(65536));
afterAll(() => rmSync(folder, { recursive: true }));

const SCRIPT = readFileSync(new URL('session.qmp', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => line.replaceAll('FOLDER', folder));

const machine = (socket: string): string[] => [
  ...['-M', 'virt', '-m', '32', '-display', 'none', '-bios', 'none', '-serial', 'null', '-S'],
  ...['-qmp', `unix:${socket},server=on,wait=off`],
];

type Answer = Readonly<Record<string, unknown>>;

/** Sends the script's lines, each when the one before is answered. */
async function replay(socket: string): Promise<Answer[]> {
  const line = await connectWhenListening(socket);
  const messages = createInterface(line)[Symbol.asyncIterator]();
  const next = async (): Promise<Answer> => JSON.parse((await messages.next()).value ?? 'null') as Answer;
  await next();
  const answers: Answer[] = [];
  for (const command of SCRIPT) {
    line.write(`${command}\n`);
    let answer = await next();
    while ('event' in answer) answer = await next();
    answers.push(answer);
  }
  line.end();
  return answers;
}

/** What ours has that the other has not: paths of members. Lists are told by their first elements. */
function unknownMembers(ours: unknown, theirs: unknown, at = ''): string[] {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    return ours.length === 0 || theirs.length === 0 ? [] : unknownMembers(ours[0], theirs[0], `${at}[]`);
  }
  if (typeof ours !== 'object' || ours === null) return typeof ours === typeof theirs ? [] : [at];
  if (typeof theirs !== 'object' || theirs === null) return [at];
  return Object.entries(ours).flatMap(([name, value]) => {
    const other = (theirs as Answer)[name];
    return other === undefined ? [`${at}.${name}`] : unknownMembers(value, other, `${at}.${name}`);
  });
}

it('a session from a script is answered as QEMU answers it', async () => {
  const running = startProgram(machine(path('ours')));
  const ours = await replay(path('ours'));
  expect((await running.ended).status).toBe(0);
  expect(ours).toHaveLength(SCRIPT.length);
  if (!isReference) return;
  const qemu = spawn(QEMU, machine(path('theirs')), { stdio: 'ignore' });
  const theirs = await replay(path('theirs'));
  await new Promise((resolve) => (qemu.exitCode === null ? qemu.on('close', resolve) : resolve(undefined)));
  const differences = SCRIPT.flatMap((command, i) => {
    const [our, their] = [ours[i] ?? {}, theirs[i] ?? {}];
    const same = 'error' in their ? JSON.stringify(our) === JSON.stringify(their) : 'return' in our;
    const unknown = 'error' in their ? [] : unknownMembers(our, their);
    return same && unknown.length === 0 ? [] : [{ command, our, their, unknown }];
  });
  expect(differences).toEqual([]);
}, 60_000);
