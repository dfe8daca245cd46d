// Named block backends, as `-blockdev` and `blockdev-add` make them: a format on top of a protocol, or one alone.
import { UserError } from '../object/user-error.ts';
import type { BlockBackend } from './block-backend.ts';
import { CountedBlock } from './counted-block.ts';

/** What a node is made of: a backend of its own, or the node that it passes on to. */
export type BlockNodeOptions = {
  /** Without it a name is made up: `#block100`. */
  readonly name?: string | undefined;
  /** QEMU's name: `raw`, `file`, `null-co`. */
  readonly driver: string;
  /** It cannot be written, whatever is below. */
  readonly readonly?: boolean;
} & ({ readonly backend: BlockBackend } | { readonly file: string });

/** A named backend. */
export interface BlockNode {
  readonly name: string;
  readonly driver: string;
  readonly backend: CountedBlock;
  /** The node below. */
  readonly file: BlockNode | undefined;
  /** The user gave it its name, and may take it away. */
  readonly ownName: boolean;
}

const NAME = /^[A-Za-z][A-Za-z0-9._-]*$/;
const MAX_NAME = 31;

/** All of them, in the order in which they were made. */
export class BlockNodes {
  readonly #nodes = new Map<string, BlockNode>();
  readonly #users = new Map<BlockNode, string>();
  #generated = 100;

  get all(): readonly BlockNode[] {
    return [...this.#nodes.values()];
  }

  find(name: string): BlockNode | undefined {
    return this.#nodes.get(name);
  }

  /** @throws UserError for a name that cannot be or is taken, and for a lower node that is not there or in use */
  add(options: BlockNodeOptions): BlockNode {
    const { name, driver, readonly = false } = options;
    if (name !== undefined) this.checkName(name);
    const below = 'file' in options ? this.#below(options.file) : undefined;
    const node = {
      name: name ?? `#block${this.#generated++}`,
      driver,
      backend: new CountedBlock('file' in options ? this.#below(options.file).backend : options.backend, readonly),
      file: below,
      ownName: name !== undefined,
    };
    this.#nodes.set(node.name, node);
    if (below !== undefined) this.#users.set(below, node.name);
    return node;
  }

  /** @throws UserError for a name that cannot be or is taken */
  checkName(name: string): void {
    if (!NAME.test(name) || name.length > MAX_NAME) throw new UserError(`Invalid node-name: '${name}'`);
    if (this.#nodes.has(name)) throw new UserError(`Duplicate nodes with node-name='${name}'`);
  }

  /** Who uses a node: a node above it, or a device's path. */
  userOf(node: BlockNode): string | undefined {
    return this.#users.get(node);
  }

  /** A device takes it. @throws UserError if somebody uses it already, or it cannot be written although it is to be */
  use(node: BlockNode, user: string): void {
    this.#checkFree(node);
    node.backend.setUser(true);
    this.#users.set(node, user);
  }

  /** The device lets go of it. */
  release(node: BlockNode): void {
    this.#users.delete(node);
    node.backend.setUser(false);
  }

  /** Takes a node away; its backend is closed when that is done. @throws UserError for one that is not there or in use */
  async remove(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new UserError(`Failed to find node with node-name='${name}'`);
    if (this.#users.has(node)) throw new UserError(`Block device ${name} is in use`);
    this.#forget(node);
    await this.#closeLowest(node);
  }

  /** Closes all backends, each once. */
  async closeAll(): Promise<void> {
    const nodes = this.all;
    this.#nodes.clear();
    this.#users.clear();
    await Promise.all(nodes.filter(({ file }) => file === undefined).map(({ backend }) => backend.close()));
  }

  #below(name: string): BlockNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new UserError(`Cannot find device='${name}' nor node-name='${name}'`);
    this.#checkFree(node);
    return node;
  }

  #forget(node: BlockNode): void {
    this.#nodes.delete(node.name);
    this.#users.delete(node);
    if (node.file !== undefined) this.#users.delete(node.file);
  }

  /** A node below that the user did not name goes with the one above it. */
  async #closeLowest(node: BlockNode): Promise<void> {
    if (node.file === undefined) return node.backend.close();
    if (node.file.ownName) return node.backend.flush();
    this.#forget(node.file);
    return this.#closeLowest(node.file);
  }

  #checkFree(node: BlockNode): void {
    if (this.#users.has(node)) {
      throw new UserError(`Node '${node.name}' is already in use by '${this.#users.get(node)}'`);
    }
  }
}
