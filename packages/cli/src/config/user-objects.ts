// What becomes of the user's objects when the machine has ended, or could not be made.

import { type BwObject, MemoryBackend } from '@boardwalk/core';

/** Ends the user's objects, after a failure without what was made for them. */
export function endObjects(root: BwObject, end: 'dispose' | 'abandon'): void {
  for (const object of [...(root.children.get('objects')?.children.values() ?? [])]) {
    object.remove();
    if (object instanceof MemoryBackend) object[end]();
    else object.dispose();
  }
}
