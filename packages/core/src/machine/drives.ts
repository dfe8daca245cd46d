// The drives of a machine: each is used once, and one that nothing can use is an error.
import { UserError } from '../object/index.ts';
import type { DriveInterface, DriveOptions } from './options.ts';

/** A drive with its place. */
export interface Drive extends DriveOptions {
  readonly index: number;
}

/** Gives out drives to boards (by interface and index) and devices (by id). */
export class DriveTable {
  readonly #drives: readonly Drive[];
  readonly #claimed = new Set<Drive>();

  /** @throws UserError if two drives have one place, one id or one backend */
  constructor(drives: readonly DriveOptions[]) {
    const placed: Drive[] = [];
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
    this.#drives = placed;
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

  /** Takes the drive that a device names. @throws UserError if there is none, or it is in use */
  claimById(id: string): Drive {
    const drive = this.#drives.find((candidate) => candidate.id === id);
    if (drive === undefined) throw new UserError(`Property 'drive' can't find value '${id}'`);
    this.#take(drive);
    return drive;
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
