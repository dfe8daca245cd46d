// Host memory backends: the objects that guest RAM comes from (`-object memory-backend-ram,id=...,size=...`). Names, defaults and
// error texts are QEMU's (`-object memory-backend-ram,help`, docs/system: invocation).

import { BwObject, type PropertySpec, UserError } from '../object/index.ts';
import { backendProperties } from './backend-properties.ts';
import {
  type HostMapping,
  type HostMemory,
  type MemoryAdvice,
  type MemoryPolicy,
  type MemorySource,
  NO_HOST_MEMORY,
  type NodeShare,
  type NoHostMemory,
  type PolicyReport,
} from './host-memory.ts';
import type { RamBlock } from './ram-block.ts';
import type { RamSpace } from './ram-space.ts';
import { MemoryRegion } from './region.ts';

/** The host's mappings, or why there are none; a function where they are looked for when the first backend needs them. */
export type HostMemoryChoice = HostMemory | NoHostMemory | (() => HostMemory | NoHostMemory);

/** Where a backend's memory comes from and goes to. */
export interface BackendPlace {
  readonly space: RamSpace;
  /** The host's real mappings, or why there are none. */
  readonly host?: HostMemoryChoice | undefined;
}

/** A backend's memory as the host has it. */
export interface HostPlacement extends PolicyReport {
  /** By node; pages that nobody has touched yet are nowhere. */
  readonly resident: readonly NodeShare[];
}

/** Bytes of a huge page where pages have 4 KiB. */
const HUGE_PAGE = 2 ** 21;

/** What can be set when the memory is there. */
const LATE_PROPERTIES: readonly string[] = ['merge', 'dump', 'prealloc', 'prealloc-threads', 'discard-data'];

/** What every kind of backend has: its properties and, once complete, a region with that much RAM. */
export abstract class MemoryBackend extends BwObject {
  static override readonly typeName: string = 'memory-backend';
  static override readonly properties: readonly PropertySpec[] = backendProperties((o) => {
    if (!(o instanceof MemoryBackend)) throw new Error(`'${o.path}' is no memory backend`);
    return o;
  });
  static override readonly interfaces: readonly string[] = ['user-creatable'];

  readonly space: RamSpace;
  /** Whether the RAM is a part of a machine; a backend serves one purpose only, and cannot be deleted meanwhile. */
  mapped = false;
  /** Several processes see one memory. */
  share: boolean;
  /** The kernel sets swap space aside. */
  reserve = true;
  policy: MemoryPolicy = 'default';
  /** Nodes of the host, in order. */
  hostNodes: readonly number[] = [];
  preallocThreads = 1;
  readonly #host: HostMemoryChoice;
  readonly #name: string;
  #size = 0;
  #merge = true;
  #dump = true;
  #prealloc = false;
  #region: MemoryRegion | undefined;
  #mapping: HostMapping | undefined;

  /** @param name the RAM block's name; the object's id if not given */
  constructor(place: BackendPlace, share: boolean, name = '') {
    super();
    this.space = place.space;
    this.#host = place.host ?? NO_HOST_MEMORY;
    this.share = share;
    this.#name = name;
  }

