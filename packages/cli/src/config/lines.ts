// -serial, -monitor, -qmp, -gdb, -qtest and -chardev: what lines are on, as read from the command line.

import { UserError } from '@boardwalk/core';
import type { SocketAddress, SocketCharOptions } from '@boardwalk/host-node';
import { KeyValues } from '../options/key-values.ts';

/** What a line is on; nothing has been opened. */
export type LineSpec =
  | { readonly kind: 'null' | 'pty' }
  | { readonly kind: 'stdio'; readonly signals: boolean }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean; readonly inputPath?: string }
  | { readonly kind: 'pipe'; readonly path: string }
  | { readonly kind: 'ringbuf'; readonly size: number }
  | { readonly kind: 'socket'; readonly address: SocketAddress; readonly options: SocketCharOptions };

/** A line as an option names it: of its own, a -chardev's, one that it shares with a monitor (`mon:`), or none. */
export type LineChoice =
  | { readonly on: 'line' | 'mon'; readonly line: LineSpec }
  | { readonly on: 'chardev'; readonly id: string }
  | { readonly on: 'nothing' };

/** The terminal as -nographic has it: console and monitor, commands after Ctrl-a, everything else to the guest. */
export const TERMINAL: LineChoice = { on: 'mon', line: { kind: 'stdio', signals: false } };

const KINDS = 'stdio, file:, pipe:, tcp:, telnet:, websocket:, unix:, pty, null, none, chardev: and mon:';

/** @throws UserError for a line that cannot be */
export function parseLine(text: string): LineChoice {
  if (text === 'none') return { on: 'nothing' };
  if (text.startsWith('chardev:')) return { on: 'chardev', id: named(text.slice('chardev:'.length), 'chardev') };
  if (!text.startsWith('mon:')) return { on: 'line', line: parseBackend(text) };
  const line = parseBackend(text.slice('mon:'.length));
  return { on: 'mon', line: line.kind === 'stdio' ? { ...line, signals: false } : line };
}

function parseBackend(text: string): LineSpec {
  if (text === 'stdio') return { kind: 'stdio', signals: true };
  if (text === 'null') return { kind: 'null' };
  if (text === 'pty') return { kind: 'pty' };
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'file':
      return { kind: 'file', path: named(rest, 'file'), append: false };
    case 'pipe':
      return { kind: 'pipe', path: named(rest, 'pipe') };
    case 'tcp':
    case 'telnet':
    case 'websocket':
    case 'unix':
      return parseSocket(scheme, rest);
  }
  if (/^vc\b/.test(text)) throw new UserError("'vc' needs a window, and there is no graphical display");
  throw new UserError(`'${text}' is not a valid char driver; ${KINDS} are`);
}

function named(rest: string, scheme: string): string {
  if (rest === '') throw new UserError(`${scheme}: needs a name`);
  return rest;
}

type Scheme = 'tcp' | 'telnet' | 'websocket' | 'unix';

function parseSocket(scheme: Scheme, text: string): LineSpec {
  const values = new KeyValues(text, 'address');
  const place = values.take('address') ?? '';
  const line = {
    kind: 'socket',
    address: parseAddress(scheme, place, values),
    options: socketOptions(values, scheme),
  } as const;
  values.finish();
  return line;
}

function parseAddress(scheme: Scheme, place: string, values: KeyValues): SocketAddress {
  if (scheme === 'unix') return unixAddress(named(place, scheme), values);
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(place);
  if (!match) throw new UserError(`'${scheme}:${place}' should be ${scheme}:[HOST]:PORT`);
  return tcpAddress(match[1] ?? match[2] ?? '', match[3] ?? '', values);
}

function unixAddress(path: string, values: KeyValues): SocketAddress {
  const abstract = values.bool('abstract') ?? false;
  // Node gives an abstract name its exact length, which is what tight=on means.
  if (!(values.bool('tight') ?? true)) throw new UserError('tight=off is not supported');
  return { kind: 'unix', path, ...(abstract ? { abstract } : {}) };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new UserError(`'${text}' is no port number`);
  return port;
}

