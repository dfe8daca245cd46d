import { execFileSync, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CharEvent } from '@boardwalk/core';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { nativeLibrary } from '../file/native.ts';
import { FileChar } from './file-char.ts';
import type { HostChar } from './host-char.ts';
import { LoggedChar } from './logged-char.ts';
import { NamedPipeChar } from './pipe-char.ts';
import { PtyChar } from './pty-char.ts';
import { SocketChar } from './socket-char.ts';
import { StdioChar } from './stdio-char.ts';
import { TelnetFilter, telnetGreeting } from './telnet.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-char-'));
const path = (name: string): string => join(folder, name);
const open: { close(): void }[] = [];
afterEach(() => {
  for (const line of open.splice(0)) line.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Waits until a check passes, on a busy host too. */
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });

/** When the code that runs now has ended, as a slice of guest code does. */
const slice = (): Promise<void> => Promise.resolve();

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Collects what a backend says. */
function listen(char: HostChar): { text: string; events: CharEvent[] } {
  open.push(char);
  const heard = { text: '', events: [] as CharEvent[] };
  char.onData((data) => {
    heard.text += Buffer.from(data).toString('latin1');
  });
  char.onEvent((event) => heard.events.push(event));
  return heard;
}

describe('StdioChar', () => {
  class FakeTerminal extends EventEmitter {
    readonly isTTY: boolean;
    readonly modes: boolean[] = [];
    written = '';
    flowing = false;
    constructor(isTTY = true) {
      super();
      this.isTTY = isTTY;
    }
    setRawMode(raw: boolean): void {
      this.modes.push(raw);
    }
    write(data: Uint8Array | string): void {
      this.written += Buffer.from(data as Uint8Array).toString();
    }
    pause(): void {
      this.flowing = false;
    }
    resume(): void {
      this.flowing = true;
    }
  }

  function terminal(signals: boolean, isTTY = true) {
    const input = new FakeTerminal(isTTY);
    const output = new FakeTerminal(isTTY);
    const onQuit = vi.fn();
    const char = new StdioChar({ signals, onQuit, input, output });
    return { input, output, onQuit, char, heard: listen(char) };
  }

  it('is raw while it is open, and restored when it is closed or the process ends', async () => {
    const { char, input } = terminal(true);
    expect(input.modes).toEqual([]);
    const before = process.listenerCount('exit');
    await char.begin();
    expect(input.modes).toEqual([true]);
    expect(process.listenerCount('exit')).toBe(before + 1);
    process.listeners('exit').at(-1)?.(0);
    expect(input.modes).toEqual([true, false]);
    char.close();
    expect(input.modes).toEqual([true, false, false]);
    expect(process.listenerCount('exit')).toBe(before);
    expect(input.flowing).toBe(false);
  });

  it('leaves a pipe as it is', async () => {
    const { char, input, heard } = terminal(true, false);
    await char.begin();
    expect(input.modes).toEqual([]);
    input.emit('data', ascii('ls\n'));
    input.emit('end');
    expect(heard).toEqual({ text: 'ls\n', events: ['close'] });
  });

  it('gives Ctrl-C to the guest, or ends at it', async () => {
    const { char, input, onQuit, heard } = terminal(false);
    await char.begin();
    input.emit('data', ascii('\x03'));
    expect(heard.text).toBe('\x03');
    expect(onQuit).not.toHaveBeenCalled();
    char.close();
    const other = terminal(true);
    await other.char.begin();
    other.input.emit('data', ascii('\x01x\x03'));
    expect(other.onQuit).toHaveBeenCalledOnce();
    expect(other.heard.text).toBe('');
  });

  it('is there once', () => {
    terminal(true);
    expect(() => terminal(true)).toThrow('cannot use stdio by multiple character devices');
  });

  it('holds a pipe back when the guest cannot take more', async () => {
    for (const signals of [false, true]) {
      const { char, input } = terminal(signals, false);
      await char.begin();
      char.canReceive(false);
      expect(input.flowing).toBe(false);
      char.canReceive(true);
      expect(input.flowing).toBe(true);
      char.close();
    }
    const { char, input } = terminal(true);
    await char.begin();
    char.canReceive(false);
    expect(input.flowing).toBe(true);
  });
});

