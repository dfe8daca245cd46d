// A region of memory and the tree that regions make: what lies where, and what lies over what. The model is that of QEMU's memory API
// (docs/devel/memory.rst): containers with overlapping subregions by priority, aliases, RAM, ROM, devices, IOMMUs.

import { BwObject, type PropertySpec } from '../object/index.ts';
import { IoPort } from './io-port.ts';
import type { RamBlock } from './ram-block.ts';
import { type MapUser, mapChanged } from './transaction.ts';
import { ADDRESS_LIMIT, type IommuTranslate, type RegionOps, type RegionSize, WHOLE_SPACE } from './types.ts';

/**
 * - `ram`, `rom`: bytes of a {@link RamBlock}; writes to ROM are ignored
 * - `rom-device`: reads like ROM while in ROM mode, otherwise like a device; writes go to the device (flash)
 * - `io`: a device's registers
 * - `alias`: a window on a part of another region
 * - `container`: nothing itself
 * - `iommu`: translates to another address space
 */
export type RegionKind = 'ram' | 'rom' | 'rom-device' | 'io' | 'alias' | 'container' | 'iommu';

interface RegionParts {
  readonly block?: RamBlock;
  readonly port?: IoPort;
  readonly target?: MemoryRegion;
  readonly targetOffset?: number;
  readonly translate?: IommuTranslate;
}

function checkSize(name: string, size: RegionSize): void {
  const ordinary = Number.isSafeInteger(size) && size >= 0 && size <= ADDRESS_LIMIT;
  if (!ordinary && size !== WHOLE_SPACE) throw new RangeError(`memory region '${name}' cannot have a size of ${size}`);
}

function checkAddress(name: string, address: number): void {
  if (!Number.isSafeInteger(address) || address < 0 || address >= ADDRESS_LIMIT) {
    throw new RangeError(`memory region '${name}' cannot lie at ${address}`);
  }
}

function asRegion(o: BwObject): MemoryRegion {
  if (!(o instanceof MemoryRegion)) throw new Error(`'${o.path}' is no memory region`);
  return o;
}

const regionProperties: readonly PropertySpec[] = [
  {
    name: 'container',
    type: 'link<memory-region>',
    description: 'Region that this one is a part of',
    get: (o) => asRegion(o).container,
  },
  { name: 'addr', type: 'uint64', description: 'Address in the container', get: (o) => asRegion(o).address },
  {
    name: 'size',
    type: 'uint64',
    description: 'Size in bytes',
    // 2^64 does not fit; QEMU shows the largest number that does.
    get: (o) => (asRegion(o).size === WHOLE_SPACE ? 0xffff_ffff_ffff_ffffn : asRegion(o).size),
  },
  {
    name: 'priority',
    type: 'uint32',
    description: 'The region with the highest covers the others',
    get: (o) => asRegion(o).priority,
  },
];

/**
 * One region. Made by the static functions; placed by {@link addSubregion}. Every change takes effect at once, or together with others
 * in a {@link memoryTransaction}.
 */
export class MemoryRegion extends BwObject {
  static override readonly typeName: string = 'memory-region';
  static override readonly properties = regionProperties;

  readonly name: string;
  readonly kind: RegionKind;
  /** The bytes of `ram`, `rom` and `rom-device`. */
  readonly block: RamBlock | undefined;
  /** The registers of `io` and `rom-device`. */
  readonly port: IoPort | undefined;
  /** What an alias shows. */
  readonly target: MemoryRegion | undefined;
  readonly translate: IommuTranslate | undefined;
  #targetOffset: number;
  #size: RegionSize;
  #address = 0;
  #priority = 0;
  #enabled = true;
  #readonly: boolean;
  #romMode: boolean;
  #pattern: RamBlock | undefined;
  #container: MemoryRegion | undefined;
  readonly #subregions: MemoryRegion[] = [];
  readonly #aliases = new Set<MemoryRegion>();
  readonly #users = new Set<MapUser>();

