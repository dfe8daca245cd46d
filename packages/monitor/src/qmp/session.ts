// One QMP connection: greeting, negotiation, commands one after the other, those out of band at once, events in between.
import { type CharBackend, UserError } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { MonitorEvent } from '../events.ts';
import { handlers } from './commands/index.ts';
import { versionInfo } from './commands/run-state.ts';
import { JsonReader } from './json/reader.ts';
import { formatJson, formatPrettyJson, type JsonObject, type JsonValue } from './json/value.ts';
import { commandNotFound, idOf, type Request, readRequest, toQmpError } from './request.ts';
import { commands, commandsOf } from './schema/index.ts';

/** Requests that may wait before the client is held back. */
const QUEUE_LIMIT = 8;

/** How a monitor writes. */
export interface QmpOptions {
  /** JSON on several lines, for people who look on. */
  readonly pretty?: boolean;
}

/** A monitor on a line. */
export interface MonitorSession {
  /** Leaves the line, which stays open. */
  close(): void;
}

/**
 * Speaks QMP on a line: to whoever is at the other end, and to the next one when that has gone (events `close` and `open`).
 * Several of them serve one emulator.
 */
export function serveQmp(emulator: Emulator, char: CharBackend, options: QmpOptions = {}): MonitorSession {
  let session: QmpSession | undefined;
  const end = (): void => {
    session?.end();
    session = undefined;
  };
  const begin = (): void => {
    end();
    session = new QmpSession(emulator, char, options);
  };
  let closed = false;
  char.onEvent?.((event) => {
    if (closed) return;
    if (event === 'open') begin();
    else if (event === 'close' && session?.finish()) session = undefined;
  });
  char.onData((data) => {
    if (closed) return;
    session ??= new QmpSession(emulator, char, options);
    session.feed(data);
  });
  // Whoever is there already has no `open` event to come.
  if (!session) begin();
  return {
    close() {
      closed = true;
      end();
    },
  };
}

interface Pending {
  readonly message: JsonValue;
}

class QmpSession {
  readonly #emulator: Emulator;
  readonly #char: CharBackend;
  readonly #reader: JsonReader;
  readonly #encoder = new TextEncoder();
  readonly #format: (value: unknown) => string;
  readonly #queue: Pending[] = [];
  readonly #stopListening: () => void;
  #negotiating = true;
  #oob = false;
  #busy = false;
  #held = false;
  #ended = false;
  #finishing = false;

  constructor(emulator: Emulator, char: CharBackend, { pretty = false }: QmpOptions) {
    this.#emulator = emulator;
    this.#char = char;
    this.#format = pretty ? formatPrettyJson : formatJson;
    this.#reader = new JsonReader(
      (message) => this.#take(message),
      (desc) => this.#send({ error: { class: 'GenericError', desc } }),
    );
    this.#stopListening = emulator.events.listen((event) => this.#tell(event));
    this.#send({ QMP: { version: versionInfo(emulator), capabilities: ['oob'] } });
  }

  feed(data: Uint8Array): void {
    this.#reader.feed(data);
  }

  end(): void {
    if (this.#ended) return;
    // What was begun is answered nobody: the other side has gone.
    this.#ended = true;
    this.#queue.length = 0;
    this.#stopListening();
    if (this.#held) this.#char.canReceive?.(true);
  }

  /**
   * Nothing comes any more: what was asked is still done, and answered if somebody listens, as after `echo ... | PROGRAM -qmp stdio`.
   * Whoever connects next ends it.
   * @returns true if nothing was left to do
   */
  finish(): boolean {
    this.#stopListening();
    if (this.#busy) this.#finishing = true;
    else this.end();
    return !this.#busy;
  }

  #take(message: JsonValue): void {
    if (this.#ended) return;
    if (this.#oob && typeof message === 'object' && message !== null && 'exec-oob' in message) {
      void this.#execute(message);
      return;
    }
    this.#queue.push({ message });
    if (this.#queue.length >= QUEUE_LIMIT) this.#hold(true);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (this.#queue.length < QUEUE_LIMIT) this.#hold(false);
      const done = this.#execute(next.message);
      if (done) await done;
    }
    this.#busy = false;
    if (this.#finishing) this.end();
  }

  #hold(hold: boolean): void {
    if (this.#held === hold) return;
    this.#held = hold;
    this.#char.canReceive?.(!hold);
  }

  /** @returns a promise if the answer takes time */
  #execute(message: JsonValue): Promise<void> | undefined {
    const id = idOf(message);
    const { trace } = this.#emulator;
    if (trace?.enabled('handle_qmp_command')) trace.tell('handle_qmp_command', `req: ${formatJson(message)}`);
    const fail = (error: unknown): void => this.#send({ ...id, error: { ...toQmpError(error) } });
    try {
      const request = readRequest(message, {
        oob: this.#oob,
        negotiating: this.#negotiating,
        types: this.#emulator.types,
      });
      const result = this.#perform(request);
      if (!(result instanceof Promise)) {
        this.#send({ return: (result ?? {}) as JsonValue, ...id });
        return undefined;
      }
      return result.then((value) => this.#send({ return: (value ?? {}) as JsonValue, ...id }), fail);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  #perform({ command, args }: Request): unknown {
    if (command === 'qmp_capabilities') {
      const enable = args.enable;
      this.#oob = Array.isArray(enable) && enable.includes('oob');
      this.#negotiating = false;
      return undefined;
    }
    if (!(command in commandsOf(this.#emulator))) throw commandNotFound(command);
    this.#checkPolicy(command);
    if (!this.#emulator.machine && !('preconfig' in commands[command])) {
      throw new UserError(`The command '${command}' is permitted only after machine initialization has completed`);
    }
    const handler = handlers[command] as (context: object, args: JsonObject) => unknown;
    return handler({ emulator: this.#emulator }, args);
  }

  /** @throws UserError for a command that may change, where the user wants none of those */
  #checkPolicy(command: Request['command']): void {
    const { compat, abort } = this.#emulator;
    if (!('unstable' in commands[command]) || compat === undefined || compat.unstableInput === 'accept') return;
    if (compat.unstableInput === 'crash') abort?.();
    throw new UserError(`Unstable command ${command} disabled by policy`, 'CommandNotFound');
  }

  #tell({ event, data, timestamp }: MonitorEvent): void {
    if (!this.#negotiating) this.#send({ timestamp, event, ...(data === undefined ? {} : { data }) });
  }

  #send(message: object): void {
    if (!this.#ended) this.#char.write(this.#encoder.encode(`${this.#format(message)}\r\n`));
  }
}
