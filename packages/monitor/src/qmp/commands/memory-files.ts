// Guest memory into files: memsave and pmemsave.
import { ATTR_DEBUG, type Machine, UserError } from '@boardwalk/core';
import type { Emulator, OutputFile } from '../../emulator.ts';
import type { IntegerValue } from '../schema/dsl.ts';

/** Bytes that are read at a time: other things go on between pieces. */
const PIECE = 1 << 16;

/** Reads guest memory. @returns false where there is none */
export type MemoryReader = (address: bigint, into: Uint8Array) => boolean;

/** Physical memory, zeros where nothing is. */
export function physicalReader({ addressSpace }: Machine): MemoryReader {
  return (address, into) => {
    addressSpace.readBytes(Number(address), into, ATTR_DEBUG);
    return true;
  };
}

/** Writes a part of memory to a new file. @throws UserError for a part that is not there, or a file that cannot be */
export async function saveMemory(
  emulator: Emulator,
  read: MemoryReader,
  part: { readonly val: IntegerValue; readonly size: IntegerValue; readonly filename: string },
): Promise<void> {
  const start = BigInt.asUintN(64, BigInt(part.val));
  const length = BigInt(part.size);
  const bad = (address: bigint): UserError =>
    new UserError(`Invalid addr 0x${address.toString(16).padStart(16, '0')}/size ${length} specified`);
  if (length < 0n || start + length > 2n ** 64n) throw bad(start);
  const file = await openFile(emulator, part.filename);
  try {
    for (let done = 0n; done < length; ) {
      const bytes = new Uint8Array(Number(length - done < PIECE ? length - done : BigInt(PIECE)));
      if (!read(start + done, bytes)) throw bad(start + done);
      await file.write(bytes);
      done += BigInt(bytes.length);
    }
  } finally {
    await file.close();
  }
}

async function openFile(emulator: Emulator, name: string): Promise<OutputFile> {
  if (!emulator.createFile) throw new UserError(`Could not open '${name}': there are no files here`);
  return emulator.createFile(name);
}
