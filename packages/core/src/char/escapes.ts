// The keys with which a user speaks to the emulator rather than to the guest: Ctrl-a (or another, -echr) and one more.

/** What a key asks for. */
export type EscapeCommand = 'quit' | 'help' | 'break' | 'switch' | 'commit' | 'timestamps';

/** Bytes for the guest, or a command, in the order of the keys. */
export type EscapeItem = Uint8Array | EscapeCommand;

const CTRL_A = 0x01;
const COMMANDS: Readonly<Record<string, EscapeCommand>> = {
  x: 'quit',
  h: 'help',
  '?': 'help',
  b: 'break',
  c: 'switch',
  s: 'commit',
  t: 'timestamps',
};

/** How a key is written in the help: `C-a`. */
function keyName(key: number): string {
  if (key > 0 && key <= 26) return `C-${String.fromCharCode(key + 0x60)}`;
  return key > 32 && key < 127 ? String.fromCharCode(key) : `0x${key.toString(16).padStart(2, '0')}`;
}

/** What `help` shows, a line each. */
export function escapeHelp(escapeKey: number = CTRL_A): string[] {
  const key = keyName(escapeKey);
  return [
    `${key} h    print this help`,
    `${key} x    exit emulator`,
    `${key} s    save disk data back to file (if -snapshot)`,
    `${key} t    toggle console timestamps`,
    `${key} b    send break (magic sysrq)`,
    `${key} c    switch between console and monitor`,
    `${key} ${key}  sends ${key}`,
  ];
}

/** Takes escapes out of a stream of keys. */
export class EscapeFilter {
  readonly #key: number;
  #escaped = false;

  /** @param key the escape's character code; Ctrl-a by default */
  constructor(key: number = CTRL_A) {
    this.#key = key;
  }

  *feed(keys: Uint8Array): IterableIterator<EscapeItem> {
    let from = 0;
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? 0;
      if (this.#escaped) {
        this.#escaped = false;
        const command = COMMANDS[String.fromCharCode(key)];
        if (command) yield command;
        // The escape itself goes on to the guest; any other key after it is dropped with it.
        from = key === this.#key ? at : at + 1;
      } else if (key === this.#key) {
        if (at > from) yield keys.subarray(from, at);
        this.#escaped = true;
        from = at + 1;
      }
    }
    if (from < keys.length) yield keys.subarray(from);
  }
}
