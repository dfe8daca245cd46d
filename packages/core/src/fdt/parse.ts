// Reads flattened device trees, trusting nothing in them. Devicetree Specification v0.4, chapter 5.

import { UserError } from '../object/user-error.ts';
import { FdtBuilder } from './builder.ts';
import {
  alignUp,
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_LAST_COMPATIBLE,
  FDT_MAGIC,
  FDT_NOP,
  FDT_PROP,
  FDT_VERSION,
} from './format.ts';
import { FdtNode } from './node.ts';

/** Deeper than any real tree; keeps a hostile one from exhausting the stack of whoever walks it. */
const MAX_DEPTH = 64;
/** Longer than any real name (2.2.1 allows 31 characters and a unit address). */
const MAX_NAME = 1024;

interface Header {
  readonly structOffset: number;
  readonly structEnd: number;
  readonly stringsOffset: number;
  readonly stringsEnd: number;
  readonly reservationsOffset: number;
  readonly bootCpu: number;
}

/** Whether the bytes start as a device tree blob does. */
export function isFdt(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === FDT_MAGIC;
}

/**
 * The root node of a blob.
 * @throws UserError with one line if the bytes are no device tree, or a truncated or damaged one
 */
export function parseFdt(bytes: Uint8Array): FdtNode {
  return readFdt(bytes).root;
}

/** As {@link parseFdt}, with the memory reservations and the boot CPU, ready to be changed and built again. */
export function readFdt(bytes: Uint8Array): FdtBuilder {
  if (bytes.length === 0) throw new UserError('the device tree is empty');
  if (!isFdt(bytes)) throw new UserError('not a device tree blob');
  const header = readHeader(bytes);
  const builder = new FdtBuilder(new StructureReader(bytes, header).read());
  builder.bootCpu = header.bootCpu;
  readReservations(bytes, header, builder);
  return builder;
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 28) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (index: number): number => view.getUint32(index * 4);
  const totalSize = word(1);
  const version = word(5);
  const lastCompatible = word(6);
  if (version < FDT_LAST_COMPATIBLE || lastCompatible > FDT_VERSION) {
    throw new UserError(`device tree version ${version} is not supported (16 and 17 are)`);
  }
  const headerBytes = version >= 17 ? 40 : 36;
  if (totalSize > bytes.length || totalSize < headerBytes) throw truncated();
  const structOffset = word(2);
  const stringsOffset = word(3);
  const structEnd = version >= 17 ? structOffset + word(9) : totalSize;
  const header: Header = {
    structOffset,
    structEnd,
    stringsOffset,
    stringsEnd: stringsOffset + word(8),
    reservationsOffset: word(4),
    bootCpu: word(7),
  };
  if (structEnd > totalSize || header.stringsEnd > totalSize || header.reservationsOffset > totalSize) {
    throw damaged('a block reaches beyond its end');
  }
  if (structOffset % 4 !== 0) throw damaged('the structure block is not aligned');
  return header;
}

function readReservations(bytes: Uint8Array, header: Header, into: FdtBuilder): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = header.reservationsOffset; ; at += 16) {
    if (at + 16 > bytes.length) throw damaged('the memory reservations have no end');
    const address = view.getBigUint64(at);
    const size = view.getBigUint64(at + 8);
    if (address === 0n && size === 0n) return;
    into.reserve(address, size);
  }
}

class StructureReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #header: Header;
  #at: number;

  constructor(bytes: Uint8Array, header: Header) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#header = header;
    this.#at = header.structOffset;
  }

  read(): FdtNode {
    const open: FdtNode[] = [];
    let root: FdtNode | undefined;
    for (;;) {
      const current = open[open.length - 1];
      const token = this.#word();
      if (token === FDT_NOP) continue;
      if (token === FDT_BEGIN_NODE) {
        const name = this.#nodeName();
        if (!current && root) throw damaged('it has two roots');
        if (open.length >= MAX_DEPTH) throw damaged('its nodes are nested too deeply');
        const node: FdtNode = current ? current.attach(name) : new FdtNode();
        root ??= node;
        open.push(node);
      } else if (token === FDT_END_NODE && current) {
        open.pop();
      } else if (token === FDT_PROP && current) {
        this.#property(current);
      } else if (token === FDT_END && !current && root) {
        return root;
      } else {
        throw damaged(`unexpected token 0x${token.toString(16)} in the structure block`);
      }
    }
  }

  #word(): number {
    if (this.#at + 4 > this.#header.structEnd) throw damaged('the structure block has no end');
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  #nodeName(): string {
    const name = this.#text(this.#at, this.#header.structEnd);
    this.#at = alignUp(this.#at + name.length + 1, 4);
    return name;
  }

  #property(node: FdtNode): void {
    const length = this.#word();
    const nameAt = this.#header.stringsOffset + this.#word();
    if (this.#at + length > this.#header.structEnd) throw damaged('a property reaches beyond the structure block');
    const name = this.#text(nameAt, this.#header.stringsEnd);
    try {
      node.prop(name, this.#bytes.subarray(this.#at, this.#at + length));
    } catch {
      throw damaged('a property has an impossible name');
    }
    this.#at = alignUp(this.#at + length, 4);
  }

  /** ASCII text up to its NUL. */
  #text(from: number, end: number): string {
    const nul = this.#bytes.indexOf(0, from);
    if (from >= end || nul < 0 || nul >= end || nul - from > MAX_NAME) throw damaged('a name has no end');
    const name = this.#bytes.subarray(from, nul);
    if (name.some((byte) => byte > 0x7f)) throw damaged('a name is not ASCII');
    return String.fromCharCode(...name);
  }
}

function truncated(): UserError {
  return new UserError('the device tree blob is truncated');
}

function damaged(why: string): UserError {
  return new UserError(`the device tree blob is damaged: ${why}`);
}
