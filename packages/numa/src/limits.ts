// Limits and texts that several checks share.
import { UserError } from '@boardwalk/core';

/** Nodes are numbered from 0 to one less. */
export const MAX_NODES = 128;
/** A node's distance from itself (ACPI 6.4, 5.2.17). */
export const LOCAL_DISTANCE = 10;
/** A distance that was not said. */
export const DEFAULT_DISTANCE = 20;
/** ACPI 6.4, 5.2.17: no way from one to the other. */
export const UNREACHABLE_DISTANCE = 255;

/** @throws UserError unless the board has the table */
export function requireHmat(hmat: boolean | undefined): void {
  if (hmat === true) return;
  throw new UserError(
    'ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine hmat=on before using any of hmat specific options',
  );
}
