// A line over named pipes: PATH.in has what the guest receives, PATH.out takes what it sends.

import { constants, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { UserError } from '@boardwalk/core';
import { hostError } from '../file/system-error.ts';
import { HostChar } from './host-char.ts';
import { setFlowing, writeBounded } from './stream-line.ts';

/** Named pipes made with mkfifo(1). */
export class NamedPipeChar extends HostChar {
  readonly #inputPath: string;
  readonly #outputPath: string;
  #input: Socket | undefined;
  #output: Socket | undefined;

  /** @throws UserError if there are no such pipes */
  constructor(path: string) {
    super();
    if (process.platform === 'win32') throw new UserError(`pipe:${path}: named pipes need Linux or macOS`);
    this.#inputPath = `${path}.in`;
    this.#outputPath = `${path}.out`;
    for (const pipe of [this.#inputPath, this.#outputPath]) {
      const status = statSync(pipe, { throwIfNoEntry: false });
      if (!status) throw new UserError(`pipe:${path}: there is no ${pipe}; mkfifo makes one`);
      if (!status.isFIFO()) throw new UserError(`pipe:${path}: ${pipe} is no named pipe`);
    }
  }

  override get filename(): string {
    return 'pipe';
  }

  override begin(): Promise<void> {
    try {
      this.#input = openPipe(this.#inputPath, { readable: true });
      this.#output = openPipe(this.#outputPath, { writable: true });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#input.on('data', (data) => this.deliver(data));
    return Promise.resolve();
  }

  protected override send(data: Uint8Array): void {
    if (this.#output) writeBounded(this.#output, data);
  }

  override canReceive(accepting: boolean): void {
    if (this.#input) setFlowing(this.#input, accepting);
  }

  protected override release(): void {
    this.#input?.destroy();
    this.#output?.end();
    this.#output?.unref();
  }
}

/** Open for both directions, so that it neither waits for the other end nor ends with it. */
function openPipe(path: string, direction: { readable?: boolean; writable?: boolean }): Socket {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const socket = new Socket({ fd, readable: false, writable: false, ...direction });
    socket.on('error', () => {});
    return socket;
  } catch (error) {
    throw hostError(`pipe:${path}`, error);
  }
}
