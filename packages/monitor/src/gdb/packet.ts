/**
 * Packets of gdb's remote serial protocol: `$data#checksum`, acknowledged by `+` or `-`. GDB manual, "Remote Protocol,
 * Overview". Data are strings of bytes (Latin-1).
 */

/** Bytes of a packet's data that are taken, and promised to gdb. */
export const PACKET_BYTES = 0x4000;

const ESCAPE = 0x7d;
const ESCAPE_XOR = 0x20;
const INTERRUPT = 0x03;

export interface PacketEvents {
  /** A whole packet, unescaped; undefined in place of one that is too long. */
  packet(data: string | undefined): void;
  /** The peer wants the last packet again. */
  resend(): void;
  /** Ctrl-C. */
  interrupt(): void;
  /** Says whether a packet came as it was sent. */
  acknowledge(good: boolean): void;
}

type State = 'idle' | 'data' | 'escape' | 'sum1' | 'sum2';

/** Finds packets in a stream of bytes; what is no packet is skipped. */
export class PacketReader {
  readonly #events: PacketEvents;
  #state: State = 'idle';
  #data = '';
  #tooLong = false;
  #sum = 0;
  #digit = 0;

  constructor(events: PacketEvents) {
    this.#events = events;
  }

  /** Forgets what came of a packet. */
  reset(): void {
    this.#state = 'idle';
  }

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case 'idle':
        this.#idle(byte);
        return;
      case 'data':
        this.#inData(byte);
        return;
      case 'escape':
        this.#sum += byte;
        this.#take(byte ^ ESCAPE_XOR);
        this.#state = 'data';
        return;
      case 'sum1':
        this.#digit = hexDigit(byte);
        this.#state = 'sum2';
        return;
      case 'sum2':
        this.#finish(this.#digit < 0 || hexDigit(byte) < 0 ? -1 : this.#digit * 16 + hexDigit(byte));
        return;
    }
  }

  #idle(byte: number): void {
    if (byte === INTERRUPT) this.#events.interrupt();
    else if (byte === 0x2d) this.#events.resend();
    else if (byte === 0x24) this.#begin();
  }

  #begin(): void {
    this.#state = 'data';
    this.#data = '';
    this.#tooLong = false;
    this.#sum = 0;
  }

  #inData(byte: number): void {
    if (byte === 0x24) {
      this.#begin(); // the packet before was cut off
      return;
    }
    if (byte === 0x23) {
      this.#state = 'sum1';
      return;
    }
    this.#sum += byte;
    if (byte === ESCAPE) this.#state = 'escape';
    else this.#take(byte);
  }

  #take(byte: number): void {
    if (this.#data.length < PACKET_BYTES) this.#data += String.fromCharCode(byte);
    else this.#tooLong = true;
  }

  #finish(sum: number): void {
    this.#state = 'idle';
    const good = sum === (this.#sum & 0xff);
    this.#events.acknowledge(good);
    if (good) this.#events.packet(this.#tooLong ? undefined : this.#data);
    this.#data = '';
  }
}

function hexDigit(byte: number): number {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? -1 : value;
}

/** A packet as it is sent. */
export function encodePacket(data: string): Uint8Array {
  const bytes: number[] = [0x24];
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    const byte = data.charCodeAt(i) & 0xff;
    // Of replies, gdb wants `*` escaped too: it begins a run there.
    const special = byte === 0x23 || byte === 0x24 || byte === 0x2a || byte === ESCAPE;
    for (const sent of special ? [ESCAPE, byte ^ ESCAPE_XOR] : [byte]) {
      bytes.push(sent);
      sum += sent;
    }
  }
  const text = `#${(sum & 0xff).toString(16).padStart(2, '0')}`;
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
  return Uint8Array.from(bytes);
}

/** Bytes as pairs of hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of pairs of hexadecimal digits; undefined for what is none. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** A string of bytes as bytes. */
export function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff);
}

/** UTF-8 text as a string of bytes. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A number in hexadecimal, of at most 64 bits; undefined for what is none. */
export function hexNumber(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9a-fA-F]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}
