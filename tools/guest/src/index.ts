import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Where the monitor's image is: a raw binary to load, and start, at 0x80000000 (`-bios`). */
export const monitorPath: string = fileURLToPath(new URL('../prebuilt/monitor.bin', import.meta.url));

/** The monitor's image: our own bare-metal guest for the RISC-V virt boards. */
export async function readMonitor(): Promise<Uint8Array> {
  return new Uint8Array(await readFile(monitorPath));
}

/** The memory driver's image, for address 0x80000000: our own guest that takes memory when it is offered, and gives it back. */
export async function readMemoryDriver(): Promise<Uint8Array> {
  return new Uint8Array(await readFile(fileURLToPath(new URL('../prebuilt/memory-driver.bin', import.meta.url))));
}
