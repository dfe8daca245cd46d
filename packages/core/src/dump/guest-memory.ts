/**
 * A machine's RAM as an ELF core file that gdb opens: a PT_LOAD for each range of RAM, and a PT_NOTE with the registers of
 * each CPU. System V ABI, "Object Files"; the notes are Linux's (struct elf_prstatus).
 */
import type { CoreFileFormat, Cpu, CpuDebug, Machine } from '../machine/index.ts';
import { MemoryBackend, type MemoryRegion } from '../memory/index.ts';
import { type BwObject, UserError } from '../object/index.ts';

/** Takes the file from its first byte to its last. The bytes are the caller's again when the promise is kept. */
export type DumpWriter = (bytes: Uint8Array) => void | Promise<void>;

/** What of a machine is dumped. */
export interface DumpOptions {
  /** First physical address; 0 unless said otherwise. */
  readonly begin?: number;
  /** Bytes from there; all unless said otherwise. */
  readonly length?: number;
  /**
   * Segments are virtual ranges, as the CPUs' page tables map them now, and what is mapped nowhere is in none. Without page tables,
   * and where a CPU cannot tell, virtual addresses are the physical ones.
   */
  readonly paging?: boolean;
  /** Hears how many bytes of how many have been written. */
  readonly progress?: (done: number, total: number) => void;
}

/** A segment: `at` bytes from where the RAM begins in the file. */
interface Segment {
  readonly va: bigint;
  readonly pa: bigint;
  readonly size: bigint;
  readonly at: bigint;
}

/** Physical addresses with RAM behind them. */
interface DumpRange {
  readonly base: number;
  readonly size: number;
  readonly host: number;
}

const EHDR_BYTES = 64;
const PHDR_BYTES = 56;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;
const NT_PRSTATUS = 1;
const SHN_MANY = 0xffff;
/** Written at once. */
const PIECE_BYTES = 1 << 20;

/** Offsets in elf_prstatus of a 64-bit and of a 32-bit system: process id, registers; and what follows the registers. */
const PRSTATUS = {
  64: { pid: 32, registers: 112, after: 8 },
  32: { pid: 24, registers: 72, after: 4 },
} as const;

/**
 * Writes the RAM of a machine that stands still. Memory backends with `dump=off` are left out, and so is flash.
 * @returns bytes written
 * @throws UserError for a machine without a CPU that says how its registers are written, or a range without RAM
 */
export async function dumpGuestMemory(machine: Machine, write: DumpWriter, options: DumpOptions = {}): Promise<number> {
  const ranges = dumpRanges(machine, options);
  if (ranges.length === 0) throw new UserError('dump: there is no RAM in this range');
  const segments = segmentsOf(machine, ranges, options.paging === true);
  if (segments.length >= SHN_MANY - 1) throw new UserError('dump: the RAM is in too many pieces');
  const cpus = machine.cpus.filter((cpu) => cpu.debug?.description.core !== undefined);
  const debug = cpus[0]?.debug;
  const format = debug?.description.core;
  if (debug === undefined || format === undefined) throw new UserError('dump: this CPU has no core file format');
  const notes = concat(cpus.map((cpu) => prstatusNote(cpu, format)));
  const head = concat([
    header(debug, format, segments.length + 1),
    ...programHeaders(debug, notes.length, segments),
    notes,
  ]);
  const total = head.length + ranges.reduce((sum, { size }) => sum + size, 0);
  options.progress?.(0, total);
  await write(head);
  let written = head.length;
  for (const { host, size } of ranges) {
    for (let at = 0; at < size; at += PIECE_BYTES) {
      const bytes = Math.min(PIECE_BYTES, size - at);
      // A copy: a file cannot be written from memory that is shared.
      await write(machine.space.u8.slice(host + at, host + at + bytes));
      written += bytes;
      options.progress?.(written, total);
    }
  }
  return written;
}

/** RAM by physical address, what is mapped twice twice. */
function dumpRanges(machine: Machine, { begin = 0, length = Infinity }: DumpOptions): DumpRange[] {
  const left = leftOut(machine);
  const ranges: DumpRange[] = [];
  for (const { base, end, host, region } of machine.addressSpace.flatView().ranges) {
    if (host < 0 || region.kind === 'rom-device' || left.has(region)) continue;
    const from = Math.max(base, begin);
    const to = Math.min(end, begin + length);
    if (from >= to) continue;
    const range = { base: from, size: to - from, host: host + (from - base) };
    const last = ranges.at(-1);
    const goesOn = last && last.base + last.size === from && last.host + last.size === range.host;
    if (last && goesOn) ranges[ranges.length - 1] = { ...last, size: last.size + range.size };
    else ranges.push(range);
  }
  return ranges;
}

