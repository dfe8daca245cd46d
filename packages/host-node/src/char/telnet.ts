// As much of the telnet protocol as a serial line needs: RFC 854 (commands), 856 (binary), 857 (echo), 858 (suppress go ahead).

const IAC = 255;
const SB = 250;
const SE = 240;
const BREAK = 243;
const WILL = 251;
const DO = 253;
const BINARY = 0;
const ECHO = 1;
const SUPPRESS_GO_AHEAD = 3;

/** What a server says first: it echoes (the guest does), nobody waits for "go ahead", eight bits both ways. */
export const telnetGreeting = Uint8Array.of(
  ...[IAC, WILL, ECHO],
  ...[IAC, WILL, SUPPRESS_GO_AHEAD],
  ...[IAC, WILL, BINARY],
  ...[IAC, DO, BINARY],
);

/** Takes telnet commands out of what a client sends. */
export class TelnetFilter {
  #state: 'data' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command' = 'data';

  /** The bytes for the guest, and how many breaks the client sent. */
  feed(data: Uint8Array): { readonly bytes: Uint8Array; readonly breaks: number } {
    const out: number[] = [];
    let breaks = 0;
    for (const byte of data) {
      switch (this.#state) {
        case 'data':
          if (byte === IAC) this.#state = 'command';
          else out.push(byte);
          break;
        case 'command':
          if (byte === IAC) out.push(byte);
          if (byte === BREAK) breaks++;
          this.#state = byte === SB ? 'subnegotiation' : byte >= WILL && byte < IAC ? 'option' : 'data';
          break;
        case 'option':
          this.#state = 'data';
          break;
        case 'subnegotiation':
          if (byte === IAC) this.#state = 'subnegotiation-command';
          break;
        case 'subnegotiation-command':
          this.#state = byte === SE ? 'data' : 'subnegotiation';
          break;
      }
    }
    return { bytes: Uint8Array.from(out), breaks };
  }

  /** Bytes of the guest as the protocol has them: 255 doubled. */
  static escape(data: Uint8Array): Uint8Array {
    if (!data.includes(IAC)) return data;
    return Uint8Array.from([...data].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])));
  }
}
