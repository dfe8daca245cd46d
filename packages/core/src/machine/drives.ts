// The drives of a machine: each is used once, and one that nothing can use is an error.
import { type BlockNode, BlockNodes } from '../block/index.ts';
import { UserError } from '../object/index.ts';
import type { DriveInterface, DriveOptions } from './options.ts';

/** A drive with its place. */
export interface Drive extends DriveOptions {
  readonly index: number;
  /** Its image, among the named block nodes; `backend` is the node's. */
  readonly node: BlockNode;
}

/** Gives out drives to boards (by interface and index) and devices (by id). */
export class DriveTable {
  readonly #drives: readonly Drive[];
  readonly #claimed = new Set<Drive>();
  readonly #devices = new Map<BlockNode, string>();
  /** Every named block backend: the drives' images, and those that wait for a device that names them. */
  readonly nodes: BlockNodes;

  /** @throws UserError if two drives have one place, one id or one backend */
  constructor(drives: readonly DriveOptions[], nodes: BlockNodes = new BlockNodes()) {
    this.nodes = nodes;
    const placed: (Omit<Drive, 'node'> & DriveOptions)[] = [];
    for (const drive of drives) {
      const taken = (index: number): boolean => placed.some((other) => other.if === drive.if && other.index === index);
      let index = drive.index ?? 0;
      if (drive.index === undefined) while (taken(index)) index++;
      else if (drive.if !== 'none' && taken(index))
        throw new UserError(`drive with bus=0, unit=${index} (index=${index}) exists`);
      if (drive.id !== undefined && placed.some((other) => other.id === drive.id)) {
        throw new UserError(`Duplicate ID '${drive.id}' for drive`);
      }
      if (placed.some((other) => other.backend === drive.backend)) throw new UserError('two drives have one backend');
      placed.push({ ...drive, index });
    }
    this.#drives = placed.map((drive) => {
      const node = this.#imageNode(drive);
      return { ...drive, node, backend: node.backend };
    });
  }

  get all(): readonly Drive[] {
    return this.#drives;
  }

  /** The drives of an interface, in the order of their index; none of them becomes used. */
  of(type: DriveInterface): readonly Drive[] {
    return this.#drives.filter((drive) => drive.if === type).sort((a, b) => a.index - b.index);
  }

  /** Takes the drive at a place, if the user gave one. */
  claim(type: DriveInterface, index: number): Drive | undefined {
    const drive = this.of(type).find((candidate) => candidate.index === index);
    if (drive !== undefined) this.#take(drive);
    return drive;
  }

  /**
   * Takes the drive, or the block node, that a device names.
   * @param device the device's path
   * @param type the device's type, for messages
   * @throws UserError if there is none, or it is in use
   */
  claimByName(name: string, device: string, type: string): BlockNode {
    const drive = this.#drives.find((candidate) => candidate.id === name);
    const node = drive?.node ?? this.nodes.find(name);
    if (node === undefined) throw new UserError(`Property '${type}.drive' can't find value '${name}'`);
    if (drive !== undefined) this.#take(drive);
    else this.nodes.use(node, device);
    this.#devices.set(node, device);
    return node;
  }

  /** A device has the drive at a place. */
  usedBy(drive: Drive, device: string): void {
    this.#devices.set(drive.node, device);
  }

  /** The path of the device that has a node; undefined for one that none has. */
  deviceOf(node: BlockNode): string | undefined {
    return this.#devices.get(node);
  }

  /** A device has gone: what it had is free. */
  release(device: string): void {
    for (const [node, user] of this.#devices) {
      if (user !== device && !user.startsWith(`${device}/`)) continue;
      this.#devices.delete(node);
      const drive = this.#drives.find((candidate) => candidate.node === node);
      if (drive !== undefined) this.#claimed.delete(drive);
      else this.nodes.release(node);
    }
  }

  /** A drive is a format on a file; what has no file is one node. */
  #imageNode({ backend }: DriveOptions): BlockNode {
    if (backend.filename === undefined) return this.nodes.add({ driver: 'raw', backend });
    const file = this.nodes.add({ driver: 'file', backend });
    return this.nodes.add({ driver: 'raw', file: file.name });
  }

  /** @throws UserError if a drive with an interface has been claimed by nobody */
  checkAllUsed(): void {
    const unused = this.#drives.find((drive) => drive.if !== 'none' && !this.#claimed.has(drive));
    if (unused !== undefined) {
      throw new UserError(`machine type does not support if=${unused.if},bus=0,unit=${unused.index}`);
    }
  }

  #take(drive: Drive): void {
    if (this.#claimed.has(drive))
      throw new UserError(`Drive '${drive.id ?? `${drive.if}${drive.index}`}' is already in use by another device`);
    this.#claimed.add(drive);
  }
}