describe('FileChar', () => {
  it('makes its file when the line opens, and not before', async () => {
    const char = new FileChar(path('log'));
    listen(char);
    expect(existsSync(path('log'))).toBe(false);
    await char.begin();
    char.write(ascii('boot '));
    char.write(ascii('done'));
    await slice();
    expect(readFileSync(path('log'), 'utf8')).toBe('boot done');
  });

  it('adds to a file, and takes input from another', async () => {
    writeFileSync(path('more'), 'old ');
    writeFileSync(path('keys'), 'reboot\n');
    const char = new FileChar(path('more'), { append: true, inputPath: path('keys') });
    const heard = listen(char);
    await char.begin();
    char.write(ascii('new'));
    char.close();
    expect(readFileSync(path('more'), 'utf8')).toBe('old new');
    expect(heard.text).toBe('reboot\n');
  });

  it('refuses what cannot be written', () => {
    expect(() => new FileChar(folder)).toThrow(`${folder}: it is a directory`);
    expect(() => new FileChar(path('no/such/place'))).toThrow('no/such/place: no such file or directory');
    expect(() => new FileChar(path('x'), { inputPath: path('y') })).toThrow('y: no such file or directory');
  });
});

describe('LoggedChar', () => {
  it('copies what is sent to its file', async () => {
    const char = new LoggedChar(new FileChar(path('logged')), path('log of logged'));
    listen(char);
    await char.begin();
    for (const letter of 'login') char.write(ascii(letter));
    await slice();
    for (const name of ['logged', 'log of logged']) expect(readFileSync(path(name), 'utf8')).toBe('login');
    char.write(ascii(': '));
    char.close();
    for (const name of ['logged', 'log of logged']) expect(readFileSync(path(name), 'utf8')).toBe('login: ');
  });
});

