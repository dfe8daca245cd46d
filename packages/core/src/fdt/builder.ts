// Writes flattened device trees. Devicetree Specification v0.4, chapter 5.

import {
  alignUp,
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_HEADER_BYTES,
  FDT_LAST_COMPATIBLE,
  FDT_MAGIC,
  FDT_PROP,
  FDT_VERSION,
} from './format.ts';
import { FdtNode } from './node.ts';

/** A memory range that the guest must not use (5.3). */
export interface FdtReservation {
  readonly address: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** A device tree under construction; {@link build} flattens it. Starts empty, or from a tree that was read. */
export class FdtBuilder {
  readonly root: FdtNode;
  readonly reservations: FdtReservation[] = [];
  /** Physical id of the CPU that boots (`boot_cpuid_phys`). */
  bootCpu = 0;

  constructor(root: FdtNode = new FdtNode()) {
    this.root = root;
  }

  /** The node at an absolute path, made with its ancestors where missing. */
  node(path: string): FdtNode {
    return this.root.node(`/${path}`);
  }

  /** Keeps a range of physical memory from the guest. */
  reserve(address: bigint, size: bigint): this {
    this.reservations.push({ address, size });
    return this;
  }

  /**
   * The blob, version 17.
   * @param padTo total bytes to make it, zero-filled, for firmware that edits the tree in place; ignored if it is larger
   */
  build(padTo = 0): Uint8Array {
    const strings = new StringTable();
    const structure = new BlobWriter();
    writeNode(structure, strings, this.root);
    structure.word(FDT_END);

    const structOffset = FDT_HEADER_BYTES + (this.reservations.length + 1) * 16;
    const stringsOffset = structOffset + structure.length;
    const totalSize = Math.max(alignUp(stringsOffset + strings.length, 8), padTo);

    const blob = new BlobWriter(totalSize);
    for (const field of [FDT_MAGIC, totalSize, structOffset, stringsOffset, FDT_HEADER_BYTES]) blob.word(field);
    for (const field of [FDT_VERSION, FDT_LAST_COMPATIBLE, this.bootCpu, strings.length, structure.length]) {
      blob.word(field);
    }
    for (const { address, size } of [...this.reservations, { address: 0n, size: 0n }]) {
      blob.doubleWord(address);
      blob.doubleWord(size);
    }
    blob.bytes(structure.finish());
    blob.bytes(strings.finish());
    return blob.finish(totalSize);
  }
}

function writeNode(out: BlobWriter, strings: StringTable, node: FdtNode): void {
  out.word(FDT_BEGIN_NODE);
  out.text(node.name);
  out.align(4);
  for (const [name, value] of node.properties) {
    out.word(FDT_PROP);
    out.word(value.length);
    out.word(strings.offset(name));
    out.bytes(value);
    out.align(4);
  }
  for (const child of node.children.values()) writeNode(out, strings, child);
  out.word(FDT_END_NODE);
}

/** Grows as it is written; big-endian. */
class BlobWriter {
  #data: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#data = new Uint8Array(capacity);
    this.#view = new DataView(this.#data.buffer);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#data.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#data.length * 2));
      grown.set(this.#data);
      this.#data = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  word(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  doubleWord(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value);
  }

  bytes(source: Uint8Array): void {
    const at = this.#reserve(source.length);
    this.#data.set(source, at);
  }

  /** Text with its closing NUL. */
  text(s: string): void {
    this.bytes(new TextEncoder().encode(`${s}\0`));
  }

  align(unit: number): void {
    this.#reserve(alignUp(this.#length, unit) - this.#length);
  }

  /** What was written, zero-filled to `size` bytes if one is given. */
  finish(size = this.#length): Uint8Array {
    this.#reserve(size - this.#length);
    return this.#data.slice(0, this.#length);
  }
}

/** The strings block (5.5): every property name once. */
class StringTable {
  readonly #offsets = new Map<string, number>();
  readonly #out = new BlobWriter(1024);

  get length(): number {
    return this.#out.length;
  }

  offset(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const at = this.#out.length;
    this.#offsets.set(name, at);
    this.#out.text(name);
    return at;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }
}
