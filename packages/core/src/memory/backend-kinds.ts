// The kinds of memory backends: plain memory, files, memory files (memfd_create(2)) and POSIX shared memory (shm_open(3)).

import { type BwObject, type PropertySpec, type TypeRegistry, typeOfClass, UserError } from '../object/index.ts';
import { type BackendPlace, type HostMemoryChoice, MemoryBackend } from './backend.ts';
import type { HostMapping, HostMemory, MemorySource, NoHostMemory } from './host-memory.ts';
import type { RamSpace } from './ram-space.ts';

/** Plain anonymous memory. */
export class MemoryBackendRam extends MemoryBackend {
  static override readonly typeName: string = 'memory-backend-ram';
  static override readonly properties: readonly PropertySpec[] = [];

  constructor(place: BackendPlace, name?: string) {
    super(place, false, name);
  }

  protected override source(): MemorySource {
    return { kind: 'anonymous', share: this.share };
  }

  protected override plainWillDo(): boolean {
    return true;
  }
}

/** When a file's memory is read-only for the guest. */
type RomChoice = 'auto' | 'on' | 'off';

/** A part of a file. */
export class MemoryBackendFile extends MemoryBackend {
  static override readonly typeName: string = 'memory-backend-file';
  static override readonly properties = fileProperties() as readonly PropertySpec[];

  /** The file, or a folder for a file without a name. */
  memPath = '';
  /** Bytes; 0: the pages of the file system. */
  align = 0;
  /** Bytes. */
  offset = 0;
  discardData = false;
  pmem = false;
  readonly = false;
  rom: RomChoice = 'auto';

  constructor(place: BackendPlace, name?: string) {
    super(place, false, name);
  }

  override get alignment(): number {
    return Math.max(this.pageSize, this.align);
  }

  protected override source(): MemorySource {
    const { memPath: path, share, align, offset, readonly, pmem } = this;
    return { kind: 'file', path, share, align, offset, readonly, rom: this.isRom(), pmem };
  }

  protected override plainWillDo(): boolean {
    return false;
  }

  protected override isRom(): boolean {
    return this.rom === 'auto' ? this.readonly : this.rom === 'on';
  }

  protected override checkProperties(): void {
    if (this.memPath === '') throw new UserError('mem-path property not set');
    if (this.rom === 'on' && !this.readonly) {
      throw new UserError("property 'rom' = 'on' is not supported with 'readonly' = 'off'");
    }
    if (this.rom === 'off' && this.readonly && this.share) {
      throw new UserError("property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'");
    }
    if (this.pmem && !this.share) throw new UserError("property 'pmem' = 'on' needs 'share' = 'on'");
    super.checkProperties();
  }

  protected override beforeRelease(mapping: HostMapping): void {
    if (this.discardData && this.share && !this.readonly) mapping.advise('remove');
  }
}

/** A file without a name, in memory, sealed so that nobody can take bytes away. */
export class MemoryBackendMemfd extends MemoryBackend {
  static override readonly typeName: string = 'memory-backend-memfd';
  static override readonly properties = memfdProperties() as readonly PropertySpec[];

  hugetlb = false;
  /** Bytes; 0: the host's default. */
  hugetlbSize = 0;
  seal = true;

  constructor(place: BackendPlace, name?: string) {
    super(place, true, name);
  }

  override get alignment(): number {
    return this.pageSize;
  }

  protected override source(): MemorySource {
    const { share, hugetlb, hugetlbSize, seal } = this;
    return { kind: 'memfd', share, hugetlb, hugetlbSize, seal };
  }

  protected override plainWillDo(): boolean {
    return false;
  }

  protected override checkProperties(): void {
    const bytes = this.hugetlbSize;
    if (this.hugetlb && bytes !== 0 && !Number.isInteger(Math.log2(bytes))) {
      throw new UserError('Hugepage size must be a power of 2');
    }
    if (!this.hugetlb && bytes !== 0) throw new UserError("property 'hugetlbsize' needs 'hugetlb' = 'on'");
    super.checkProperties();
  }
}

/** POSIX shared memory. */
export class MemoryBackendShm extends MemoryBackend {
  static override readonly typeName: string = 'memory-backend-shm';
  static override readonly properties: readonly PropertySpec[] = [];

  constructor(place: BackendPlace, name?: string) {
    super(place, true, name);
  }

  override get alignment(): number {
    return this.pageSize;
  }

  protected override source(): MemorySource {
    return { kind: 'shm' };
  }

  protected override plainWillDo(): boolean {
    return false;
  }

  protected override checkProperties(): void {
    if (!this.share) throw new UserError("can't create shm backend with `share=off`");
    super.checkProperties();
  }
}

