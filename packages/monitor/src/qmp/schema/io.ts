// Character devices (qapi/char.json, qapi/sockets.json).
import { bool, command, enumeration, int, list, opt, str, struct, union } from './dsl.ts';

export const ChardevInfoType = struct('ChardevInfo', { label: str, filename: str, 'frontend-open': bool });

const common = { logfile: opt(str), logappend: opt(bool) } as const;

const SocketAddressLegacy = union(
  'SocketAddressLegacy',
  { type: enumeration('SocketAddressLegacyKind', ['inet', 'unix', 'fd']) },
  'type',
  {
    inet: struct('InetSocketAddressWrapper', {
      data: struct('InetSocketAddress', {
        host: str,
        port: str,
        to: opt(int),
        ipv4: opt(bool),
        ipv6: opt(bool),
      }),
    }),
    unix: struct('UnixSocketAddressWrapper', {
      data: struct('UnixSocketAddress', { path: str, abstract: opt(bool), tight: opt(bool) }),
    }),
    fd: struct('StringWrapper', { data: struct('String', { str }) }),
  },
);

/** What a line is on. */
export const ChardevBackend = union(
  'ChardevBackend',
  { type: enumeration('ChardevBackendKind', ['null', 'file', 'pipe', 'socket', 'pty', 'ringbuf']) },
  'type',
  {
    null: struct('ChardevCommonWrapper', { data: struct('ChardevCommon', common) }),
    pty: struct('ChardevPtyWrapper', { data: struct('ChardevPty', common) }),
    file: struct('ChardevFileWrapper', {
      data: struct('ChardevFile', { in: opt(str), out: str, append: opt(bool), ...common }),
    }),
    pipe: struct('ChardevHostdevWrapper', { data: struct('ChardevHostdev', { device: str, ...common }) }),
    ringbuf: struct('ChardevRingbufWrapper', { data: struct('ChardevRingbuf', { size: opt(int), ...common }) }),
    socket: struct('ChardevSocketWrapper', {
      data: struct('ChardevSocket', {
        addr: SocketAddressLegacy,
        server: opt(bool),
        wait: opt(bool),
        nodelay: opt(bool),
        telnet: opt(bool),
        websocket: opt(bool),
        reconnect: opt(int),
        ...common,
      }),
    }),
  },
);

const DataFormat = enumeration('DataFormat', ['utf8', 'base64']);

export const ioCommands = {
  'query-chardev': command({ doc: 'The character devices.', returns: list(ChardevInfoType), preconfig: true }),
  'query-chardev-backends': command({
    doc: 'What character devices can be on.',
    returns: list(struct('ChardevBackendInfo', { name: str })),
    preconfig: true,
  }),
  'chardev-add': command({
    doc: 'Makes a character device, as `-chardev` does.',
    args: { id: str, backend: ChardevBackend },
    returns: struct('ChardevReturn', { pty: opt(str) }),
  }),
  'chardev-remove': command({ doc: 'Takes a character device away that nothing uses.', args: { id: str } }),
  'ringbuf-write': command({
    doc: 'Writes to a line that is kept in memory (`-chardev ringbuf`).',
    args: { device: str, data: str, format: opt(DataFormat) },
  }),
  'ringbuf-read': command({
    doc: 'Takes the oldest bytes out of a line that is kept in memory, at most so many.',
    args: { device: str, size: int, format: opt(DataFormat) },
    returns: str,
  }),
  'chardev-send-break': command({ doc: 'Sends a break to whatever device is on a line.', args: { id: str } }),
} as const;
