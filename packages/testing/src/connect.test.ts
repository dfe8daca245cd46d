import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { connectWhenListening } from './connect.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-connect-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('waits for the file, then for the one who listens', async () => {
  const path = join(folder, 'late');
  const connected = connectWhenListening(path);
  await delay(50);
  const server = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const [said] = await (await connected).toArray();
  expect(String(said)).toBe('hello');
  await new Promise((resolve) => server.close(resolve));
});

it('fails as the last attempt did where nobody comes, and at once where waiting is in vain', async () => {
  // A server that is killed leaves a socket on which nobody listens.
  const path = join(folder, 'left');
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await new Promise((resolve) => spawn(process.execPath, ['-e', program]).on('close', resolve));
  await expect(connectWhenListening(path, 50)).rejects.toThrow('ECONNREFUSED');
  await expect(connectWhenListening(join(folder, 'none'), 50)).rejects.toThrow('ENOENT');
  await expect(connectWhenListening(join(path, 'below'))).rejects.toThrow('ENOTDIR');
});