  protected constructor(name: string, kind: RegionKind, size: RegionSize, parts: RegionParts) {
    super(kind === 'iommu' ? 'iommu-memory-region' : undefined);
    checkSize(name, size);
    this.name = name;
    this.kind = kind;
    this.#size = size;
    this.block = parts.block;
    this.port = parts.port;
    this.target = parts.target;
    this.translate = parts.translate;
    this.#targetOffset = parts.targetOffset ?? 0;
    this.#readonly = kind === 'rom';
    this.#romMode = kind === 'rom-device';
    if (this.target) this.target.#aliases.add(this);
  }

  /** RAM: all of a block. */
  static ram(name: string, block: RamBlock): MemoryRegion {
    return new MemoryRegion(name, 'ram', block.size, { block });
  }

  /** ROM: guest writes are ignored; loaders and debuggers write it ({@link ATTR_DEBUG}). */
  static rom(name: string, block: RamBlock): MemoryRegion {
    return new MemoryRegion(name, 'rom', block.size, { block });
  }

  /** Flash and the like: see {@link setRomdMode}. */
  static romDevice(name: string, block: RamBlock, ops: RegionOps): MemoryRegion {
    return new MemoryRegion(name, 'rom-device', block.size, { block, port: new IoPort(ops) });
  }

  static io(name: string, size: RegionSize, ops: RegionOps): MemoryRegion {
    return new MemoryRegion(name, 'io', size, { port: new IoPort(ops) });
  }

  /** A window of `size` bytes on `target` from `offset` on. */
  static alias(name: string, target: MemoryRegion, offset: number, size: RegionSize): MemoryRegion {
    checkAddress(name, offset);
    return new MemoryRegion(name, 'alias', size, { target, targetOffset: offset });
  }

  static container(name: string, size: RegionSize): MemoryRegion {
    return new MemoryRegion(name, 'container', size, {});
  }

  /** A window whose accesses `translate` sends elsewhere. */
  static iommu(name: string, size: RegionSize, translate: IommuTranslate): MemoryRegion {
    return new MemoryRegion(name, 'iommu', size, { translate });
  }

  /** Bytes. */
  get size(): RegionSize {
    return this.#size;
  }

  /** Address in the container. */
  get address(): number {
    return this.#address;
  }