function fileProperties(): readonly PropertySpec<never>[] {
  const of = (o: BwObject): MemoryBackendFile => {
    if (!(o instanceof MemoryBackendFile)) throw new Error(`'${o.path}' is no memory-backend-file`);
    return o;
  };
  const field = <K extends 'align' | 'discardData' | 'memPath' | 'offset' | 'pmem' | 'readonly' | 'rom'>(
    key: K,
    spec: Omit<PropertySpec<MemoryBackendFile[K]>, 'get' | 'set'>,
  ): PropertySpec<never> =>
    ({
      ...spec,
      get: (o: BwObject) => of(o)[key],
      set: (o: BwObject, value: MemoryBackendFile[K]) => {
        of(o)[key] = value;
      },
    }) as unknown as PropertySpec<never>;
  const size = { type: 'size', reportedType: 'int' } as const;
  return [
    field('align', { name: 'align', ...size, description: 'Alignment of the memory' }),
    field('discardData', { name: 'discard-data', type: 'bool', description: 'Discard the contents at the end' }),
    field('memPath', {
      name: 'mem-path',
      type: 'string',
      description: 'File that provides the memory',
      required: true,
    }),
    field('offset', { name: 'offset', ...size, description: 'Offset in the file' }),
    field('pmem', { name: 'pmem', type: 'bool', description: 'The file is persistent memory' }),
    field('readonly', { name: 'readonly', type: 'bool', description: 'Open the file for reading only' }),
    field('rom', {
      name: 'rom',
      type: 'OnOffAuto',
      values: ['auto', 'on', 'off'],
      description: 'Whether the guest can only read; auto: as readonly',
    }),
  ];
}

function memfdProperties(): readonly PropertySpec<never>[] {
  const of = (o: BwObject): MemoryBackendMemfd => {
    if (!(o instanceof MemoryBackendMemfd)) throw new Error(`'${o.path}' is no memory-backend-memfd`);
    return o;
  };
  const bool = (name: 'hugetlb' | 'seal', description: string, byDefault: boolean): PropertySpec<never> => ({
    name,
    type: 'bool',
    description,
    default: byDefault as never,
    get: (o: BwObject) => of(o)[name] as never,
    set: (o: BwObject, on: boolean) => {
      of(o)[name] = on;
    },
  });
  return [
    bool('hugetlb', 'Use huge pages', false),
    {
      name: 'hugetlbsize',
      type: 'size',
      reportedType: 'int',
      description: 'Huge pages size (ex: 2M, 1G)',
      get: (o: BwObject) => of(o).hugetlbSize as never,
      set: (o: BwObject, bytes: number) => {
        if (bytes === 0) throw new UserError(`Property '${o.type}.hugetlbsize' doesn't take value '0'`);
        of(o).hugetlbSize = bytes;
      },
    },
    bool('seal', 'Seal growing & shrinking', true),
  ];
}

/** What {@link createRamBackend} and {@link createFileBackend} make. */
export interface RamBackendOptions {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** Where in the tree it goes, such as `/objects`; nowhere if not given. */
  readonly parent?: BwObject | undefined;
  readonly host?: HostMemory | NoHostMemory | undefined;
  readonly prealloc?: boolean | undefined;
  readonly preallocThreads?: number | undefined;
}

/** Makes a complete `memory-backend-ram`. Throws UserError for a size that cannot be had or an id that is taken. */
export function createRamBackend(space: RamSpace, options: RamBackendOptions): MemoryBackendRam {
  return finish(new MemoryBackendRam({ space, host: options.host }, options.id), options);
}

/** Makes a complete `memory-backend-file`. Throws UserError also for a file that cannot be used. */
export function createFileBackend(space: RamSpace, path: string, options: RamBackendOptions): MemoryBackendFile {
  const backend = new MemoryBackendFile({ space, host: options.host }, options.id);
  backend.setProperty('mem-path', path);
  return finish(backend, options);
}

function finish<T extends MemoryBackend>(backend: T, options: RamBackendOptions): T {
  backend.setProperty('size', options.size);
  if (options.prealloc === true) backend.setProperty('prealloc', true);
  if (options.preallocThreads !== undefined) backend.setProperty('prealloc-threads', options.preallocThreads);
  options.parent?.addChild(options.id, backend);
  try {
    backend.complete();
  } catch (error) {
    backend.remove();
    throw error;
  }
  return backend;
}

/**
 * Registers the types of memory backends.
 * @param host the host's real memory mappings, or why there are none: then only plain memory can be had
 */
export function registerMemoryBackends(registry: TypeRegistry, space: RamSpace, host?: HostMemoryChoice): void {
  const place = { space, host };
  registry.register(typeOfClass(MemoryBackend, { abstract: true }));
  for (const kind of [MemoryBackendRam, MemoryBackendFile, MemoryBackendMemfd, MemoryBackendShm]) {
    registry.register(typeOfClass(kind, { create: () => new kind(place) }));
  }
}
