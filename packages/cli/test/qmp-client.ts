// A small client of QMP for tests: greeting, negotiation, commands in turn, events as they come.

import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connectWhenListening } from '@boardwalk/testing';

type Message = Readonly<Record<string, unknown>>;

/** One connection. */
export class QmpClient {
  readonly greeting: Message;
  /** Done when the other side has gone. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #answers: Message[] = [];
  readonly #events: Message[] = [];
  #wake: () => void = () => {};

  private constructor(socket: Socket, greeting: Message) {
    this.#socket = socket;
    this.greeting = greeting;
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    // A program that is killed resets the line, and `closed` tells of it.
    socket.on('error', () => {});
  }

  /** Connects as soon as somebody listens. */
  static async connect(path: string): Promise<QmpClient> {
    return QmpClient.over(await connectWhenListening(path));
  }

  static over(socket: Socket): Promise<QmpClient> {
    return new Promise((resolve) => {
      let client: QmpClient | undefined;
      // What goes wrong on the socket is told by readline too: `closed` tells of it.
      const lines = createInterface(socket).on('error', () => {});
      lines.on('line', (line) => {
        const message = JSON.parse(line) as Message;
        if (client) client.#take(message);
        else {
          client = new QmpClient(socket, message);
          const made = client;
          void made.command('qmp_capabilities').then(() => resolve(made));
        }
      });
    });
  }

  /** The answer, an error too. */
  async command(execute: string, args?: object): Promise<Message> {
    this.#socket.write(JSON.stringify({ execute, ...(args && { arguments: args }) }));
    return this.#next(this.#answers, () => true);
  }

  /** The next event of a name. */
  event(name: string): Promise<Message> {
    return this.#next(this.#events, (message) => message.event === name);
  }

  end(): void {
    this.#socket.end();
  }

  #take(message: Message): void {
    ('event' in message ? this.#events : this.#answers).push(message);
    this.#wake();
  }

  async #next(messages: Message[], wanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const at = messages.findIndex(wanted);
      const [found] = at < 0 ? [] : messages.splice(at, 1);
      if (found) return found;
      await new Promise<void>((resolve, reject) => {
        const before = this.#wake;
        this.#wake = () => {
          before();
          resolve();
        };
        void this.closed.then(() => reject(new Error('the monitor has gone')));
      });
    }
  }
}