function tcpAddress(host: string, portText: string, values: KeyValues): SocketAddress {
  const to = values.take('to');
  const four = values.bool('ipv4');
  const six = values.bool('ipv6');
  if (four === false && six === false) throw new UserError('Cannot disable IPv4 and IPv6 at same time');
  const family = six === false || (four === true && six !== true) ? 4 : four === false || six === true ? 6 : undefined;
  const both = four === true && six === true;
  return {
    kind: 'tcp',
    port: portNumber(portText),
    ...(host === '' ? {} : { host }),
    ...(to === undefined ? {} : { to: portNumber(to) }),
    ...(family === undefined || both ? {} : { family }),
  };
}

function socketOptions(values: KeyValues, scheme?: Scheme): SocketCharOptions {
  const server = values.bool('server') ?? false;
  const wait = values.bool('wait');
  const reconnect = values.count('reconnect');
  const telnet = values.bool('telnet') ?? scheme === 'telnet';
  const websocket = values.bool('websocket') ?? scheme === 'websocket';
  if (wait !== undefined && !server) throw new UserError("'wait' is for servers: add server=on");
  if (reconnect !== undefined && server) throw new UserError("'reconnect' is for clients: leave out server=on");
  if (websocket && !server) throw new UserError('Websocket client is not implemented');
  if (websocket && telnet) throw new UserError("'telnet' and 'websocket' exclude each other");
  return {
    server,
    wait: wait ?? server,
    telnet,
    ...(websocket ? { websocket } : {}),
    nodelay: values.bool('nodelay') ?? true,
    reconnect: reconnect ?? 0,
  };
}

const BACKENDS = ['null', 'stdio', 'file', 'pipe', 'socket', 'pty', 'ringbuf'] as const;

/** The text of `-chardev help`. */
export const CHARDEV_HELP = `Available chardev backend types:\n${BACKENDS.map((name) => `  ${name}\n`).join('')}`;

/** One -chardev. */
export interface ChardevSpec {
  readonly id: string;
  readonly line: LineSpec;
  /** Several users share the line. */
  readonly mux: boolean;
  /** Everything that is sent goes to this file too. */
  readonly log?: { readonly path: string; readonly append: boolean };
}

/** @throws UserError for a -chardev that cannot be */
export function parseChardev(text: string): ChardevSpec {
  return chardevOf(new KeyValues(text, 'backend'));
}

/** @throws UserError for a -chardev that cannot be */
export function chardevOf(values: KeyValues): ChardevSpec {
  const name = values.require('backend');
  const backend = BACKENDS.find((candidate) => candidate === name);
  if (backend === undefined) {
    throw new UserError(`'${name}' is not a valid char driver name; ${BACKENDS.join(', ')} are`);
  }
  const id = values.take('id');
  if (id === undefined) throw new UserError('chardev: no id specified');
  if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) {
    throw new UserError(`Parameter 'id' expects an identifier: letters, digits and . _ - after a letter, not '${id}'`);
  }
  const mux = values.bool('mux') ?? false;
  const line = chardevLine(backend, values, mux);
  const path = values.take('logfile');
  const append = values.bool('logappend') ?? true;
  values.finish();
  return { id, line, mux, ...(path === undefined ? {} : { log: { path, append } }) };
}

function chardevLine(backend: (typeof BACKENDS)[number], values: KeyValues, mux: boolean): LineSpec {
  switch (backend) {
    case 'null':
    case 'pty':
      return { kind: backend };
    case 'stdio':
      return { kind: 'stdio', signals: values.bool('signal') ?? !mux };
    case 'file': {
      const inputPath = values.take('input-path');
      const append = values.bool('append') ?? false;
      return { kind: 'file', path: values.require('path'), append, ...(inputPath === undefined ? {} : { inputPath }) };
    }
    case 'pipe':
      return { kind: 'pipe', path: values.require('path') };
    case 'ringbuf':
      return { kind: 'ringbuf', size: values.size('size') ?? 65536 };
    case 'socket':
      return { kind: 'socket', address: chardevAddress(values), options: socketOptions(values) };
  }
}

function chardevAddress(values: KeyValues): SocketAddress {
  const path = values.take('path');
  const host = values.take('host');
  const fd = values.count('fd');
  if ([path, host, fd].filter((place) => place !== undefined).length > 1) {
    throw new UserError("None or one of 'path', 'fd' or 'host' option required.");
  }
  if (fd !== undefined) return { kind: 'fd', fd };
  return path === undefined ? tcpAddress(host ?? '', values.require('port'), values) : unixAddress(path, values);
}
