// One line that several users share: what is typed goes to one of them, keys after Ctrl-a choose which. QEMU's `mux=on`.

import { UserError } from '../object/index.ts';
import type { CharBackend, CharEvent } from './char-backend.ts';
import { EscapeFilter, escapeHelp } from './escapes.ts';

/** What the keys ask of the program. */
export interface MuxOptions {
  /** Code of the key that starts a command; Ctrl-a by default. */
  readonly escape?: number;
  /** The user leaves. */
  readonly onQuit: () => void;
  /** Writes what snapshots of drives hold back to their files. */
  readonly onCommit?: () => void;
  /** Milliseconds, for the times at the start of lines. */
  readonly now?: () => number;
}

/** As many users can one line have. */
const MAX_USERS = 4;
/** What a monitor says while nobody sees it is kept up to this many bytes; then the oldest goes. */
const MAX_HELD = 64 * 1024;
const NEWLINE = 0x0a;

/** A line with several users. */
export class MuxChar {
  readonly #backend: CharBackend;
  readonly #options: MuxOptions;
  readonly #filter: EscapeFilter;
  readonly #users: MuxUser[] = [];
  readonly #encoder = new TextEncoder();
  #focus: MuxUser | undefined;
  #stamps: { readonly since: number; lineStart: boolean } | undefined;

  constructor(backend: CharBackend, options: MuxOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#filter = new EscapeFilter(options.escape);
    backend.onData((keys) => this.#receive(keys));
    backend.onEvent?.((event) => {
      for (const user of this.#users) user.tell(event);
    });
  }

  /** As if the other end had sent a break: the user that has the keys sees one. */
  sendBreak(): void {
    this.#focus?.tell('break');
  }

  /**
   * A user more. A device takes the keys; a monitor only if nobody has them, and what it says is seen when it has them.
   * @throws UserError beyond the fourth
   */
  attach(kind: 'device' | 'monitor'): CharBackend {
    if (this.#users.length >= MAX_USERS) throw new UserError(`a mux takes ${MAX_USERS} users, and has them`);
    const user = new MuxUser(this, kind === 'monitor');
    this.#users.push(user);
    if (kind === 'device' || this.#focus === undefined) this.#give(user);
    return user;
  }

  /** @internal a user let go */
  detach(user: MuxUser): void {
    const at = this.#users.indexOf(user);
    if (at < 0) return;
    this.#users.splice(at, 1);
    if (this.#focus === user) this.#give(this.#users[at] ?? this.#users[0]);
  }

  /** @internal output, with times at the start of lines if they are on */
  output(data: Uint8Array): void {
    const stamps = this.#stamps;
    if (stamps === undefined) {
      this.#backend.write(data);
      return;
    }
    let from = 0;
    for (let at = 0; at < data.length; at++) {
      if (stamps.lineStart) {
        this.#backend.write(data.subarray(from, at));
        this.#say(stampText((this.#options.now ?? Date.now)() - stamps.since));
        from = at;
      }
      stamps.lineStart = data[at] === NEWLINE;
    }
    this.#backend.write(data.subarray(from));
  }

  /** @internal */
  hold(user: MuxUser, accepting: boolean): void {
    if (user === this.#focus) this.#backend.canReceive?.(accepting);
  }

  #say(text: string): void {
    this.#backend.write(this.#encoder.encode(text));
  }

  #give(user: MuxUser | undefined): void {
    const before = this.#focus;
    if (before === user) return;
    this.#focus = user;
    before?.focus(false);
    this.#backend.canReceive?.(user?.accepting ?? true);
    user?.focus(true);
  }

  #receive(keys: Uint8Array): void {
    for (const item of this.#filter.feed(keys)) {
      if (typeof item !== 'string') this.#focus?.receive(item);
      else if (item === 'quit') this.#options.onQuit();
      else if (item === 'break') this.#focus?.tell('break');
      else if (item === 'help') this.#say(`\r\n${escapeHelp(this.#options.escape).join('\r\n')}\r\n`);
      else if (item === 'commit') this.#options.onCommit?.();
      else if (item === 'timestamps') this.#toggleStamps();
      else this.#give(this.#next());
    }
  }

  #next(): MuxUser | undefined {
    const at = this.#focus === undefined ? -1 : this.#users.indexOf(this.#focus);
    return this.#users[(at + 1) % this.#users.length];
  }

  #toggleStamps(): void {
    const since = (this.#options.now ?? Date.now)();
    this.#stamps = this.#stamps ? undefined : { since, lineStart: false };
  }
}

/** `[01:02:03.456] ` since the times were switched on. */
function stampText(ms: number): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const milliseconds = String(Math.floor(ms % 1000)).padStart(3, '0');
  return `[${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${milliseconds}] `;
}

/** A user's end of a shared line. */
class MuxUser implements CharBackend {
  readonly #mux: MuxChar;
  readonly #isMonitor: boolean;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #inFocus = false;
  /** It has lost the keys once: getting them is news. */
  #wasOut = false;
  #accepting = true;
  #receiver: ((data: Uint8Array) => void) | undefined;
  #eventReceiver: ((event: CharEvent) => void) | undefined;

  constructor(mux: MuxChar, isMonitor: boolean) {
    this.#mux = mux;
    this.#isMonitor = isMonitor;
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  write(data: Uint8Array): void {
    if (this.#inFocus || !this.#isMonitor) this.#mux.output(data);
    else this.#keep(data.slice());
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#receiver = callback;
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#eventReceiver = callback;
  }

  canReceive(accepting: boolean): void {
    this.#accepting = accepting;
    this.#mux.hold(this, accepting);
  }

  /** Lets go of the line, which stays open for the others. */
  close(): void {
    this.#mux.detach(this);
  }

  receive(data: Uint8Array): void {
    this.#receiver?.(data);
  }

  tell(event: CharEvent): void {
    this.#eventReceiver?.(event);
  }

  focus(inFocus: boolean): void {
    this.#inFocus = inFocus;
    if (!inFocus) {
      this.#wasOut = true;
      this.tell('mux-out');
      return;
    }
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const data of held) this.#mux.output(data);
    if (this.#wasOut) this.tell('mux-in');
  }

  #keep(data: Uint8Array): void {
    this.#held.push(data);
    this.#heldBytes += data.length;
    while (this.#heldBytes > MAX_HELD) this.#heldBytes -= this.#held.shift()?.length ?? this.#heldBytes;
  }
}
