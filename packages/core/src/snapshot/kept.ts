// A snapshot that stays in memory, for those who come back to it soon: putting it back writes only what has changed.
import type { DeviceState } from '../device/state.ts';
import { restoreTree, saveTree } from '../device/tree.ts';
import type { Machine } from '../machine/machine.ts';
import type { RamBlock } from '../memory/index.ts';
import { savedBlocks } from './header.ts';

const PAGE = 4096;

/** What a machine that stood still was. What the drives hold is not in it. */
export class KeptSnapshot {
  readonly #machine: Machine;
  readonly #ns: number;
  readonly #runState: Machine['runState'];
  readonly #devices: Readonly<Record<string, DeviceState>>;
  /** Pages that are not zero, by block. */
  readonly #ram: ReadonlyMap<RamBlock, ReadonlyMap<number, Uint8Array>>;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#ns = machine.clock.now();
    this.#runState = machine.runState;
    this.#devices = saveTree(machine);
    this.#ram = new Map(savedBlocks(machine).map((block) => [block, pagesOf(block)]));
  }

  /** Makes the machine, which stands still, what it was. */
  putBack(): void {
    for (const [block, pages] of this.#ram) putPages(block, pages);
    this.#machine.clock.source.set(this.#ns);
    this.#machine.runState = this.#runState;
    restoreTree(this.#machine, this.#devices);
  }
}

function pagesOf(block: RamBlock): ReadonlyMap<number, Uint8Array> {
  const { bytes } = block;
  const pages = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (!isZero(bytes, at)) pages.set(at, bytes.slice(at, at + PAGE));
  }
  return pages;
}

/** Writes only what is different: translations of code that has not changed stay. */
function putPages(block: RamBlock, pages: ReadonlyMap<number, Uint8Array>): void {
  const { bytes, space, offset } = block;
  for (let at = 0; at < bytes.length; at += PAGE) {
    const wanted = pages.get(at);
    if (wanted === undefined ? isZero(bytes, at) : isSame(bytes, at, wanted)) continue;
    const page = bytes.subarray(at, at + PAGE);
    if (wanted === undefined) page.fill(0);
    else page.set(wanted);
    space.noteWrite(offset + at, page.length);
  }
}

function isZero(bytes: Uint8Array, at: number): boolean {
  const length = Math.min(PAGE, bytes.length - at);
  if (length < PAGE) return bytes.subarray(at, at + length).every((byte) => byte === 0);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, PAGE / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

function isSame(bytes: Uint8Array, at: number, page: Uint8Array): boolean {
  if (page.length < PAGE) return page.every((byte, i) => byte === bytes[at + i]);
  const ours = new Int32Array(bytes.buffer, bytes.byteOffset + at, PAGE / 4);
  const theirs = new Int32Array(page.buffer, page.byteOffset, PAGE / 4);
  for (let i = 0; i < ours.length; i++) if (ours[i] !== theirs[i]) return false;
  return true;
}
