// -serial and -chardev: the lines that a machine's serial ports and consoles are on.

import { type CharBackend, NullChar, RingBufChar, UserError } from '@boardwalk/core';
import type { SocketAddress, SocketCharOptions } from '@boardwalk/host-node';
import { KeyValues } from '../options/key-values.ts';

/** What a line is on, as read from the command line; nothing has been opened. */
export type LineSpec =
  | { readonly kind: 'null' | 'pty' }
  | { readonly kind: 'stdio'; readonly escapes: boolean; readonly signals: boolean }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean; readonly inputPath?: string }
  | { readonly kind: 'pipe'; readonly path: string }
  | { readonly kind: 'ringbuf'; readonly size: number }
  | { readonly kind: 'socket'; readonly address: SocketAddress; readonly options: SocketCharOptions };

/** A -serial: a line of its own, or a -chardev's. */
export type SerialSpec = LineSpec | { readonly kind: 'chardev'; readonly id: string };

/** What lines need from the program. */
export interface LineHost {
  /** The user leaves, by a key. */
  quit(): void;
  /** Says something to the user. */
  note(text: string): void;
}

/** The terminal as -nographic has it: commands after Ctrl-a, everything else to the guest. */
export const TERMINAL: LineSpec = { kind: 'stdio', escapes: true, signals: false };

/** @throws UserError for a -serial that cannot be */
export function parseSerial(text: string): SerialSpec {
  if (text === 'mon:stdio') return TERMINAL;
  if (text === 'stdio') return { kind: 'stdio', escapes: false, signals: true };
  if (text === 'null' || text === 'none') return { kind: 'null' };
  if (text === 'pty') return { kind: 'pty' };
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'file':
      return { kind: 'file', path: named(rest, 'file'), append: false };
    case 'pipe':
      return { kind: 'pipe', path: named(rest, 'pipe') };
    case 'chardev':
      return { kind: 'chardev', id: named(rest, 'chardev') };
    case 'tcp':
    case 'telnet':
    case 'unix':
      return parseSocket(scheme, rest);
    case 'mon':
      throw new UserError(`'${text}' is not supported: there is no monitor yet, mon:stdio only gives the Ctrl-a keys`);
  }
  if (/^vc\b/.test(text)) throw new UserError("'vc' needs a window, and there is no graphical display");
  throw new UserError(
    `'${text}' is no line: stdio, mon:stdio, file:, pipe:, tcp:, telnet:, unix:, pty, null, none and chardev: are`,
  );
}

function named(rest: string, scheme: string): string {
  if (rest === '') throw new UserError(`${scheme}: needs a name`);
  return rest;
}

function parseSocket(scheme: 'tcp' | 'telnet' | 'unix', text: string): LineSpec {
  const options = new KeyValues(text, 'address');
  const place = options.take('address') ?? '';
  const line = {
    kind: 'socket',
    address: parseAddress(scheme, place),
    options: socketOptions(options, scheme === 'telnet'),
  } as const;
  options.finish();
  return line;
}

function parseAddress(scheme: 'tcp' | 'telnet' | 'unix', place: string): SocketAddress {
  if (scheme === 'unix') return { kind: 'unix', path: named(place, scheme) };
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(place);
  if (!match) throw new UserError(`'${scheme}:${place}' should be ${scheme}:[HOST]:PORT`);
  return tcpAddress(match[1] ?? match[2] ?? '', match[3] ?? '');
}

function tcpAddress(host: string, portText: string): SocketAddress {
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65535) throw new UserError(`'${portText}' is no port number`);
  return { kind: 'tcp', port, ...(host === '' ? {} : { host }) };
}

function socketOptions(values: KeyValues, telnetScheme: boolean): SocketCharOptions {
  const server = values.bool('server') ?? false;
  const wait = values.bool('wait');
  const reconnect = values.count('reconnect');
  if (wait !== undefined && !server) throw new UserError("'wait' is for servers: add server=on");
  if (reconnect !== undefined && server) throw new UserError("'reconnect' is for clients: leave out server=on");
  return {
    server,
    wait: wait ?? server,
    telnet: values.bool('telnet') ?? telnetScheme,
    nodelay: values.bool('nodelay') ?? true,
    reconnect: reconnect ?? 0,
  };
}

const BACKENDS = ['null', 'stdio', 'file', 'pipe', 'socket', 'pty', 'ringbuf'] as const;

/** The text of `-chardev help`. */
export const CHARDEV_HELP = `Available chardev backend types:\n${BACKENDS.map((name) => `  ${name}\n`).join('')}`;

/** @throws UserError for a -chardev that cannot be */
export function parseChardev(text: string): { readonly id: string; readonly line: LineSpec } {
  const values = new KeyValues(text, 'backend');
  const name = values.require('backend');
  const backend = BACKENDS.find((candidate) => candidate === name);
  if (backend === undefined) throw new UserError(`'${name}' is not a valid char driver; ${BACKENDS.join(', ')} are`);
  const id = values.require('id');
  if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(id)) throw new UserError(`'${id}' is no id: letters, digits and . _ - are`);
  const line = chardevLine(backend, values);
  values.finish();
  return { id, line };
}

function chardevLine(backend: (typeof BACKENDS)[number], values: KeyValues): LineSpec {
  switch (backend) {
    case 'null':
    case 'pty':
      return { kind: backend };
    case 'stdio':
      return { kind: 'stdio', escapes: values.bool('mux') ?? false, signals: values.bool('signal') ?? true };
    case 'file': {
      const inputPath = values.take('input-path');
      const append = values.bool('append') ?? false;
      return { kind: 'file', path: values.require('path'), append, ...(inputPath === undefined ? {} : { inputPath }) };
    }
    case 'pipe':
      return { kind: 'pipe', path: values.require('path') };
    case 'ringbuf':
      return { kind: 'ringbuf', size: values.size('size') ?? 65536 };
    case 'socket': {
      const path = values.take('path');
      const address: SocketAddress =
        path === undefined ? tcpAddress(values.take('host') ?? '', values.require('port')) : { kind: 'unix', path };
      return { kind: 'socket', address, options: socketOptions(values, false) };
    }
  }
}

/**
 * Makes a line. Nothing of the host is changed before its `begin`.
 * @throws UserError if the host has no such thing
 */
export async function makeLine(spec: LineSpec, host: LineHost): Promise<CharBackend> {
  if (spec.kind === 'null') return new NullChar();
  if (spec.kind === 'ringbuf') return new RingBufChar(spec.size);
  const node = await import('@boardwalk/host-node');
  switch (spec.kind) {
    case 'stdio':
      return new node.StdioChar({ escapes: spec.escapes, signals: spec.signals, onQuit: () => host.quit() });
    case 'file':
      return new node.FileChar(spec.path, spec);
    case 'pipe':
      return new node.NamedPipeChar(spec.path);
    case 'pty':
      return node.PtyChar.create();
    case 'socket':
      return new node.SocketChar(spec.address, {
        ...spec.options,
        onWait: (address) => host.note(`waiting for connection on: ${address}`),
      });
  }
}
