// Unpacks .xz files: Debian's kernel modules. Node has no decoder, and small systems lack the xz program.
import { createRequire } from 'node:module';

// A CommonJS module whose exports Node cannot name.
const { XzReadableStream } = createRequire(import.meta.url)('xz-decompress') as typeof import('xz-decompress');

/** The data is no .xz file, or is damaged or cut off. */
export class XzError extends Error {}

/**
 * Unpacks a .xz file and checks its integrity.
 *
 * @throws XzError when the data is damaged or truncated
 */
export async function unxz(file: Uint8Array): Promise<Uint8Array> {
  try {
    const packed = new Blob([new Uint8Array(file)]).stream();
    return new Uint8Array(await new Response(new XzReadableStream(packed)).arrayBuffer());
  } catch (error) {
    throw new XzError(`the xz data cannot be unpacked: ${error instanceof Error ? error.message : error}`);
  }
}
