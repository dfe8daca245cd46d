/** The other end of a cable, for tests: a host that answers ARP (RFC 826) and ICMP echo (RFC 792), and counts what it answered. */
import type { NetBackend } from '@boardwalk/core';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const PROTOCOL_ICMP = 1;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The check sum of IP (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export class NetPeer implements NetBackend {
  readonly #mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  readonly #address: Uint8Array;
  #receive: (frame: Uint8Array) => void = () => {};
  /** Pings that were answered. */
  echoes = 0;

  /** @param address its IPv4 address */
  constructor(address: readonly number[]) {
    this.#address = Uint8Array.from(address);
  }

  onFrame(callback: (frame: Uint8Array) => void): void {
    this.#receive = callback;
  }

  close(): void {}

  send(frame: Uint8Array): void {
    const reply = this.#reply(frame.slice());
    if (reply !== undefined) queueMicrotask(() => this.#receive(reply));
  }

  #reply(frame: Uint8Array): Uint8Array | undefined {
    const type = view(frame).getUint16(12);
    const body = frame.subarray(14);
    const answer = type === ETHERTYPE_ARP ? this.#arp(body) : type === ETHERTYPE_IPV4 ? this.#echo(body) : undefined;
    if (answer === undefined) return undefined;
    frame.set(frame.subarray(6, 12));
    frame.set(this.#mac, 6);
    frame.set(answer, 14);
    return frame;
  }

  #arp(packet: Uint8Array): Uint8Array | undefined {
    const asked = packet.subarray(24, 28);
    if (view(packet).getUint16(6) !== ARP_REQUEST || !asked.every((byte, i) => byte === this.#address[i]))
      return undefined;
    const reply = packet.slice();
    view(reply).setUint16(6, ARP_REPLY);
    reply.set(packet.subarray(8, 18), 18);
    reply.set(this.#mac, 8);
    reply.set(this.#address, 14);
    return reply;
  }

  #echo(packet: Uint8Array): Uint8Array | undefined {
    const header = 4 * ((packet[0] ?? 0) & 0xf);
    const length = view(packet).getUint16(2);
    if (packet[9] !== PROTOCOL_ICMP || packet[header] !== ECHO_REQUEST) return undefined;
    const reply = packet.slice();
    reply.set(packet.subarray(16, 20), 12);
    reply.set(packet.subarray(12, 16), 16);
    const message = reply.subarray(header, length);
    message[0] = ECHO_REPLY;
    view(message).setUint16(2, 0);
    view(message).setUint16(2, checksum(message));
    this.echoes++;
    return reply;
  }
}
