// Runs in a dedicated worker of a browser: machines with their RAM in OPFS files, and what of memory backends a browser refuses.
import {
  createObjectTree,
  has64BitMemory,
  Machine,
  type MemoryBackend,
  PipeChar,
  RamSpace,
  registerMemoryBackends,
  requireObject,
  TypeRegistry,
} from '@boardwalk/core';
import { virt } from '@boardwalk/riscv';
import { OpfsMemory, openOpfsMemory } from '../src/index.ts';

/** What the worker is told to do. */
export interface Task {
  readonly firmware: Uint8Array;
}

/** What the worker found. */
export interface Findings {
  readonly sharedSpace: boolean;
  /** What the monitor printed. */
  readonly output: string;
  readonly status: number;
  /** Whether the file has the monitor, and the line that its user typed, before and after it was flushed. */
  readonly beforeFlush: Contents;
  readonly afterFlush: Contents;
  /** After the machine and its backend have ended. */
  readonly atEnd: Contents;
  /** Of the machine that started with the file of the first as `share=off` RAM: whether its RAM had the line. */
  readonly secondSawLine: boolean;
  /** The same bytes of the file after that machine wrote over them. */
  readonly afterPrivateWrite: Contents;
  readonly refusals: Readonly<Record<string, string>>;
  /** Names of the files that are left. */
  readonly files: readonly string[];
  /** Of a machine with 5 GiB, without a file. */
  readonly high: High;
}

/** A machine whose RAM needs a 64-bit index; `refusal` where the browser has none. */
interface High {
  readonly has64: boolean;
  readonly indexBits?: number;
  readonly output?: string;
  readonly status?: number;
  readonly refusal?: string;
}

interface Contents {
  readonly size: number;
  readonly monitor: boolean;
  readonly line: boolean;
  readonly lastLine: boolean;
}

const MiB = 2 ** 20;
const RAM = 16 * MiB;
const LINE = 'words-in-guest-memory';

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0] ?? 0); at >= 0; at = bytes.indexOf(part[0] ?? 0, at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** What of the line stays in the monitor's buffer when a shorter one follows. */
const LINE_END = new TextEncoder().encode('guest-memory');
/** The next line, divided into words. */
const LAST_LINE = new TextEncoder().encode('poweroff\x007');

function contentsOf(bytes: Uint8Array, firmware: Uint8Array): Contents {
  // Its code: the data behind it changes when it runs.
  const monitor = firmware.subarray(0, 4096).every((byte, i) => bytes[i] === byte);
  return { size: bytes.length, monitor, line: indexOf(bytes, LINE_END) >= 0, lastLine: indexOf(bytes, LAST_LINE) >= 0 };
}

/** The file as anybody reads it. */
async function fileBytes(name: string): Promise<Uint8Array> {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getFileHandle(name)).getFile();
  return new Uint8Array(await file.arrayBuffer());
}

function bench(memory: Awaited<ReturnType<typeof openOpfsMemory>>) {
  const space = RamSpace.create({ bytes: 256 * MiB });
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, memory);
  const parent = requireObject(root, '/objects');
  const add = (kind: string, props: Record<string, unknown>, id = 'm'): MemoryBackend =>
    types.create(`memory-backend-${kind}`, { size: RAM, ...props }, { parent, id }) as MemoryBackend;
  const drop = (backend: MemoryBackend): void => {
    backend.remove();
    backend.dispose();
  };
  return { space, root, add, drop };
}