/** Where the ranges lie for a debugger. */
function segmentsOf(machine: Machine, ranges: readonly DumpRange[], paging: boolean): Segment[] {
  let at = 0n;
  const placed = ranges.map(({ base, size }) => {
    const segment = { va: BigInt(base), pa: BigInt(base), size: BigInt(size), at };
    at += segment.size;
    return segment;
  });
  const mappings = paging ? machine.cpus.flatMap((cpu) => cpu.mappings() ?? []) : [];
  if (mappings.length === 0) return placed;
  const segments = new Map<string, Segment>();
  for (const { va, pa, size } of mappings) {
    for (const range of placed) {
      const from = pa > range.pa ? pa : range.pa;
      const to = pa + size < range.pa + range.size ? pa + size : range.pa + range.size;
      if (from >= to) continue;
      const segment = {
        va: BigInt.asUintN(64, va + from - pa),
        pa: from,
        size: to - from,
        at: range.at + from - range.pa,
      };
      // CPUs share most of their tables.
      segments.set(`${segment.va} ${segment.pa} ${segment.size}`, segment);
    }
  }
  return [...segments.values()].sort((a, b) => (a.va < b.va ? -1 : 1));
}

/** Regions of backends with dump=off. */
function leftOut(machine: Machine): ReadonlySet<MemoryRegion> {
  let root: BwObject = machine;
  while (root.parent !== undefined) root = root.parent;
  const regions = new Set<MemoryRegion>();
  const look = (object: BwObject): void => {
    if (object instanceof MemoryBackend && object.mapped && !object.dump) regions.add(object.region);
    for (const child of object.children.values()) look(child);
  };
  look(root);
  return regions;
}

/** Writes the fields of ELF structures, one after the other. */
class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #wide: boolean;
  #at = 0;

  constructor(size: number, debug: CpuDebug, format: CoreFileFormat) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
    this.#little = debug.description.endian === 'little';
    this.#wide = format.bits === 64;
  }

  at(offset: number): this {
    this.#at = offset;
    return this;
  }

  u8(...values: number[]): this {
    for (const value of values) this.#view.setUint8(this.#at++, value);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) {
      this.#view.setUint16(this.#at, value, this.#little);
      this.#at += 2;
    }
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) {
      this.#view.setUint32(this.#at, value, this.#little);
      this.#at += 4;
    }
    return this;
  }

  u64(...values: (number | bigint)[]): this {
    for (const value of values) {
      this.#view.setBigUint64(this.#at, BigInt(value), this.#little);
      this.#at += 8;
    }
    return this;
  }

  register(value: bigint): this {
    if (!this.#wide) return this.u32(Number(BigInt.asUintN(32, value)));
    this.#view.setBigUint64(this.#at, BigInt.asUintN(64, value), this.#little);
    this.#at += 8;
    return this;
  }
}

/** The file is always ELF64: physical addresses need it. A 32-bit CPU's notes have their own layout. */
function header(debug: CpuDebug, format: CoreFileFormat, headers: number): Uint8Array {
  const fields = new Fields(EHDR_BYTES, debug, format);
  const data = debug.description.endian === 'little' ? 1 : 2;
  return fields
    .u8(0x7f, 0x45, 0x4c, 0x46, 2, data, 1)
    .at(16)
    .u16(ET_CORE, format.machine)
    .u32(1)
    .u64(0, EHDR_BYTES, 0)
    .u32(format.flags ?? 0)
    .u16(EHDR_BYTES, PHDR_BYTES, headers).bytes;
}

function programHeaders(debug: CpuDebug, noteBytes: number, segments: readonly Segment[]): Uint8Array[] {
  const { core } = debug.description;
  if (core === undefined) return [];
  const notes = EHDR_BYTES + (segments.length + 1) * PHDR_BYTES;
  const made = (type: number, offset: bigint, place: { va: bigint; pa: bigint }, size: bigint): Uint8Array => {
    const fields = new Fields(PHDR_BYTES, debug, core);
    return fields.u32(type, 0).u64(offset, place.va, place.pa, size, type === PT_NOTE ? 0 : size, 0).bytes;
  };
  const ram = BigInt(notes + noteBytes);
  return [
    made(PT_NOTE, BigInt(notes), { va: 0n, pa: 0n }, BigInt(noteBytes)),
    ...segments.map((segment) => made(PT_LOAD, ram + segment.at, segment, segment.size)),
  ];
}

/** The registers of a CPU as a process's, whose number is the CPU's plus one. */
function prstatusNote(cpu: Cpu, format: CoreFileFormat): Uint8Array {
  const { debug } = cpu;
  if (debug === undefined) return new Uint8Array(0);
  const layout = PRSTATUS[format.bits];
  const registers = format.registers.map((number) => debug.readRegister(number) ?? 0n);
  const size = layout.registers + (registers.length * format.bits) / 8 + layout.after;
  const name = [...'CORE'].map((c) => c.charCodeAt(0));
  const fields = new Fields(20 + Math.ceil(size / 4) * 4, debug, format);
  fields.u32(name.length + 1, size, NT_PRSTATUS).u8(...name);
  fields.at(20 + layout.pid).u32(cpu.index + 1);
  fields.at(20 + layout.registers);
  for (const value of registers) fields.register(value);
  return fields.bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
