// Where the host has a page of this process. After: Linux, Documentation/admin-guide/mm/pagemap.rst; proc(5), getauxval(3).

import { open, readFile } from 'node:fs/promises';
import { UserError } from '@boardwalk/core';
import { systemErrorText } from '@boardwalk/host-node';

const AT_PAGESZ = 6n;
const ENTRY_BYTES = 8n;
const PRESENT = 1n << 63n;
const FRAME_MASK = (1n << 55n) - 1n;

/** The physical address of a byte, by its virtual one. @throws UserError where the host does not tell */
export async function physicalAddress(virtual: bigint): Promise<bigint> {
  const { pageSize, page } = await readEntry(virtual).catch((error: unknown) => {
    throw new UserError(`the host does not tell where its memory is: ${systemErrorText(error)}`);
  });
  if ((page & PRESENT) === 0n) throw new UserError('Page not present');
  const frame = page & FRAME_MASK;
  // Without CAP_SYS_ADMIN every frame is shown as 0.
  if (frame === 0n) throw new UserError('the host tells only its administrator where its memory is');
  return frame * pageSize + (virtual % pageSize);
}

async function readEntry(virtual: bigint): Promise<{ readonly pageSize: bigint; readonly page: bigint }> {
  const pageSize = await hostPageSize();
  const file = await open('/proc/self/pagemap');
  try {
    const bytes = Buffer.alloc(Number(ENTRY_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, Number((virtual / pageSize) * ENTRY_BYTES));
    return { pageSize, page: bytesRead < bytes.length ? 0n : bytes.readBigUInt64LE() };
  } finally {
    await file.close();
  }
}

/** The auxiliary vector: pairs of a type and a value. */
async function hostPageSize(): Promise<bigint> {
  const vector = await readFile('/proc/self/auxv');
  for (let at = 0; at < vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === AT_PAGESZ) return vector.readBigUInt64LE(at + 8);
  }
  throw new Error('there is no page size in /proc/self/auxv');
}
