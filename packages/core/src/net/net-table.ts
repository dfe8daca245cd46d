// The network backends of a machine: each is one card's.
import { UserError } from '../object/index.ts';
import type { NetBackend } from './net-backend.ts';

/** A device's hold on a backend. */
interface Claim {
  readonly id: string;
  /** The device's path. */
  readonly device: string;
  readonly backend: NetBackend;
  readonly onLost: () => void;
}

/** Gives out backends to devices, by id. */
export class NetTable {
  readonly #backends: ReadonlyMap<string, NetBackend>;
  #claims: readonly Claim[] = [];

  /** @param backends by id; those that whoever made the map adds later can be had too */
  constructor(backends: ReadonlyMap<string, NetBackend> = new Map()) {
    this.#backends = backends;
  }

  /**
   * Takes a backend.
   * @param device the device's path
   * @param type its type, for messages
   * @param onLost called when the backend is taken away
   * @throws UserError if there is none of that id, or another device has it
   */
  claim(id: string, device: string, type: string, onLost: () => void = () => {}): NetBackend {
    const backend = this.#backends.get(id);
    if (backend === undefined) throw new UserError(`Property '${type}.netdev' can't find value '${id}'`);
    if (this.#claims.some((claim) => claim.backend === backend))
      throw new UserError(`Property '${type}.netdev' can't take value '${id}', it's in use`);
    this.#claims = [...this.#claims, { id, device, backend, onLost }];
    return backend;
  }

  /** The id of the backend that a device has. */
  claimedBy(device: string): string | undefined {
    return this.#claims.find((claim) => claim.device === device)?.id;
  }

  /** A backend is taken away: whoever has it hears of that, and nothing from it any more. */
  lose(backend: NetBackend): void {
    for (const { onLost } of this.#drop((claim) => claim.backend === backend)) onLost();
  }

  /** A device has gone, with its parts: what they had is free, and they hear nothing more. */
  release(device: string): void {
    this.#drop((claim) => claim.device === device || claim.device.startsWith(`${device}/`));
  }

  #drop(isMeant: (claim: Claim) => boolean): readonly Claim[] {
    const dropped = this.#claims.filter(isMeant);
    this.#claims = this.#claims.filter((claim) => !dropped.includes(claim));
    for (const { backend } of dropped) backend.onFrame(() => {});
    return dropped;
  }

  close(): void {
    for (const backend of this.#backends.values()) backend.close();
  }
}
