// Changes of the memory map, batched: address spaces are brought up to date once, when the outermost transaction ends.

/** Something that is made from a tree of regions and has to follow its changes: an address space. */
export interface MapUser {
  /** The tree changed. */
  updateMap(): void;
}

let depth = 0;
const outdated = new Set<MapUser>();

/** Marks users as outdated; outside any transaction they are updated at once. */
export function mapChanged(users: Iterable<MapUser>): void {
  for (const user of users) outdated.add(user);
  if (depth === 0) commit();
}

/** Forgets a user that is no longer there. */
export function forgetMapUser(user: MapUser): void {
  outdated.delete(user);
}

/** Makes several changes of the memory map one: listeners see only the difference between before and after. Transactions nest. */
export function memoryTransaction<T>(change: () => T): T {
  depth++;
  try {
    return change();
  } finally {
    depth--;
    if (depth === 0) commit();
  }
}

function commit(): void {
  // Listeners may change the map in turn; what they do is one more round.
  while (outdated.size > 0) {
    const users = [...outdated];
    outdated.clear();
    depth++;
    try {
      for (const user of users) user.updateMap();
    } finally {
      depth--;
    }
  }
}
