import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where the monitor's image is: a raw binary to load, and start, at 0x80000000 (`-bios`). */
export const monitorPath: string = fileURLToPath(new URL('../prebuilt/monitor.bin', import.meta.url));

/** The monitor's image: our own bare-metal guest for the RISC-V virt boards. */
export async function readMonitor(): Promise<Uint8Array> {
  return new Uint8Array(await readFile(monitorPath));
}
