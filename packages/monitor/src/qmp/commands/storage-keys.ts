// Storage keys, shown and into a file. Layout of both: what QEMU 7.2 writes.
import { devicesOf, isStorageKeyHolder, type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import { requireMachine } from './context.ts';

const FRAME_BITS = 12n;

/** The keys, or undefined while the guest makes no use of them. @throws UserError where there are none */
function keysOf(machine: Machine): Uint8Array | undefined {
  const holder = devicesOf(machine).find(isStorageKeyHolder);
  if (holder === undefined) throw new UserError('This machine has no storage keys');
  return holder.storageKeys;
}

/** `info skeys`. @throws UserError where there is no storage, or the guest has no use for keys */
export function storageKeyText(machine: Machine, address: bigint): string {
  const keys = keysOf(machine);
  if (keys === undefined) throw new UserError('This guest is not using storage keys');
  const key = keys[Number(BigInt.asUintN(64, address) >> FRAME_BITS)];
  if (key === undefined) throw new UserError('The given address is not valid');
  return `  key: 0x${key.toString(16).toUpperCase()}\n`;
}

function keyLine(key: number, frame: number): string {
  const acc = (key >> 4).toString(16).toUpperCase();
  const bits = `FP=${key & 8}, REF=${key & 4}, ch=${key & 2}, reserved=${key & 1}`;
  return `page=${frame.toString(16).padStart(3, '0')}: key(${key}) => ACC=${acc}, ${bits}\n`;
}

/** Frames whose lines are written at once. */
const PIECE = 4096;

/** Writes a line for each frame. @throws UserError where there are no keys, or the file cannot be */
export async function saveStorageKeys(emulator: Emulator, name: string): Promise<void> {
  const keys = keysOf(requireMachine(emulator));
  if (keys === undefined) throw new UserError('This guest is not using storage keys - nothing to dump');
  if (!emulator.createFile) throw new UserError(`Could not open '${name}': there are no files here`);
  const file = await emulator.createFile(name);
  try {
    for (let from = 0; from < keys.length; from += PIECE) {
      const lines = Array.from(keys.subarray(from, from + PIECE), (key, n) => keyLine(key, from + n));
      await file.write(new TextEncoder().encode(lines.join('')));
    }
  } finally {
    await file.close();
  }
}
