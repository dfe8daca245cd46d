// Host memory backends: the objects that guest RAM comes from (`-object memory-backend-ram,id=...,size=...`).

import { BwObject, type PropertySpec, type TypeRegistry, typeOfClass, UserError } from '../object/index.ts';
import type { RamBlock } from './ram-block.ts';
import type { RamSpace } from './ram-space.ts';
import { MemoryRegion } from './region.ts';

function asBackend(o: BwObject): MemoryBackend {
  if (!(o instanceof MemoryBackend)) throw new Error(`'${o.path}' is no memory backend`);
  return o;
}

const sizeProperty: PropertySpec<number> = {
  name: 'size',
  type: 'size',
  reportedType: 'int',
  description: 'Size of the memory region (ex: 500M)',
  required: true,
  get: (o) => asBackend(o).size,
  set: (o, bytes) => asBackend(o).setSize(bytes),
};

/** What every kind of backend has: a size and, once complete, a region with that much RAM. */
export abstract class MemoryBackend extends BwObject {
  static override readonly typeName: string = 'memory-backend';
  static override readonly properties: readonly PropertySpec[] = [sizeProperty as PropertySpec];
  static override readonly interfaces: readonly string[] = ['user-creatable'];

  readonly space: RamSpace;
  /** Whether the RAM is a part of a machine; a backend serves one purpose only. */
  mapped = false;
  #size = 0;
  #region: MemoryRegion | undefined;

  constructor(space: RamSpace) {
    super();
    this.space = space;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws UserError for no bytes at all, and once the RAM is there */
  setSize(bytes: number): void {
    if (this.#region) throw new UserError(`cannot change property size of ${this.type}`);
    if (bytes === 0) throw new UserError(`property 'size' of ${this.type} doesn't take value '0'`);
    this.#size = bytes;
  }

  /** The RAM. The backend must be complete. */
  get region(): MemoryRegion {
    if (!this.#region) throw new Error(`memory backend '${this.id}' has no memory yet`);
    return this.#region;
  }

  /** Takes the memory. @throws UserError if there is not enough of it */
  override complete(): void {
    if (this.#region) return;
    if (this.#size === 0) throw new UserError("can't create backend with size 0");
    const region = MemoryRegion.ram(this.ramName(), this.allocate());
    this.#region = this.addChild(`${region.name}[*]`, region);
  }

  /** Gives the memory back. It must not be mapped any more. */
  override dispose(): void {
    const region = this.#region;
    if (!region) return;
    this.#region = undefined;
    region.remove();
    region.dispose();
    if (region.block) this.release(region.block);
  }

  /** The name of the RAM block, which migration goes by. */
  protected abstract ramName(): string;
  protected abstract allocate(): RamBlock;
  protected abstract release(block: RamBlock): void;
}

/** Plain anonymous memory. */
export class MemoryBackendRam extends MemoryBackend {
  static override readonly typeName: string = 'memory-backend-ram';
  static override readonly properties: readonly PropertySpec[] = [];
  readonly #name: string;

  /** @param name the RAM block's name; the object's id if not given */
  constructor(space: RamSpace, name = '') {
    super(space);
    this.#name = name;
  }

  protected override ramName(): string {
    return this.#name || this.id;
  }

  protected override allocate(): RamBlock {
    return this.space.allocateRam(this.ramName(), this.size);
  }

  protected override release(block: RamBlock): void {
    this.space.releaseRam(block);
  }
}

/** What {@link createRamBackend} makes. */
export interface RamBackendOptions {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** Where in the tree it goes, such as `/objects`; nowhere if not given. */
  readonly parent?: BwObject | undefined;
}

/** Makes a complete `memory-backend-ram`. Throws UserError for a size that cannot be had or an id that is taken. */
export function createRamBackend(space: RamSpace, options: RamBackendOptions): MemoryBackendRam {
  const backend = new MemoryBackendRam(space, options.id);
  backend.setProperty('size', options.size);
  options.parent?.addChild(options.id, backend);
  try {
    backend.complete();
  } catch (error) {
    backend.remove();
    throw error;
  }
  return backend;
}

/** Registers the backend types whose memory comes from a RAM space. */
export function registerMemoryBackends(registry: TypeRegistry, space: RamSpace): void {
  registry.register(typeOfClass(MemoryBackend, { abstract: true }));
  registry.register(typeOfClass(MemoryBackendRam, { create: () => new MemoryBackendRam(space) }));
}
