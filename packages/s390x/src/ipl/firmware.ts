/**
 * Firmware that loads the machine from a device (`s390-ccw.img`): a position-independent ELF program at the end of storage, or of the
 * first 2 GiB, whose relocations the machine carries out, as qemu-system-s390x does (observed).
 */
import { elfImage, type MemoryImage, MiB, readKernel, UserError } from '@boardwalk/core';
import { S390X_TARGET } from './kernel.ts';

/** Firmware takes so much, and lies where 31-bit addresses reach. */
const ROOM = MiB(2);
const HIGHEST_END = MiB(2048);
const ALIGN = 0x1_0000;

/** ELF dynamic section: tags of the table of relocations, and the one type that a program alone needs. */
const PT_DYNAMIC = 2;
const DT_RELA = 7n;
const DT_RELASZ = 8n;
const R_390_RELATIVE = 12n;
const RELA_BYTES = 24;

/** Where it is placed, in bytes. */
export function firmwareBase(ramSize: number): number {
  const end = Math.min(ramSize, HIGHEST_END);
  return Math.max(0, Math.floor((end - ROOM) / ALIGN) * ALIGN);
}

/**
 * Lays firmware out.
 * @throws UserError for what is no firmware for this architecture or does not fit
 */
export async function layOutFirmware(
  file: Uint8Array,
  ramSize: number,
): Promise<MemoryImage & { readonly entry: number }> {
  const base = firmwareBase(ramSize);
  const kernel = await readKernel(file, S390X_TARGET);
  if (kernel.format !== 'elf') throw new UserError('it is no firmware for s390x, which is an ELF file');
  const { positionIndependent, entry } = kernel.elf;
  const bias = positionIndependent ? base : 0;
  const image = elfImage(kernel.elf, (address) => address + BigInt(bias));
  const end = Math.max(...image.parts.map(({ address, size }) => address + size));
  if (end > ramSize) {
    throw new UserError(`it does not fit: it ends at 0x${end.toString(16)}, RAM at 0x${ramSize.toString(16)}`);
  }
  const parts = image.parts.map((part) => ({ ...part, bytes: part.bytes.slice() }));
  if (positionIndependent) relocate(file, parts, bias);
  return { parts, entry: Number(entry) + bias };
}

/** Adds the base to every address that the program holds. */
function relocate(file: Uint8Array, parts: readonly { address: number; bytes: Uint8Array }[], bias: number): void {
  const at = (address: number, length: number): DataView | undefined => {
    const part = parts.find((p) => p.address <= address && address + length <= p.address + p.bytes.length);
    return part && new DataView(part.bytes.buffer, part.bytes.byteOffset + address - part.address, length);
  };
  const { table, bytes } = relocations(file);
  for (let entry = table; entry + RELA_BYTES <= table + bytes; entry += RELA_BYTES) {
    const rela = at(bias + entry, RELA_BYTES);
    if (rela === undefined) throw new UserError('the ELF file is damaged: relocations outside its segments');
    const type = rela.getBigUint64(8) & 0xffff_ffffn;
    if (type === 0n) continue;
    if (type !== R_390_RELATIVE)
      throw new UserError(`the ELF file has relocations of type ${type}, which need a linker`);
    const target = at(bias + Number(rela.getBigUint64(0)), 8);
    if (target === undefined) throw new UserError('the ELF file is damaged: a relocation outside its segments');
    target.setBigUint64(0, rela.getBigUint64(16) + BigInt(bias));
  }
}

/** Address and length of the table of relocations, from the dynamic section. */
function relocations(file: Uint8Array): { readonly table: number; readonly bytes: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headers = Number(view.getBigUint64(32));
  const headerBytes = view.getUint16(54);
  let table = 0;
  let bytes = 0;
  for (let i = 0; i < view.getUint16(56); i++) {
    const header = headers + i * headerBytes;
    if (view.getUint32(header) !== PT_DYNAMIC) continue;
    const start = Number(view.getBigUint64(header + 8));
    const length = Math.min(Number(view.getBigUint64(header + 32)), file.length - start);
    for (let at = start; at + 16 <= start + length; at += 16) {
      const tag = view.getBigUint64(at);
      if (tag === DT_RELA) table = Number(view.getBigUint64(at + 8));
      if (tag === DT_RELASZ) bytes = Number(view.getBigUint64(at + 8));
    }
  }
  return { table, bytes };
}
