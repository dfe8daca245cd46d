// What a Linux kernel module says of itself: the section `.modinfo` of its ELF file, a list of NUL-terminated
// `key=value` strings (Linux: include/linux/moduleparam.h; ELF-64 Object File Format, sections).

/** The facts of a module that loading it needs. */
export interface ModuleInfo {
  /** The module's name, as modprobe and lsmod know it. */
  readonly name: string;
  /** Names of modules that must be loaded first. */
  readonly depends: readonly string[];
  /** Names under which the kernel asks for it, such as `fs-ext4`. */
  readonly aliases: readonly string[];
}

const SECTION_HEADERS_OFFSET = 0x28;
const SECTION_HEADER_BYTES = 0x3a;
const SECTION_COUNT = 0x3c;
const SECTION_NAMES_INDEX = 0x3e;

/**
 * Reads a module file (64-bit ELF of either byte order).
 *
 * @throws RangeError when it is not one.
 */
export function readModuleInfo(file: Uint8Array): ModuleInfo {
  const values = new Map<string, string[]>();
  for (const entry of new TextDecoder().decode(elfSection(file, '.modinfo')).split('\0')) {
    const equals = entry.indexOf('=');
    if (equals < 0) continue;
    const key = entry.slice(0, equals);
    values.set(key, [...(values.get(key) ?? []), entry.slice(equals + 1)]);
  }
  const name = values.get('name')?.[0];
  if (name === undefined) throw new RangeError('the kernel module has no name');
  return {
    name,
    depends: (values.get('depends')?.[0] ?? '').split(',').filter((depend) => depend !== ''),
    aliases: values.get('alias') ?? [],
  };
}

/** Values of the ELF header's byte EI_DATA. */
const LITTLE_ENDIAN = 1;
const BIG_ENDIAN = 2;

function elfSection(file: Uint8Array, wanted: string): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const order = file[5];
  const is64 = file.length >= 64 && view.getUint32(0) === 0x7f454c46 && file[4] === 2;
  if (!is64 || (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN)) throw new RangeError('not a 64-bit ELF file');
  const little = order === LITTLE_ENDIAN;
  const table = Number(view.getBigUint64(SECTION_HEADERS_OFFSET, little));
  const entryBytes = view.getUint16(SECTION_HEADER_BYTES, little);
  const section = (index: number) => {
    const header = table + index * entryBytes;
    const start = Number(view.getBigUint64(header + 0x18, little));
    const size = Number(view.getBigUint64(header + 0x20, little));
    return { name: view.getUint32(header, little), data: file.subarray(start, start + size) };
  };
  const names = section(view.getUint16(SECTION_NAMES_INDEX, little)).data;
  for (let index = 0; index < view.getUint16(SECTION_COUNT, little); index++) {
    const { name, data } = section(index);
    const end = names.indexOf(0, name);
    if (new TextDecoder().decode(names.subarray(name, end)) === wanted) return data;
  }
  throw new RangeError(`the ELF file has no section ${wanted}`);
}
