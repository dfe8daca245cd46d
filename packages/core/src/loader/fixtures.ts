// Files made for tests: ELF executables of both classes and byte orders, and Linux images.

export interface ElfSpec {
  readonly bits: 32 | 64;
  readonly endian: 'little' | 'big';
  readonly machine: number;
  readonly type?: number;
  readonly entry: bigint;
  readonly segments: readonly {
    vaddr: bigint;
    paddr: bigint;
    bytes: Uint8Array;
    memsz: bigint;
    type?: number;
    flags?: number;
  }[];
  readonly symbols?: readonly { name: string; value: bigint; size: bigint; info: number }[];
}

/** Writes fields of a structure one after the other: [bytes, value] pairs; 'w' is a word of the class. */
class FieldWriter {
  readonly #bytes: number[] = [];
  readonly #spec: Pick<ElfSpec, 'bits' | 'endian'>;

  constructor(spec: Pick<ElfSpec, 'bits' | 'endian'>) {
    this.#spec = spec;
  }

  get length(): number {
    return this.#bytes.length;
  }

  put(size: 1 | 2 | 4 | 8 | 'w', value: bigint | number): this {
    const bytes = size === 'w' ? this.#spec.bits / 8 : size;
    const field = Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(i * 8)) & 0xffn));
    this.#bytes.push(...(this.#spec.endian === 'little' ? field : field.reverse()));
    return this;
  }

  raw(bytes: Iterable<number>): this {
    this.#bytes.push(...bytes);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** An ELF file: header, program headers, segment bytes, symbols, names, section headers. */
export function makeElf(spec: ElfSpec): Uint8Array {
  const wide = spec.bits === 64;
  const headerBytes = wide ? 64 : 52;
  const segmentBytes = wide ? 56 : 32;
  const symbols = spec.symbols ?? [];
  let at = headerBytes + spec.segments.length * segmentBytes;
  const offsets = spec.segments.map(({ bytes }) => {
    const offset = at;
    at += bytes.length;
    return offset;
  });
  const names = new TextEncoder().encode(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`);
  const symbolBytes = (symbols.length + 1) * (wide ? 24 : 16);
  const symbolsAt = at;
  const namesAt = symbolsAt + symbolBytes;
  const sectionsAt = namesAt + names.length;

  const out = new FieldWriter(spec);
  out.raw([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, spec.endian === 'little' ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  out
    .put(2, spec.type ?? 2)
    .put(2, spec.machine)
    .put(4, 1)
    .put('w', spec.entry)
    .put('w', headerBytes);
  out
    .put('w', symbols.length > 0 ? sectionsAt : 0)
    .put(4, 0x5)
    .put(2, headerBytes);
  out.put(2, segmentBytes).put(2, spec.segments.length);
  out
    .put(2, wide ? 64 : 40)
    .put(2, symbols.length > 0 ? 3 : 0)
    .put(2, 0);
  spec.segments.forEach(({ vaddr, paddr, bytes, memsz, type, flags }, i) => {
    out.put(4, type ?? 1);
    if (wide) out.put(4, flags ?? 7);
    out
      .put('w', offsets[i] ?? 0)
      .put('w', vaddr)
      .put('w', paddr)
      .put('w', bytes.length)
      .put('w', memsz);
    if (!wide) out.put(4, flags ?? 7);
    out.put('w', 4);
  });
  for (const { bytes } of spec.segments) out.raw(bytes);
  let nameAt = 1;
  out.raw(new Uint8Array(wide ? 24 : 16));
  for (const { name, value, size, info } of symbols) {
    out.put(4, nameAt);
    if (wide) out.put(1, info).put(1, 0).put(2, 1).put(8, value).put(8, size);
    else out.put(4, value).put(4, size).put(1, info).put(1, 0).put(2, 1);
    nameAt += name.length + 1;
  }
  out.raw(names).raw(new Uint8Array(wide ? 64 : 40));
  for (const section of [
    { type: 2, offset: symbolsAt, size: symbolBytes, link: 2 },
    { type: 3, offset: namesAt, size: names.length, link: 0 },
  ]) {
    out.put(4, 0).put(4, section.type).put('w', 0).put('w', 0).put('w', section.offset).put('w', section.size);
    out
      .put(4, section.link)
      .put(4, 0)
      .put('w', 1)
      .put('w', wide ? 24 : 16);
  }
  return out.finish();
}

/** A flat kernel with the header of its architecture, and an EFI header whose one section ends with the file. */
export function makeLinuxImage(arch: 'riscv' | 'arm64', bytes: number, flags = 0n): Uint8Array {
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setBigUint64(8, arch === 'riscv' ? 0x20_0000n : 0n, true);
  view.setBigUint64(16, BigInt(bytes) * 2n, true);
  view.setBigUint64(24, flags, true);
  if (arch === 'riscv') view.setBigUint64(48, 0x5643534952n, true);
  view.setUint32(56, arch === 'riscv' ? 0x05435352 : 0x644d5241, true);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x4550, true);
  view.setUint16(64 + 6, 1, true);
  const section = 64 + 24;
  view.setUint32(section + 16, bytes - 256, true);
  view.setUint32(section + 20, 256, true);
  return image;
}