async function refusalsOf(memory: OpfsMemory): Promise<Record<string, string>> {
  const { add, drop } = bench(memory);
  const refusals: Record<string, string> = {};
  const attempt = async (name: string, body: () => unknown): Promise<void> => {
    try {
      await body();
      refusals[name] = '';
    } catch (error) {
      refusals[name] = String(error instanceof Error ? error.message : error);
    }
  };
  const file = { 'mem-path': 'ram.bin' };
  for (const [name, kind, props] of [
    ['memfd', 'memfd', {}],
    ['shm', 'shm', {}],
    ['ram share', 'ram', { share: 'on' }],
    ['bind', 'ram', { policy: 'bind', 'host-nodes': '0' }],
    ['file bind', 'file', { ...file, policy: 'bind', 'host-nodes': '0' }],
    ['prealloc', 'file', { ...file, prealloc: 'on' }],
    ['merge', 'file', { ...file, merge: 'off' }],
    ['pmem', 'file', { ...file, share: 'on', pmem: 'on' }],
    ['too long', 'file', { ...file, size: 2 * RAM }],
    ['offset', 'file', { ...file, offset: 1 }],
    ['not opened', 'file', { 'mem-path': 'elsewhere' }],
  ] as const) {
    await attempt(name, () => drop(add(kind, props)));
  }
  const one = add('file', { ...file, share: 'on' }, 'one');
  await attempt('two backends', () => drop(add('file', { ...file, share: 'on' }, 'two')));
  await attempt('prealloc later', () => one.setProperty('prealloc', 'on'));
  await attempt('dump later', () => one.setProperty('dump', 'off'));
  drop(one);
  await attempt('open elsewhere', async () => new OpfsMemory(await navigator.storage.getDirectory()).open('ram.bin'));
  await attempt('no folder', () => memory.open('nowhere/ram.bin'));
  await attempt('no name', () => memory.open('../ram.bin'));
  await memory.open('never.bin');
  await memory.open('failed.bin');
  await attempt('too large', () => add('file', { 'mem-path': 'failed.bin', size: 512 * MiB }));
  return refusals;
}

async function run({ firmware }: Task): Promise<Findings> {
  const memory = await openOpfsMemory({ files: ['ram.bin'] });
  if ('unavailable' in memory) throw new Error(memory.unavailable);
  const { space, root, add, drop } = bench(memory);
  const backend = add('file', { 'mem-path': 'ram.bin', share: 'on' });
  const serial = new PipeChar();
  const options = { space, root, memoryBackend: 'm', firmware, serials: [serial] };
  const machine = await Machine.create(virt, options);
  const end = machine.run();
  await serial.waitFor(/Type help.*\s+> $/, { timeoutMs: 30_000 });
  serial.send(`echo ${LINE}\r`);
  await serial.waitFor(/> $/, { timeoutMs: 30_000 });
  const beforeFlush = contentsOf(await fileBytes('ram.bin'), firmware);
  memory.flush();
  const afterFlush = contentsOf(await fileBytes('ram.bin'), firmware);
  serial.send('poweroff 7\r');
  const { status } = await end;
  await machine.dispose();
  drop(backend);
  const atEnd = contentsOf(await fileBytes('ram.bin'), firmware);

  const second = bench(memory);
  const copy = second.add('file', { 'mem-path': 'ram.bin' });
  const other = await Machine.create(virt, {
    space: second.space,
    root: second.root,
    memoryBackend: 'm',
    firmware: 'none',
    kernel: new Uint8Array(4096).fill(0x13),
  });
  const ram = (copy.region.block ?? { bytes: new Uint8Array(0) }).bytes;
  const secondSawLine = indexOf(ram, LINE_END) >= 0;
  ram.fill(0x55);
  memory.flush();
  await other.dispose();
  second.drop(copy);
  const afterPrivateWrite = contentsOf(await fileBytes('ram.bin'), firmware);

  const refusals = await refusalsOf(memory);
  await memory.close();
  const files: string[] = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) files.push(name);
  return {
    sharedSpace: space.shared,
    output: serial.sent,
    status,
    beforeFlush,
    afterFlush,
    atEnd,
    secondSawLine,
    afterPrivateWrite,
    refusals,
    files,
    high: await runHigh(firmware),
  };
}

/** Boots the monitor in RAM that all lies above 4 GiB of the space, and lets it read beyond 4 GiB of the guest's. */
async function runHigh(firmware: Uint8Array): Promise<High> {
  const ramSize = 5 * 2 ** 30;
  const has64 = has64BitMemory();
  if (!has64) {
    const refused = Machine.create(virt, { ramSize, firmware });
    return {
      has64,
      refusal: await refused.then(
        () => '',
        (error: unknown) => String(error),
      ),
    };
  }
  const serial = new PipeChar();
  const machine = await Machine.create(virt, { ramSize, firmware, serials: [serial] });
  machine.addressSpace.store(0x1_8000_0040, 4, 0x600d_f00d);
  serial.send('map\rtest\rpeek 0x180000040\rpoweroff 9\r');
  const { status } = await machine.run();
  const { indexBits } = machine.space;
  await machine.dispose();
  return { has64, indexBits, output: serial.sent, status };
}

globalThis.onmessage = async ({ data }: MessageEvent<Task>) => {
  try {
    globalThis.postMessage({ findings: await run(data) });
  } catch (error) {
    globalThis.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