  get host(): HostMemory | NoHostMemory {
    return typeof this.#host === 'function' ? this.#host() : this.#host;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /** @throws UserError for no bytes at all */
  setSize(bytes: number): void {
    if (bytes === 0) throw new UserError(`property 'size' of ${this.type} doesn't take value '0'`);
    this.#size = bytes;
  }

  /** Whether the kernel may join pages that are alike. */
  get merge(): boolean {
    return this.#merge;
  }

  setMerge(on: boolean): void {
    if (on !== this.#merge) this.#adviseLate('merge', on, on ? 'mergeable' : 'unmergeable');
    this.#merge = on;
  }

  /** Whether the memory is in a core dump of the emulator. */
  get dump(): boolean {
    return this.#dump;
  }

  setDump(on: boolean): void {
    if (on !== this.#dump) this.#adviseLate('dump', on, on ? 'dump' : 'no-dump');
    this.#dump = on;
  }

  /** Whether every page was there from the start. */
  get prealloc(): boolean {
    return this.#prealloc;
  }

  /** @throws UserError with `reserve=off`; once the memory is there, if not all of it can be made */
  setPrealloc(on: boolean): void {
    this.#checkReserve(on, this.reserve);
    if (on && !this.#prealloc && this.#region) {
      if (!this.#mapping) throw this.#refuse('prealloc', 'on');
      this.#mapping.populate(this.preallocThreads);
    }
    this.#prealloc = on;
  }

  /** @throws UserError with `prealloc=on` */
  setReserve(on: boolean): void {
    this.#checkReserve(this.#prealloc, on);
    this.reserve = on;
  }

  /** The RAM. The backend must be complete. */
  get region(): MemoryRegion {
    if (!this.#region) throw new Error(`memory backend '${this.id}' has no memory yet`);
    return this.#region;
  }

  /** The host's mapping behind the RAM; none where it is plain memory of the RAM space. */
  get mapping(): HostMapping | undefined {
    return this.#mapping;
  }

  /** Bytes of the pages behind the RAM. */
  get pageSize(): number {
    return this.#mapping?.pageSize ?? 4096;
  }

  /**
   * Asks the host what became of `policy` and `host-nodes`, and where the pages are that are there.
   * @returns undefined for plain memory of the RAM space, of which the host knows nothing
   * @throws UserError with the kernel's reason where it does not say
   */
  placement(): HostPlacement | undefined {
    const mapping = this.#mapping;
    return mapping && { ...mapping.policy(), resident: mapping.placement?.() ?? [] };
  }

  /** Alignment of guest addresses that suits the memory, in bytes: that of huge pages where the kernel can use them. */
  get alignment(): number {
    return Math.max(this.pageSize, HUGE_PAGE);
  }

  /** Takes the memory. @throws UserError if there is not enough of it, or what was asked for cannot be had */
  override complete(): void {
    if (this.#region) return;
    if (this.#size === 0) throw new UserError("can't create backend with size 0");
    this.checkProperties();
    const name = this.#name || this.id;
    const { host } = this;
    const block = 'unavailable' in host ? this.#takePlain(name) : this.#takeMapping(name, host);
    const region = this.isRom() ? MemoryRegion.rom(name, block) : MemoryRegion.ram(name, block);
    this.#region = this.addChild(`${name}[*]`, region);
  }

  /**
   * Makes whole pages of a range zero, and gives them back to the host if it can have them: memory that a guest has given up.
   * @param offset bytes
   */
  discard(offset: number, bytes: number): void {
    const { block } = this.region;
    if (block === undefined) return;
    const mapping = this.#mapping;
    if (mapping?.discard === undefined) block.bytes.fill(0, offset, offset + bytes);
    else mapping.discard(offset, bytes);
    block.space.noteWrite(block.offset + offset, bytes);
  }

  override canBeDeleted(): boolean {
    return !this.mapped;
  }

  /** Gives the memory back. It must not be mapped any more. */
  override dispose(): void {
    this.#giveBack((mapping) => {
      this.beforeRelease(mapping);
      mapping.release();
    });
  }

  /** As {@link dispose}, when what the memory was made for failed: a file that was made for it goes too. */
  abandon(): void {
    this.#giveBack((mapping) => mapping.abandon());
  }

  protected override refuseChange(spec: PropertySpec): string | undefined {
    return this.#region && !LATE_PROPERTIES.includes(spec.name)
      ? `cannot change property ${spec.name} of ${this.type}`
      : undefined;
  }

  /** What is mapped when the host has real mappings. */
  protected abstract source(): MemorySource;

  /** Whether plain memory of the RAM space would do. */
  protected abstract plainWillDo(): boolean;

  /** Guest writes are ignored. */
  protected isRom(): boolean {
    return false;
  }

  /** Last use of the mapping. */
  protected beforeRelease(_mapping: HostMapping): void {}

  /** @throws UserError for properties that contradict each other */
  protected checkProperties(): void {
    const { policy, hostNodes } = this;
    if (hostNodes.length > 0 && policy === 'default') {
      throw new UserError(
        'host-nodes must be empty for policy default, or you should explicitly specify a policy other than default',
      );
    }
    if (hostNodes.length === 0 && policy !== 'default') {
      throw new UserError(`host-nodes must be set for policy ${policy}`);
    }
  }

  #giveBack(end: (mapping: HostMapping) => void): void {
    const region = this.#region;
    if (!region) return;
    this.#region = undefined;
    region.remove();
    region.dispose();
    const mapping = this.#mapping;
    this.#mapping = undefined;
    if (mapping) end(mapping);
    if (region.block) this.space.releaseRam(region.block);
  }

  #takePlain(name: string): RamBlock {
    if (!this.plainWillDo()) throw new UserError(`${this.type} cannot be had: ${this.#whyNoHost()}`);
    if (this.share) throw this.#refuse('share', 'on');
    this.#refuseKernelProperties();
    return this.space.allocateRam(name, this.#size);
  }

  #refuseKernelProperties(): void {
    const unusual: readonly (readonly [string, string, boolean])[] = [
      ['prealloc', 'on', this.#prealloc],
      ['reserve', 'off', !this.reserve],
      ['merge', 'off', !this.#merge],
      ['dump', 'off', !this.#dump],
      ['policy', this.policy, this.policy !== 'default'],
    ];
    for (const [property, value, asked] of unusual) if (asked) throw this.#refuse(property, value);
  }

  #takeMapping(name: string, host: HostMemory): RamBlock {
    if (host.contentsOnly !== undefined) this.#refuseKernelProperties();
    // Larger than any hole can be: said before the host is made to provide it.
    if (this.#size > this.space.size) throw this.space.noRoom(`guest memory '${name}'`);
    const mapping = host.map({ name, size: this.#size, reserve: this.reserve, source: this.source() });
    try {
      this.#prepare(mapping);
      const block = this.space.allocateRam(name, this.#size, {
        align: mapping.align,
        granule: mapping.pageSize,
        hostBase: host.addressOf(this.space),
      });
      try {
        mapping.attach(this.space, block.offset);
      } catch (error) {
        this.space.releaseRam(block);
        throw error;
      }
      this.#mapping = mapping;
      return block;
    } catch (error) {
      mapping.abandon();
      throw error;
    }
  }

  /** The policy comes before the pages: pages that are there already stay where they are. */
  #prepare(mapping: HostMapping): void {
    mapping.advise('huge-pages');
    if (this.#merge) mapping.advise('mergeable');
    if (!this.#dump) mapping.advise('no-dump');
    if (this.policy !== 'default') mapping.bind(this.policy, this.hostNodes);
    if (this.#prealloc) mapping.populate(this.preallocThreads);
  }

  #adviseLate(property: string, on: boolean, advice: MemoryAdvice): void {
    if (!this.#region) return;
    if (!this.#mapping) throw this.#refuse(property, on ? 'on' : 'off');
    this.#mapping.advise(advice);
  }

  #checkReserve(prealloc: boolean, reserve: boolean): void {
    if (prealloc && !reserve) throw new UserError("'prealloc=on' and 'reserve=off' are incompatible");
  }

  #whyNoHost(): string {
    const { host } = this;
    return 'unavailable' in host ? host.unavailable : (host.contentsOnly ?? '');
  }

  #refuse(property: string, value: string): UserError {
    return new UserError(`property '${property}' of ${this.type} doesn't take value '${value}': ${this.#whyNoHost()}`);
  }
}