describe('SocketChar', () => {
  const connected = (port: number | string): Promise<Socket & { text: string }> =>
    new Promise((resolve, reject) => {
      const socket = Object.assign(
        typeof port === 'number' ? createConnection(port, '127.0.0.1') : createConnection(port),
        {
          text: '',
        },
      );
      open.push({ close: () => socket.destroy() });
      socket.on('data', (data) => {
        socket.text += data.toString('latin1');
      });
      socket.on('connect', () => resolve(socket));
      socket.on('error', reject);
    });
  const portOf = (char: SocketChar): number => Number(char.address.split(':').at(-1));
  const local = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

  it('serves one client at a time over TCP', async () => {
    const char = new SocketChar(local, { server: true, wait: false });
    const heard = listen(char);
    await char.begin();
    char.write(ascii('lost'));
    const client = await connected(portOf(char));
    await soon(() => expect(heard.events).toEqual(['open']));
    client.write('keys');
    await soon(() => expect(heard.text).toBe('keys'));
    char.write(ascii('output'));
    await soon(() => expect(client.text).toBe('output'));

    const second = await connected(portOf(char));
    second.write('later');
    client.write(' more');
    await soon(() => expect(heard.text).toBe('keys more'));
    client.end();
    await soon(() => expect(heard).toEqual({ text: 'keys morelater', events: ['open', 'close', 'open'] }));
    char.write(ascii('again'));
    await soon(() => expect(second.text).toBe('again'));
    expect(client.text).toBe('output');
  });

  it('answers a client that has ended its half, and goes on to the next', async () => {
    const char = new SocketChar(local, { server: true, wait: false });
    const heard = listen(char);
    char.onData((data) => {
      const text = Buffer.from(data).toString();
      setTimeout(() => char.write(ascii(`${text}!`)), 10);
    });
    await char.begin();
    const client = await connected(portOf(char));
    client.end('question');
    await new Promise((resolve) => client.on('close', resolve));
    expect(client.text).toBe('question!');
    await soon(() => expect(heard.events).toEqual(['open', 'close']));
  });

  it('serves a thousand clients, one after another, who all came at once', async () => {
    const char = new SocketChar(local, { server: true, wait: false });
    listen(char);
    char.onEvent((event) => {
      if (event === 'open') char.write(ascii('hello'));
    });
    await char.begin();
    let served = 0;
    const clients = await Promise.all(Array.from({ length: 1000 }, () => connected(portOf(char))));
    for (const client of clients) {
      const leave = (): void => {
        served++;
        client.destroy();
      };
      if (client.text === 'hello') leave();
      else client.on('data', leave);
    }
    await soon(() => expect(served).toBe(1000));
  });

  it('speaks WebSocket', async () => {
    const { WebSocket } = await import('ws');
    const char = new SocketChar(local, { server: true, wait: false, websocket: true });
    const heard = listen(char);
    await char.begin();
    const plain = await fetch(`http://127.0.0.1:${portOf(char)}/`);
    expect(plain.status).toBe(426);
    const client = new WebSocket(`ws://127.0.0.1:${portOf(char)}/`, ['binary']);
    client.on('error', () => {});
    open.push({ close: () => client.terminate() });
    let text = '';
    client.on('message', (data) => {
      text += String(data);
    });
    await new Promise((resolve) => client.on('open', resolve));
    await soon(() => expect(heard.events).toEqual(['open']));
    client.send('keys');
    await soon(() => expect(heard.text).toBe('keys'));
    char.write(ascii('output'));
    await soon(() => expect(text).toBe('output'));
    client.close();
    await soon(() => expect(heard.events).toEqual(['open', 'close']));
  });

  it('finds a free port in a range', async () => {
    const first = new SocketChar(local, { server: true, wait: false });
    listen(first);
    await first.begin();
    const port = portOf(first);
    const second = new SocketChar({ ...local, port, to: port + 20 }, { server: true, wait: false });
    listen(second);
    await second.begin();
    expect(portOf(second)).toBeGreaterThan(port);
    await expect(new SocketChar({ ...local, port }, { server: true }).begin()).rejects.toThrow(
      'address already in use',
    );
  });

  it.skipIf(process.platform !== 'linux')('has abstract addresses, and sockets that it was given', async () => {
    const address = { kind: 'unix', path: path('abstract'), abstract: true } as const;
    const server = new SocketChar(address, { server: true, wait: false });
    const heard = listen(server);
    await server.begin();
    const client = new SocketChar(address);
    listen(client);
    await client.begin();
    client.write(ascii('ping'));
    await soon(() => expect(heard.text).toBe('ping'));
    expect(existsSync(path('abstract'))).toBe(false);
    expect(() => new SocketChar({ kind: 'fd', fd: 0x7fff })).toThrow('fd:32767: bad file descriptor');
    const file = openSync(path('no-socket'), 'w');
    expect(() => new SocketChar({ kind: 'fd', fd: file })).toThrow(`File descriptor '${file}' is not a socket`);
  });

  it('waits for its first client when asked to', async () => {
    const waiting: string[] = [];
    const char = new SocketChar(local, { server: true, onWait: (address) => waiting.push(address) });
    listen(char);
    let started = false;
    const begun = char.begin().then(() => {
      started = true;
    });
    await soon(() => expect(waiting).toHaveLength(1));
    expect(started).toBe(false);
    await connected(portOf(char));
    await begun;
  });

  it.skipIf(process.platform === 'win32')('serves and connects over Unix sockets, replacing a stale one', async () => {
    const address = { kind: 'unix', path: path('line') } as const;
    // A server that is killed leaves its socket behind.
    const leave = `require('net').createServer().listen(${JSON.stringify(address.path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', leave]);
    expect(existsSync(address.path)).toBe(true);

    const server = new SocketChar(address, { server: true, wait: false });
    const heard = listen(server);
    await server.begin();
    expect(statSync(address.path).mode & 0o777).toBe(0o700);
    const client = new SocketChar(address);
    const answer = listen(client);
    await client.begin();
    client.write(ascii('ping'));
    await soon(() => expect(heard.text).toBe('ping'));
    server.write(ascii('pong'));
    await soon(() => expect(answer.text).toBe('pong'));
  });

  it('refuses a connection that nobody takes, unless it is to try again', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
    await expect(new SocketChar(target).begin()).rejects.toThrow(`tcp:127.0.0.1:${port}: connection refused`);

    const patient = new SocketChar(target, { reconnect: 0.05 });
    const heard = listen(patient);
    await patient.begin();
    const late = createServer((socket) => socket.end('here I am'));
    open.push({ close: () => late.close() });
    late.listen(port, '127.0.0.1');
    await soon(() => expect(heard.text).toContain('here I am'));
  });

  it('holds its peer back when the guest cannot take more', async () => {
    const char = new SocketChar(local, { server: true, wait: false });
    const heard = listen(char);
    await char.begin();
    char.canReceive(false);
    const client = await connected(portOf(char));
    client.write('keys');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard.text).toBe('');
    char.canReceive(true);
    await soon(() => expect(heard.text).toBe('keys'));
  });

  it('keeps a bounded amount for a peer that does not read', async () => {
    const char = new SocketChar(local, { server: true, wait: false });
    const heard = listen(char);
    await char.begin();
    const client = await connected(portOf(char));
    client.pause();
    await soon(() => expect(heard.events).toEqual(['open']));
    const chunk = new Uint8Array(16384);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 4096; i++) char.write(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
  });

  it('speaks telnet', async () => {
    const char = new SocketChar(local, { server: true, wait: false, telnet: true });
    const heard = listen(char);
    await char.begin();
    const client = await connected(portOf(char));
    client.write(Uint8Array.of(255, 253, 3, 0x68, 255, 255, 0x69, 255, 243));
    await soon(() => expect(heard.events).toEqual(['open', 'break']));
    expect(heard.text).toBe('h\xffi');
    char.write(Uint8Array.of(0x6f, 255, 0x6b));
    const greeting = Buffer.from(telnetGreeting).toString('latin1');
    await soon(() => expect(client.text).toBe(`${greeting}o\xff\xffk`));
  });

  it('skips a telnet subnegotiation, however it is cut', () => {
    const filter = new TelnetFilter();
    const bytes = [0x61, 255, 250, 31, 0, 80, 255, 255, 24, 255, 240, 0x62];
    expect(bytes.flatMap((byte) => [...filter.feed(Uint8Array.of(byte)).bytes])).toEqual([0x61, 0x62]);
  });

  it.skipIf(process.platform === 'win32')('refuses impossible Unix addresses', () => {
    const unix = (p: string, server: boolean): SocketChar => new SocketChar({ kind: 'unix', path: p }, { server });
    expect(() => unix(`/tmp/${'x'.repeat(200)}`, false)).toThrow('too long for a socket');
    writeFileSync(path('plain'), '');
    expect(() => unix(path('plain'), true)).toThrow('it is no socket');
  });
});

describe.skipIf(process.platform === 'win32')('NamedPipeChar', () => {
  it('moves bytes both ways through two pipes', async () => {
    execFileSync('mkfifo', [path('tube.in'), path('tube.out')]);
    const char = new NamedPipeChar(path('tube'));
    const heard = listen(char);
    await char.begin();
    const input = openSync(path('tube.in'), 'r+');
    writeSync(input, 'keys');
    await soon(() => expect(heard.text).toBe('keys'));
    char.write(ascii('output'));
    const reader = createReadStream(path('tube.out'));
    open.push({ close: () => reader.destroy() });
    expect(String(await new Promise((resolve) => reader.once('data', resolve)))).toBe('output');
  });

  it('refuses what is no pipe', () => {
    expect(() => new NamedPipeChar(path('nothing'))).toThrow('nothing.in; mkfifo makes one');
    writeFileSync(path('plain.in'), '');
    expect(() => new NamedPipeChar(path('plain'))).toThrow('plain.in is no named pipe');
  });
});

describe('PtyChar', () => {
  it('is a terminal that another program opens', async ({ skip }) => {
    if (!(await nativeLibrary())) {
      await expect(PtyChar.create()).rejects.toThrow('pty: pseudo-terminals need');
      return skip('needs koffi');
    }
    const char = await PtyChar.create();
    const heard = listen(char);
    expect(char.describe()).toBeUndefined();
    await char.begin();
    const name = char.describe() ?? '';
    expect(name).toMatch(/^\/dev\//);
    char.write(ascii('login: '));
    await slice();
    execFileSync('sh', ['-c', `head -c 7 < ${name} > ${path('screen')}; printf root > ${name}`]);
    expect(readFileSync(path('screen'), 'utf8')).toBe('login: ');
    await soon(() => expect(heard.text).toBe('root'));
  });
});
