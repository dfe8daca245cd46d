// The character devices of a program: made from what the command line says, in the object tree under /chardevs.

import {
  type BwObject,
  type CharBackend,
  Chardev,
  type CharEvent,
  type CharUser,
  MuxChar,
  type MuxOptions,
  NullChar,
  RingBufChar,
  UserError,
} from '@boardwalk/core';
import type { HostChar, SocketChar } from '@boardwalk/host-node';
import { forOptionNamed } from '../options/command-line.ts';
import type { ChardevSpec, LineChoice, LineSpec } from './lines.ts';

/** What lines need from the program. */
export interface LineHost extends MuxOptions {
  /** Says something to the user. */
  readonly note: (text: string) => void;
}

/** A character device as monitors list it. */
export interface ChardevEntry {
  readonly label: string;
  readonly filename: string;
  readonly frontendOpen: boolean;
}

/** The character devices. Nothing of the host is changed before {@link begin}. */
export class ChardevTable {
  readonly #place: BwObject;
  readonly #host: LineHost;
  /** In order, each with the option that asked for it. */
  readonly #made: { readonly chardev: Chardev; readonly option: string }[] = [];
  #begun = 0;

  /** @param root the object tree */
  constructor(root: BwObject, host: LineHost) {
    const place = root.children.get('chardevs');
    if (!place) throw new Error('the object tree has no /chardevs');
    this.#place = place;
    this.#host = host;
  }

  get list(): readonly ChardevEntry[] {
    return this.#made.map(({ chardev }) => ({
      label: chardev.id,
      filename: chardev.filename,
      frontendOpen: chardev.used,
    }));
  }

  /**
   * @param option that asks for it, without its dash
   * @throws UserError if the host has no such thing, or the id is taken
   */
  async add({ id, line, mux, log }: ChardevSpec, option: string): Promise<Chardev> {
    if (this.#place.children.has(id)) throw new UserError(`duplicate id '${id}'`);
    const host = await makeLine(line, this.#host);
    const backend = log === undefined ? host : await withLog(host, log);
    const chardev = new Chardev({
      backend,
      device: host,
      mux: mux ? new MuxChar(backend, this.#host) : undefined,
      filename: () => (mux ? 'mux' : filenameOf(host, line)),
    });
    this.#made.push({ chardev, option });
    return this.#place.addChild(id, chardev);
  }

  /**
   * The line that an option chose, under a label of its own where it has one of its own.
   * @returns undefined for none
   * @throws UserError if there is no such chardev, or as {@link add} does
   */
  async choose(label: string, choice: LineChoice, option: string): Promise<Chardev | undefined> {
    if (choice.on === 'nothing') return undefined;
    if (choice.on === 'chardev') return this.get(choice.id);
    return this.add({ id: label, line: choice.line, mux: choice.on === 'mon' }, option);
  }

  /** @throws UserError if there is none */
  get(id: string): Chardev {
    const chardev = this.#place.children.get(id);
    if (!(chardev instanceof Chardev)) throw new UserError(`chardev "${id}" not found`);
    return chardev;
  }

  /** Makes a line while the program runs, and opens it. @returns the pseudo-terminal, for one that is on one @throws UserError */
  async addNow(spec: ChardevSpec): Promise<string | undefined> {
    if (this.#place.children.has(spec.id)) throw new UserError(`Chardev with id '${spec.id}' already exists`);
    const chardev = await this.add(spec, 'chardev');
    try {
      await this.begin();
    } catch (error) {
      this.remove(spec.id);
      throw error;
    }
    return spec.line.kind === 'pty' ? chardev.filename.replace(/^pty:/, '') : undefined;
  }

  /** Takes a line away that nothing uses. */
  remove(id: string): void {
    const at = this.#made.findIndex(({ chardev }) => chardev.id === id);
    const [made] = at < 0 ? [] : this.#made.splice(at, 1);
    if (at >= 0 && at < this.#begun) this.#begun--;
    made?.chardev.backend.close();
    made?.chardev.remove();
  }

  /** Files that come over a monitor's line, where it is one that they can come over. */
  receiveDescriptors({ label, choice }: { label: string; choice: LineChoice }, take: (fd: number) => void): void {
    const chardev = this.#place.children.get(choice.on === 'chardev' ? choice.id : label);
    const backend = chardev instanceof Chardev ? hostChar(chardev.backend) : undefined;
    if (backend && 'receiveDescriptors' in backend) (backend as SocketChar).receiveDescriptors(take);
  }

  /** Opens the lines that are not open; a server waits for its client. @throws UserError if the host refuses one */
  async begin(): Promise<void> {
    while (this.#begun < this.#made.length) {
      const made = this.#made[this.#begun++];
      const backend = made && hostChar(made.chardev.backend);
      if (!backend) continue;
      const { chardev, option } = made;
      await forOptionNamed(option, () => backend.begin());
      const place = backend.describe();
      if (place !== undefined) this.#host.note(`char device redirected to ${place} (label ${chardev.id})`);
    }
  }

  close(): void {
    for (const { chardev } of this.#made) chardev.backend.close();
  }
}

function filenameOf(backend: CharBackend, line: LineSpec): string {
  return hostChar(backend)?.filename ?? line.kind;
}

function hostChar(backend: CharBackend): HostChar | undefined {
  return 'begin' in backend ? (backend as HostChar) : undefined;
}

async function withLog(line: CharBackend, { path, append }: { path: string; append: boolean }): Promise<HostChar> {
  const { LoggedChar } = await import('@boardwalk/host-node');
  return new LoggedChar(line, path, { append });
}

/** Makes a line. */
async function makeLine(spec: LineSpec, host: LineHost): Promise<CharBackend> {
  if (spec.kind === 'null') return new NullChar();
  if (spec.kind === 'ringbuf') return new RingBufChar(spec.size);
  const node = await import('@boardwalk/host-node');
  switch (spec.kind) {
    case 'stdio':
      return new node.StdioChar({ signals: spec.signals, onQuit: host.onQuit });
    case 'file':
      return new node.FileChar(spec.path, spec);
    case 'pipe':
      return new node.NamedPipeChar(spec.path);
    case 'pty':
      return node.PtyChar.create();
    case 'socket':
      return new node.SocketChar(spec.address, {
        ...spec.options,
        onWait: (address) => host.note(`waiting for connection on: ${address}`),
      });
  }
}

/** A line that is taken when it is first used, so that it is known afterwards whether it was. */
export class LazyLine implements CharBackend {
  readonly #chardev: Chardev;
  readonly #user: CharUser;
  #line: CharBackend | undefined;
  #closed = false;

  constructor(chardev: Chardev, user: CharUser) {
    this.#chardev = chardev;
    this.#user = user;
  }

  get used(): boolean {
    return this.#line !== undefined;
  }

  write(data: Uint8Array): void {
    if (!this.#closed) this.#taken().write(data);
  }

  /** @throws UserError if something else has the line */
  onData(callback: (data: Uint8Array) => void): void {
    this.#taken().onData(callback);
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#taken().onEvent?.(callback);
  }

  canReceive(accepting: boolean): void {
    this.#line?.canReceive?.(accepting);
  }

  close(): void {
    this.#closed = true;
    this.#line?.close();
  }

  #taken(): CharBackend {
    this.#line ??= this.#chardev.attach(this.#user);
    return this.#line;
  }
}
