// What no client should send, on every kind of server: each goes on, answers what can be answered, and keeps little of it.

import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { type Outcome, startProgram } from './start-program.ts';

const MiB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-fuzz-'));
const path = (name: string): string => join(folder, name);
const server = (name: string): string => `unix:${path(name)},server=on,wait=off`;

let ended: Promise<Outcome>;
beforeAll(async () => {
  const lines = ['-qmp', server('qmp'), '-monitor', server('hmp'), '-qtest', server('qtest'), '-qtest-log', 'none'];
  ended = startProgram(['-M', 'virt', '-m', '32', '-accel', 'qtest', '-display', 'none', '-S', ...lines]).ended;
  await alive('qtest');
}, 60_000);
afterAll(async () => {
  process.kill(process.pid, 'SIGTERM');
  expect(await ended).toEqual({ status: 0, out: '', err: 'boardwalk-system-riscv64: terminating on signal 15\n' });
  rmSync(folder, { recursive: true });
});

const connect = (name: string): Promise<Socket> => connectWhenListening(path(name));

/** A well-behaved client is served. */
async function alive(name: string): Promise<void> {
  if (name === 'qmp') {
    const client = await QmpClient.connect(path('qmp'));
    expect(await client.command('query-name')).toEqual({ return: {} });
    client.end();
    await client.closed;
    return;
  }
  const socket = await connect(name);
  const seen = { text: '' };
  socket.on('data', (data) => {
    seen.text += data;
  });
  socket.write(name === 'qtest' ? '\nendianness\n' : '\ninfo status\n');
  await vi.waitFor(() => expect(seen.text).toMatch(name === 'qtest' ? /OK little/ : /VM status/), { timeout: 20_000 });
  socket.destroy();
}

/** Sends, ends its half, and waits for the server to close. */
async function send(name: string, pieces: Iterable<Uint8Array | string>): Promise<string> {
  const socket = await connect(name);
  let text = '';
  socket.on('data', (data) => {
    if (text.length < MiB) text += data;
  });
  socket.on('error', () => {});
  for (const piece of pieces) if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
  socket.end();
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

/** xorshift32: the same bytes in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function* noise(seed: number, alphabet: string): Generator<Uint8Array> {
  const next = random(seed);
  for (let piece = 0; piece < 20; piece++) {
    const choose = (): number => (alphabet === '' ? next() : alphabet.charCodeAt(next() % alphabet.length));
    yield Uint8Array.from({ length: next() % 400 }, choose);
  }
}

/** One of many clients that are there at once. */
class Client {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** The first of what it was answered. */
  text = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      if (this.text.length < 4096) this.text += data;
    });
  }

  static async connect(name: string): Promise<Client> {
    return new Client(await connect(name));
  }
}

const CLIENTS = 1000;
const LONG = 'a'.repeat(64 * 1024);

/** What clients do that no client should. Those that stay to hear it are answered with an error. */
const MISDEEDS: readonly { readonly answered: boolean; act(client: Client, seed: number): void }[] = [
  { answered: false, act: ({ socket }) => void socket.destroy() },
  { answered: false, act: ({ socket }) => void socket.end() },
  {
    answered: false,
    act: ({ socket }, seed) =>
      void socket.write(Uint8Array.from(noise(seed + 1, '').next().value ?? []), () => socket.destroy()),
  },
  {
    answered: true,
    act: ({ socket }, seed) => void socket.end(Buffer.concat([...noise(seed + 1, ''), Buffer.from('\n]\n')])),
  },
  { answered: true, act: ({ socket }) => void socket.end(`${LONG}\n`) },
  { answered: true, act: ({ socket }) => void socket.end(`${'['.repeat(20_000)}\n`) },
  { answered: true, act: ({ socket }) => void socket.end(`${'{"a":'.repeat(20_000)}\n`) },
  { answered: true, act: ({ socket }) => void socket.end('{"execute": "no-such-command"}\nno such command\n') },
];

const SERVERS = ['qmp', 'hmp', 'qtest'] as const;

describe.each(SERVERS)('%s', (name) => {
  it('survives noise', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      await send(name, noise(seed, ''));
      await send(name, noise(seed, '{}[]":,\\ntruefalse0123456789.eE+-\x01\n \t'));
      await send(name, noise(seed, 'infoxp/8 \n\r\x7f\x1b[A\treadl0x80000000'));
    }
    await alive(name);
  });

  it('keeps little of a line without an end', async () => {
    const piece = 'a'.repeat(MiB);
    const before = process.memoryUsage.rss();
    await send(
      name,
      Array.from({ length: 48 }, () => piece),
    );
    // qtest takes lines of up to 128 MiB: its clients write much at once.
    expect(process.memoryUsage.rss() - before).toBeLessThan((name === 'qtest' ? 400 : 150) * MiB);
    await alive(name);
  });
});

it.concurrent.each(SERVERS)(
  '%s survives a thousand clients that are there at once, whatever each sends and however it leaves',
  async (name) => {
    const before = process.memoryUsage.rss();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.connect(name)));
    for (const [i, client] of clients.entries()) MISDEEDS[i % MISDEEDS.length]?.act(client, i);
    await Promise.all(clients.map(({ closed }) => closed));
    expect(process.memoryUsage.rss() - before).toBeLessThan(250 * MiB);
    if (name !== 'hmp') {
      const unanswered = clients.filter((client, i) => {
        const { answered } = MISDEEDS[i % MISDEEDS.length] ?? {};
        return answered && !client.text.includes(name === 'qmp' ? '"error": {"class": ' : 'FAIL ');
      });
      expect(unanswered).toEqual([]);
    }
    await alive(name);
  },
  120_000,
);

it('QMP answers JSON that is too deep with an error', async () => {
  const text = await send('qmp', ['['.repeat(100_000), '\n', '{"execute":"qmp_capabilities"}\n']);
  expect(text).toContain('"error": {"class": "GenericError"');
  await alive('qmp');
});

it('a client that has sent everything and ended its half has its answers', async () => {
  const commands = '{"execute":"qmp_capabilities"}{"execute":"query-status","id":1}';
  expect(await send('qmp', [commands])).toContain('"id": 1}');
  expect(await send('qtest', ['endianness\nreadl 0x80000000\n'])).toBe('OK little\nOK 0x0000000000000000\n');
});
