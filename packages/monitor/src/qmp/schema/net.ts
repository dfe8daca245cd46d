// The network (qapi/net.json).
import { bool, command, enumeration, opt, str, struct, union, unionCommand } from './dsl.ts';

const SocketAddress = union('SocketAddress', { type: enumeration('SocketAddressType', ['inet', 'unix']) }, 'type', {
  inet: struct('NetdevInetAddress', { host: str, port: str }),
  unix: struct('NetdevUnixAddress', { path: str }),
});

/** What a card is connected to. */
export const Netdev = union('Netdev', { id: str, type: enumeration('NetClientDriver', ['socket', 'stream']) }, 'type', {
  socket: struct('NetdevSocketOptions', { listen: opt(str), connect: opt(str) }),
  stream: struct('NetdevStreamOptions', { addr: SocketAddress, server: opt(bool) }),
});

export const netCommands = {
  netdev_add: unionCommand({
    doc: 'Makes what a network card can be connected to, as `-netdev` does; it listens or connects at once.',
    union: Netdev,
    preconfig: true,
  }),
  netdev_del: command({
    doc: 'Takes what a card is connected to away. A card that uses it stays, without a link.',
    args: { id: str },
    preconfig: true,
  }),
} as const;
