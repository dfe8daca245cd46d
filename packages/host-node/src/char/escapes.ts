// The keys with which a user speaks to the emulator rather than to the guest: Ctrl-a and one more.

/** What a key asks for. */
export type EscapeCommand = 'quit' | 'help' | 'break';

/** Bytes for the guest, or a command, in the order of the keys. */
export type EscapeItem = Uint8Array | EscapeCommand;

const CTRL_A = 0x01;
const COMMANDS: ReadonlyMap<number, EscapeCommand> = new Map([
  [0x78, 'quit'],
  [0x68, 'help'],
  [0x3f, 'help'],
  [0x62, 'break'],
]);

/** What `help` shows. */
export const ESCAPE_HELP = [
  'C-a h    print this help',
  'C-a x    leave the emulator',
  'C-a b    send a break',
  'C-a C-a  send C-a',
];

/** Takes escapes out of a stream of keys. */
export class EscapeFilter {
  #escaped = false;

  *feed(keys: Uint8Array): IterableIterator<EscapeItem> {
    let from = 0;
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? 0;
      if (this.#escaped) {
        this.#escaped = false;
        const command = COMMANDS.get(key);
        if (command) yield command;
        // Ctrl-a itself goes on to the guest; any other key after Ctrl-a is dropped with it.
        from = key === CTRL_A ? at : at + 1;
      } else if (key === CTRL_A) {
        if (at > from) yield keys.subarray(from, at);
        this.#escaped = true;
        from = at + 1;
      }
    }
    if (from < keys.length) yield keys.subarray(from);
  }
}
