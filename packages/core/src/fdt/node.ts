// A device tree as a tree of nodes. Devicetree Specification v0.4, section 2.2 (structure and conventions).

import { decodeCells, decodeCells64, decodeStrings, encodeValue, type FdtValue } from './format.ts';

/** Node names: section 2.2.1, with an optional unit address. The root's is empty. */
const NODE_NAME = /^[A-Za-z][A-Za-z0-9,._+-]*(@[A-Za-z0-9,._+-]+)?$/;
/** Property names: section 2.2.4.1. */
const PROPERTY_NAME = /^[A-Za-z0-9,._+?#-]+$/;

/** A node: properties in the order they were set, children in the order they were made. */
export class FdtNode {
  readonly name: string;
  readonly parent: FdtNode | undefined;
  readonly #properties = new Map<string, Uint8Array>();
  readonly #children = new Map<string, FdtNode>();

  constructor(name = '', parent?: FdtNode) {
    this.name = name;
    this.parent = parent;
  }

  /** Values as they stand in the blob. */
  get properties(): ReadonlyMap<string, Uint8Array> {
    return this.#properties;
  }

  get children(): ReadonlyMap<string, FdtNode> {
    return this.#children;
  }

  /** `/` for the root, `/soc/serial@10000000` for others. */
  get path(): string {
    if (!this.parent) return '/';
    return this.parent.parent ? `${this.parent.path}/${this.name}` : `/${this.name}`;
  }

  get root(): FdtNode {
    let node: FdtNode = this;
    while (node.parent) node = node.parent;
    return node;
  }

  /** Sets a property, or replaces it. A name or a value that the format cannot hold is a RangeError. */
  prop(name: string, value: FdtValue): this {
    if (!PROPERTY_NAME.test(name)) throw new RangeError(`'${name}' is no device tree property name`);
    this.#properties.set(name, encodeValue(value));
    return this;
  }

  removeProp(name: string): boolean {
    return this.#properties.delete(name);
  }

  /** The child of this name, made if it is not there. */
  child(name: string): FdtNode {
    const known = this.#children.get(name);
    if (known) return known;
    if (!NODE_NAME.test(name)) throw new RangeError(`'${name}' is no device tree node name`);
    return this.attach(name);
  }

  /** Adds a child as a blob names it, without judging the name. For the reader. */
  attach(name: string): FdtNode {
    const node = new FdtNode(name, this);
    this.#children.set(name, node);
    return node;
  }

  removeChild(name: string): boolean {
    return this.#children.delete(name);
  }

  /** The node at a path relative to this one, made with its ancestors where missing. An absolute path starts at the root. */
  node(path: string): FdtNode {
    let node: FdtNode = path.startsWith('/') ? this.root : this;
    for (const name of path.split('/')) if (name !== '') node = node.child(name);
    return node;
  }

  /** As {@link node}, but makes nothing. A component without a unit address finds the first child of that base name. */
  find(path: string): FdtNode | undefined {
    let node: FdtNode | undefined = path.startsWith('/') ? this.root : this;
    for (const name of path.split('/')) {
      if (name === '') continue;
      node = node.#children.get(name) ?? node.#firstOfBaseName(name);
      if (!node) return undefined;
    }
    return node;
  }

  #firstOfBaseName(base: string): FdtNode | undefined {
    for (const [name, node] of this.#children) if (name.startsWith(`${base}@`)) return node;
    return undefined;
  }

  /** This node and all below it, parents first. */
  *walk(): IterableIterator<FdtNode> {
    const pending: FdtNode[] = [this];
    for (let node = pending.pop(); node; node = pending.pop()) {
      yield node;
      pending.push(...[...node.#children.values()].reverse());
    }
  }

  /** The number by which other nodes refer to this one (2.3.3); given at the first call, unique in the tree. */
  phandle(): number {
    const own = this.cells('phandle')?.[0];
    if (own !== undefined) return own;
    let highest = 0;
    for (const node of this.root.walk()) highest = Math.max(highest, node.cells('phandle')?.[0] ?? 0);
    this.prop('phandle', [highest + 1]);
    return highest + 1;
  }

  has(name: string): boolean {
    return this.#properties.has(name);
  }

  /** First string of a string or string-list property. */
  string(name: string): string | undefined {
    return this.strings(name)?.[0];
  }

  strings(name: string): string[] | undefined {
    const bytes = this.#properties.get(name);
    return bytes && decodeStrings(bytes);
  }

  cells(name: string): number[] | undefined {
    const bytes = this.#properties.get(name);
    return bytes && decodeCells(bytes);
  }

  cells64(name: string): bigint[] | undefined {
    const bytes = this.#properties.get(name);
    return bytes && decodeCells64(bytes);
  }

  /** Whether `compatible` lists this string (2.3.1). */
  isCompatible(model: string): boolean {
    return this.strings('compatible')?.includes(model) ?? false;
  }
}
