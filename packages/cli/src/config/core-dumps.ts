// -machine dump-guest-core=off: when the host dumps this program's memory, the guest's is not in it.

import { writeFileSync } from 'node:fs';
import { hostError } from '@boardwalk/host-node';

/** core(5): ELF headers alone, no mapping's contents. */
const HEADERS_ONLY = '0x10';

/** Linux keeps all memory of this process out of its core dumps: guest RAM lies among it. @throws UserError where the host cannot */
export function keepMemoryFromCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', HEADERS_ONLY);
  } catch (error) {
    throw hostError('dump-guest-core=off needs Linux: /proc/self/coredump_filter', error);
  }
}
