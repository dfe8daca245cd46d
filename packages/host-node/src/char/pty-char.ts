// A pseudo-terminal: the guest's line is a device file that any terminal program opens. pty(7), posix_openpt(3).

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { UserError } from '@boardwalk/core';
import { type NativeLibrary, nativeLibrary } from '../file/native.ts';
import { hostError } from '../file/system-error.ts';
import { HostChar } from './host-char.ts';
import { setFlowing } from './stream-line.ts';

/** A new pseudo-terminal; its name is known after {@link begin}. Output beyond what the terminal holds is lost while nobody reads. */
export class PtyChar extends HostChar {
  readonly #library: NativeLibrary;
  #name: string | undefined;
  #controller: ReadStream | undefined;
  #terminal: ReadStream | undefined;
  #fd = -1;

  private constructor(library: NativeLibrary) {
    super();
    this.#library = library;
  }

  /** @throws UserError where there are no pseudo-terminals */
  static async create(): Promise<PtyChar> {
    if (process.platform === 'win32') throw new UserError('pty: pseudo-terminals need Linux or macOS');
    const library = await nativeLibrary();
    if (!library) throw new UserError('pty: pseudo-terminals need the npm package koffi, which is not installed here');
    return new PtyChar(library);
  }

  override describe(): string | undefined {
    return this.#name;
  }

  override get filename(): string {
    return this.#name === undefined ? 'disconnected:pty' : `pty:${this.#name}`;
  }

  override begin(): Promise<void> {
    try {
      this.#open();
    } catch (error) {
      return Promise.reject(hostError('pty', error));
    }
    return Promise.resolve();
  }

  protected override send(data: Uint8Array): void {
    try {
      for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done);
    } catch {
      // EAGAIN: the terminal holds no more, and nobody reads it.
    }
  }

  override canReceive(accepting: boolean): void {
    if (this.#controller) setFlowing(this.#controller, accepting);
  }

  protected override release(): void {
    this.#controller?.destroy();
    this.#terminal?.destroy();
    this.#fd = -1;
  }

  #open(): void {
    const call = (prototype: string, ...args: unknown[]): unknown => this.#library.func(prototype)(...args);
    const fd = call('int posix_openpt(int flags)', constants.O_RDWR | constants.O_NOCTTY);
    if (typeof fd !== 'number' || fd < 0) throw new UserError('pty: the host has no pseudo-terminal left');
    const ready = call('int grantpt(int fd)', fd) === 0 && call('int unlockpt(int fd)', fd) === 0;
    const name = ready ? call('char *ptsname(int fd)', fd) : undefined;
    if (typeof name !== 'string') {
      closeSync(fd);
      throw new UserError('pty: the host refused a pseudo-terminal');
    }
    this.#fd = fd;
    this.#name = name;
    // Held open here, the terminal outlives the programs that use it; raw, it echoes nothing back into the guest.
    const { ReadStream } = process.getBuiltinModule('node:tty');
    this.#terminal = new ReadStream(openSync(name, constants.O_RDWR | constants.O_NOCTTY));
    this.#terminal.setRawMode(true);
    this.#controller = new ReadStream(fd);
    this.#controller.on('data', (data: Uint8Array) => this.deliver(data));
    this.#controller.on('error', () => {});
  }
}
