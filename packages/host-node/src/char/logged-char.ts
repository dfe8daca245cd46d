// A line whose output goes to a file too (-chardev ...,logfile=).

import type { CharBackend, CharEvent } from '@boardwalk/core';
import { FileChar, type FileCharOptions } from './file-char.ts';
import { HostChar } from './host-char.ts';

/** Copies what is sent on another line to a file. */
export class LoggedChar extends HostChar {
  readonly #line: CharBackend;
  readonly #file: FileChar;

  /** @throws UserError if the file cannot be written */
  constructor(line: CharBackend, path: string, options: FileCharOptions = {}) {
    super();
    this.#line = line;
    this.#file = new FileChar(path, options);
  }

  override get filename(): string {
    return this.#line instanceof HostChar ? this.#line.filename : 'null';
  }

  override async begin(): Promise<void> {
    await this.#file.begin();
    if (this.#line instanceof HostChar) await this.#line.begin();
  }

  override describe(): string | undefined {
    return this.#line instanceof HostChar ? this.#line.describe() : undefined;
  }

  protected override send(data: Uint8Array): void {
    this.#file.write(data);
    this.#line.write(data);
  }

  override onData(callback: (data: Uint8Array) => void): void {
    this.#line.onData(callback);
  }

  override onEvent(callback: (event: CharEvent) => void): void {
    this.#line.onEvent?.(callback);
  }

  override canReceive(accepting: boolean): void {
    this.#line.canReceive?.(accepting);
  }

  protected override release(): void {
    this.#file.close();
    this.#line.close();
  }
}
