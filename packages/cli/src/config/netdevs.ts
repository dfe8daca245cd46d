// -netdev: what network cards are connected to. Cables to other emulators, over sockets.

import { type NetBackend, StreamNet, UserError } from '@boardwalk/core';
import type { SocketAddress, SocketChar } from '@boardwalk/host-node';
import type { NetdevInfo } from '@boardwalk/monitor';
import { forOptionAsync } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

const TYPES = ['socket', 'stream'] as const;
/** What QEMU has besides; not here. */
const OTHERS = ['user', 'tap', 'bridge', 'dgram', 'hubport', 'l2tpv3', 'vde', 'vhost-user', 'vhost-vdpa'];

/** The text of `-netdev help`. */
export const NETDEV_HELP = `Available netdev backend types:\n${TYPES.map((type) => `${type}\n`).join('')}`;

/** One -netdev. */
export interface NetdevSpec {
  readonly id: string;
  readonly type: (typeof TYPES)[number];
  readonly address: SocketAddress;
  readonly server: boolean;
}

/** @throws UserError for one that cannot be */
export function parseNetdev(text: string): NetdevSpec {
  return readNetdev(new KeyValues(text, 'type'));
}

/** @throws UserError for one that cannot be */
export function readNetdev(values: KeyValues): NetdevSpec {
  const type = values.require('type');
  if (OTHERS.includes(type)) throw new UserError(`type '${type}' is not supported; ${TYPES.join(', ')} are`);
  if (type !== 'socket' && type !== 'stream') throw new UserError(`Invalid parameter '${type}'`);
  const id = values.require('id');
  const place = type === 'socket' ? socketPlace(values) : streamPlace(values);
  values.finish();
  return { id, type, ...place };
}

type Place = Omit<NetdevSpec, 'id' | 'type'>;

/** `listen=[HOST]:PORT` or `connect=HOST:PORT`. */
function socketPlace(values: KeyValues): Place {
  const listen = values.take('listen');
  const connect = values.take('connect');
  const text = listen ?? connect;
  if (text === undefined || (listen !== undefined && connect !== undefined)) {
    throw new UserError('exactly one of listen= and connect= is required');
  }
  const colon = text.lastIndexOf(':');
  return { server: listen !== undefined, address: tcp(text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)) };
}

/** `server=on|off,addr.type=inet|unix,addr.host=HOST,addr.port=PORT,addr.path=PATH`. */
function streamPlace(values: KeyValues): Place {
  const server = values.bool('server') ?? false;
  const type = values.require('addr.type');
  if (type === 'unix') return { server, address: { kind: 'unix', path: values.require('addr.path') } };
  if (type !== 'inet') throw new UserError(`addr.type=${type} is not supported; inet, unix are`);
  return { server, address: tcp(values.require('addr.host'), values.require('addr.port')) };
}

function tcp(host: string, text: string): SocketAddress {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new UserError(`'${text}' is no port: 0 to 65535 are`);
  return { kind: 'tcp', port, ...(host === '' ? {} : { host }) };
}

/** One cable. */
interface Cable {
  readonly spec: NetdevSpec;
  readonly line: SocketChar;
}

/** The cables of a program. Nothing of the host is changed before {@link begin}. */
export class Netdevs {
  /** By id. */
  readonly backends = new Map<string, NetBackend>();
  /** By id: those of {@link backends}, and those that still connect. */
  readonly #cables = new Map<string, Cable>();

  /** As monitors show them. */
  get list(): readonly NetdevInfo[] {
    return [...this.backends.keys()].flatMap((id) => {
      const cable = this.#cables.get(id);
      return cable ? [{ id, type: cable.spec.type, detail: connectionOf(cable) }] : [];
    });
  }

  /** @throws UserError if the id is taken, or the address of no use here */
  async add(spec: NetdevSpec): Promise<void> {
    const { id, line } = await this.#make(spec);
    this.backends.set(id, new StreamNet(line));
  }

  /** Makes one that listens or connects at once. @throws UserError as {@link add}, or if the host refuses */
  async addNow(spec: NetdevSpec): Promise<void> {
    const { id, line } = await this.#make(spec);
    try {
      await line.begin();
    } catch (error) {
      this.#cables.delete(id);
      line.close();
      throw error;
    }
    this.backends.set(id, new StreamNet(line));
  }

  /** Takes one away. @returns what it was, closed; undefined if there is none of that id */
  remove(id: string): NetBackend | undefined {
    const backend = this.backends.get(id);
    if (backend === undefined) return undefined;
    this.backends.delete(id);
    this.#cables.delete(id);
    backend.close();
    return backend;
  }

  /** Listens and connects. @throws UserError if the host refuses */
  async begin(): Promise<void> {
    for (const { line } of this.#cables.values()) await forOptionAsync('netdev', () => line.begin());
  }

  close(): void {
    for (const { line } of this.#cables.values()) line.close();
  }

  async #make(spec: NetdevSpec): Promise<{ readonly id: string; readonly line: SocketChar }> {
    const { id, address, server } = spec;
    const { SocketChar } = await import('@boardwalk/host-node');
    if (this.#cables.has(id)) throw new UserError(`Duplicate ID '${id}' for netdev`);
    const line = new SocketChar(address, { server, wait: false });
    this.#cables.set(id, { spec, line });
    return { id, line };
  }
}

/** Where a cable leads; empty while nobody is at its other end. */
function connectionOf({ line }: Cable): string {
  return line.filename.startsWith('disconnected:') ? '' : line.filename;
}
