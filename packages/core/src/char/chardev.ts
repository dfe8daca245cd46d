// A character device with a name in the object tree (`/chardevs`), where devices, serial ports and monitors find it.

import { BwObject, UserError } from '../object/index.ts';
import type { CharBackend, CharEvent } from './char-backend.ts';
import type { MuxChar } from './mux-char.ts';

/** What uses a line: a monitor leaves the keys of a shared one to devices. */
export type CharUser = 'device' | 'monitor';

/** What a {@link Chardev} is made of. */
export interface ChardevParts {
  readonly backend: CharBackend;
  /** What the line is on, where the backend keeps a log of that; default the backend. */
  readonly device?: CharBackend;
  /** The line is shared. */
  readonly mux?: MuxChar | undefined;
  /** Where the line is, as monitors show it; asked each time. */
  readonly filename: () => string;
}

/** A line with a name. One user at a time, unless it is shared. */
export class Chardev extends BwObject {
  static override readonly typeName: string = 'chardev';

  /** The line itself, past its users. */
  readonly backend: CharBackend;
  /** What it is on, past its log. */
  readonly device: CharBackend;
  readonly #mux: MuxChar | undefined;
  readonly #filename: () => string;
  #users = 0;
  readonly #attached = new Set<Attachment>();

  constructor({ backend, device = backend, mux, filename }: ChardevParts) {
    super();
    this.backend = backend;
    this.device = device;
    this.#mux = mux;
    this.#filename = filename;
  }

  get filename(): string {
    return this.#filename();
  }

  /** Something is on the line. */
  get used(): boolean {
    return this.#users > 0;
  }

  /**
   * Takes the line, or a user's place on a shared one. Closing what this gives lets go of it; the line stays open.
   * @throws UserError if something else has it
   */
  attach(user: CharUser): CharBackend {
    if (this.#mux === undefined && this.#users > 0) throw new UserError(`Device '${this.id}' is in use`);
    const line = this.#mux?.attach(user) ?? exclusive(this.backend);
    this.#users++;
    const attachment = new Attachment(line, () => {
      this.#users--;
      this.#attached.delete(attachment);
    });
    this.#attached.add(attachment);
    return attachment;
  }

  /** As if the other end had sent a break: a device that is on the line sees one. */
  sendBreak(): void {
    if (this.#mux) this.#mux.sendBreak();
    else for (const attachment of this.#attached) attachment.tell('break');
  }
}

function exclusive(backend: CharBackend): CharBackend {
  return {
    write: (data) => backend.write(data),
    onData: (callback) => backend.onData(callback),
    onEvent: (callback) => backend.onEvent?.(callback),
    canReceive: (accepting) => backend.canReceive?.(accepting),
    close() {
      backend.onData(() => {});
      backend.onEvent?.(() => {});
    },
  };
}

/** A user's hold on a line. */
class Attachment implements CharBackend {
  readonly #line: CharBackend;
  #onClose: (() => void) | undefined;
  #tell: (event: CharEvent) => void = () => {};

  constructor(line: CharBackend, onClose: () => void) {
    this.#line = line;
    this.#onClose = onClose;
  }

  write(data: Uint8Array): void {
    if (this.#onClose) this.#line.write(data);
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#line.onData(callback);
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#tell = callback;
    this.#line.onEvent?.(callback);
  }

  tell(event: CharEvent): void {
    this.#tell(event);
  }

  canReceive(accepting: boolean): void {
    if (this.#onClose) this.#line.canReceive?.(accepting);
  }

  close(): void {
    const onClose = this.#onClose;
    if (!onClose) return;
    this.#onClose = undefined;
    this.#line.close();
    onClose();
  }
}
