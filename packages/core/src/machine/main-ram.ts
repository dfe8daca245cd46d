// The machine's main RAM as one region: a memory backend's own, or a container of the NUMA nodes' backends in the order of the nodes.
import { type MemoryBackend, MemoryRegion, type RamSpace } from '../memory/index.ts';
import { type BwObject, UserError } from '../object/index.ts';
import { backendOf, type NumaConfiguration } from './numa.ts';
import { type DefaultBackendOptions, makeDefaultBackend, type RamOptions, useBackend } from './ram.ts';

/** Where main RAM can come from. */
export interface MainRamSources {
  readonly space: RamSpace;
  /** Container of the user's objects. */
  readonly objects: BwObject;
  /** The backend that the user named. */
  readonly chosen: MemoryBackend | undefined;
  readonly numa: NumaConfiguration | undefined;
  /** How a backend is made when there is no other. */
  readonly made: DefaultBackendOptions;
}

/** The backends of NUMA nodes, in the order of the nodes; none if no node has any. @throws UserError beside another source of RAM */
function nodeBackends({ numa, objects }: MainRamSources, { memoryBackend, memPath, memPrealloc }: RamOptions) {
  const ids = (numa?.nodes ?? []).flatMap(({ memdev }) => memdev ?? []);
  if (ids.length === 0) return [];
  if (memoryBackend !== undefined) {
    throw new UserError("'-machine memory-backend' and '-numa memdev' properties are mutually exclusive");
  }
  for (const [option, given] of [
    ['-mem-path', memPath !== undefined],
    ['-mem-prealloc', memPrealloc === true],
  ] as const) {
    if (given) throw new UserError(`'${option}' can't be used together with '-numa memdev'`);
  }
  return ids.map((id) => {
    const backend = backendOf(objects, id);
    if (backend === undefined) throw new UserError(`memdev=${id} is ambiguous`);
    return backend;
  });
}

/** Main RAM and the backends behind it, taken for one machine. */
export class MainRam {
  readonly region: MemoryRegion;
  /** In the order in which they lie in the region. */
  readonly backends: readonly MemoryBackend[];
  readonly #owned: boolean;

  /**
   * Takes the backends.
   * @param machine gets the container as its child, if one is made
   * @throws UserError for sources that contradict each other, a backend in use, or memory that cannot be had
   */
  constructor(sources: MainRamSources, machine: BwObject) {
    const { space, objects, chosen, made } = sources;
    const ofNodes = nodeBackends(sources, { ...made, ...(chosen && { memoryBackend: chosen.id }) });
    const [single = chosen ?? makeDefaultBackend(space, made, objects)] = ofNodes;
    this.#owned = ofNodes.length === 0 && chosen === undefined;
    this.backends = ofNodes.length > 0 ? ofNodes : [single];
    useBackends(this.backends, space);
    this.region = ofNodes.length > 0 ? machine.addChild(`${made.id}[*]`, this.#joined(made)) : single.region;
  }

  /** Gives the backends back; those that were made for the machine go. When nothing reads or writes the RAM any more. */
  release(end: 'dispose' | 'abandon'): void {
    for (const { region } of [this, ...this.backends]) region.container?.removeSubregion(region);
    for (const backend of this.backends) {
      backend.mapped = false;
      if (!this.#owned) continue;
      backend.remove();
      backend[end]();
    }
  }

  #joined({ id, size }: DefaultBackendOptions): MemoryRegion {
    const region = MemoryRegion.container(id, size);
    let offset = 0;
    for (const backend of this.backends) {
      region.addSubregion(offset, backend.region);
      offset += backend.size;
    }
    return region;
  }
}

/** All or none. */
function useBackends(backends: readonly MemoryBackend[], space: RamSpace): void {
  const used: MemoryBackend[] = [];
  try {
    for (const backend of backends) {
      useBackend(backend, space);
      used.push(backend);
    }
  } catch (error) {
    for (const backend of used) backend.mapped = false;
    throw error;
  }
}