  /** Among regions that overlap in a container the highest wins, and of equal ones the last that was added. */
  get priority(): number {
    return this.#priority;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Writes to RAM that is reached through this region are ignored. */
  get readonly(): boolean {
    return this.#readonly;
  }

  /** Whether reads of a `rom-device` come from its block. */
  get romMode(): boolean {
    return this.#romMode;
  }

  /** What stands for the block's bytes, see {@link showPattern}. */
  get pattern(): RamBlock | undefined {
    return this.#pattern;
  }

  /** Where an alias begins in its target. */
  get targetOffset(): number {
    return this.#targetOffset;
  }

  get container(): MemoryRegion | undefined {
    return this.#container;
  }

  /** The parts of this region, what covers others first. */
  get subregions(): readonly MemoryRegion[] {
    return this.#subregions;
  }

  /** Whether the region itself answers where no subregion does. */
  get answers(): boolean {
    return this.kind !== 'container' && this.kind !== 'alias';
  }

  /**
   * Places a region in this one.
   *
   * @throws Error if it is placed somewhere already
   */
  addSubregion(address: number, region: MemoryRegion, priority = 0): void {
    checkAddress(region.name, address);
    if (region.#container) {
      throw new Error(`memory region '${region.name}' is a part of '${region.#container.name}' already`);
    }
    if (this.kind === 'alias') throw new Error(`alias '${this.name}' can have no subregions`);
    region.#container = this;
    region.#address = address;
    region.#priority = priority;
    this.#insert(region);
    region.#changed();
  }

  /** Takes a subregion out. */
  removeSubregion(region: MemoryRegion): void {
    if (region.#container !== this) throw new Error(`memory region '${region.name}' is no part of '${this.name}'`);
    this.#subregions.splice(this.#subregions.indexOf(region), 1);
    region.#container = undefined;
    this.#changed();
  }

  setEnabled(enabled: boolean): void {
    if (this.#enabled === enabled) return;
    this.#enabled = enabled;
    this.#changed();
  }

  /** Moves the region in its container; it comes to lie over others of its priority. */
  setAddress(address: number): void {
    checkAddress(this.name, address);
    if (this.#address === address) return;
    this.#address = address;
    const container = this.#container;
    if (!container) return;
    container.#subregions.splice(container.#subregions.indexOf(this), 1);
    container.#insert(this);
    this.#changed();
  }

  /** Resizes a region that has no bytes of its own. */
  setSize(size: RegionSize): void {
    checkSize(this.name, size);
    if (this.block) throw new Error(`memory region '${this.name}' has the size of its RAM`);
    if (this.#size === size) return;
    this.#size = size;
    this.#changed();
  }

  /** Makes an alias begin elsewhere in its target. */
  setAliasOffset(offset: number): void {
    checkAddress(this.name, offset);
    if (this.kind !== 'alias') throw new Error(`memory region '${this.name}' is no alias`);
    if (this.#targetOffset === offset) return;
    this.#targetOffset = offset;
    this.#changed();
  }

  setReadonly(readonly: boolean): void {
    if (this.#readonly === readonly) return;
    this.#readonly = readonly;
    this.#changed();
  }

  /** Whether reads of a `rom-device` come from its block (true, as it starts) or from the device. */
  setRomdMode(romMode: boolean): void {
    if (this.kind !== 'rom-device') throw new Error(`memory region '${this.name}' is no ROM device`);
    if (this.#romMode === romMode) return;
    this.#romMode = romMode;
    this.#changed();
  }

  /**
   * Shows a small block, again and again, in place of the region's own, which need not be there then: erased flash costs no
   * memory. Nobody may write the region or the pattern before {@link materialize}.
   *
   * @param pattern as many whole times as large goes into the region
   */
  showPattern(pattern: RamBlock): void {
    if (this.block === undefined || this.block.size % pattern.size !== 0) {
      throw new Error(`'${pattern.name}' cannot stand for the bytes of memory region '${this.name}'`);
    }
    this.#pattern = pattern;
    this.#changed();
  }

  /** Gives the region's own block the bytes that the pattern showed, and shows those. */
  materialize(): void {
    const { block } = this;
    const pattern = this.#pattern;
    if (block === undefined || pattern === undefined) return;
    for (let at = 0; at < block.size; at += pattern.size) block.bytes.set(pattern.bytes, at);
    block.space.noteWrite(block.offset, block.size);
    this.#pattern = undefined;
    this.#changed();
  }

  /** Makes a user of the tree below this region hear of its changes; returns the function that ends it. */
  addUser(user: MapUser): () => void {
    this.#users.add(user);
    return () => {
      this.#users.delete(user);
    };
  }

  /** Leaves its container and its target. */
  override dispose(): void {
    if (this.#container) this.#container.removeSubregion(this);
    if (this.target) this.target.#aliases.delete(this);
  }

  #insert(region: MemoryRegion): void {
    const covered = this.#subregions.findIndex((other) => other.#priority <= region.#priority);
    this.#subregions.splice(covered < 0 ? this.#subregions.length : covered, 0, region);
  }

  #changed(): void {
    const users = new Set<MapUser>();
    this.#collectUsers(users, new Set());
    if (users.size > 0) mapChanged(users);
  }

  #collectUsers(users: Set<MapUser>, seen: Set<MemoryRegion>): void {
    if (seen.has(this)) return;
    seen.add(this);
    for (const user of this.#users) users.add(user);
    for (const alias of this.#aliases) alias.#collectUsers(users, seen);
    if (this.#container) this.#container.#collectUsers(users, seen);
  }
}
