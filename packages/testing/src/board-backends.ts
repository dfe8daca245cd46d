// Each kind of memory backend as a board's RAM: what the board's own CPU stores is in the file, and another process sees it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createObjectTree,
  Machine,
  MemoryBackend,
  RamSpace,
  registerMemoryBackends,
  requireObject,
  TypeRegistry,
  UserError,
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { check, checkSame, type Subject, type TestRunner } from './board-subject.ts';

/** One kind, and where others find its bytes. */
interface Kind {
  readonly type: string;
  readonly props: Readonly<Record<string, string>>;
  /** `file`: in the file; `fd`: behind the backend's descriptor; `private`: in the file never; `none`: nowhere else. */
  readonly seen: 'file' | 'fd' | 'private' | 'none';
}

const KINDS: readonly Kind[] = [
  { type: 'memory-backend-ram', props: {}, seen: 'none' },
  { type: 'memory-backend-ram', props: { share: 'on' }, seen: 'none' },
  { type: 'memory-backend-file', props: { share: 'on' }, seen: 'file' },
  { type: 'memory-backend-file', props: { share: 'off' }, seen: 'private' },
  { type: 'memory-backend-memfd', props: {}, seen: 'fd' },
  { type: 'memory-backend-shm', props: {}, seen: 'fd' },
];

const STORED = 0x5eed_c0de;
const ANSWERED = 0x0a11_600d;
/** A guest that has not stored anything after so long never will, ms. */
const PATIENCE_MS = 20_000;

/** Another process reads 32 bits of a file, and writes others over them if it is told to. */
function elsewhere(path: string, at: number, write?: number): number {
  const script = `const fs = require('fs'); const [path, at, value] = process.argv.slice(1); const b = Buffer.alloc(4);
    const fd = fs.openSync(path, value === '' ? 'r' : 'r+'); fs.readSync(fd, b, 0, 4, Number(at));
    process.stdout.write(String(b.readUInt32LE()));
    if (value !== '') { b.writeUInt32LE(Number(value)); fs.writeSync(fd, b, 0, 4, Number(at)); }`;
  const args = ['-e', script, path, String(at), write === undefined ? '' : String(write)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  check(status === 0, `the other process failed: ${stderr}`);
  return Number(stdout);
}

/** Where the guest stores: an address in the middle of RAM that it can write, and where in the backend that is. */
function place(machine: Machine, backend: MemoryBackend): { address: number; offset: number } {
  const ranges = machine.addressSpace.flatView().ranges;
  const range = ranges.find(({ region, readonly }) => region === backend.region && !readonly);
  check(range !== undefined, "the machine's RAM is not the backend's");
  const middle = Math.floor(range.size / 16) * 8;
  return { address: range.base + middle, offset: range.offset + middle };
}

function wordAt(backend: MemoryBackend, offset: number): number {
  const { block } = backend.region;
  check(block !== undefined, 'the backend has no RAM');
  return backend.space.view.getUint32(block.offset + offset, true);
}

/** Runs the machine until the value is in RAM. A machine without CPUs gets it from outside. */
async function letGuestStore(machine: Machine, backend: MemoryBackend, address: number, offset: number): Promise<void> {
  checkSame('RAM before the guest ran', wordAt(backend, offset), 0);
  if (machine.cpus.length === 0) {
    machine.addressSpace.store(address, 4, STORED);
    return;
  }
  let failure: Error | undefined;
  machine.on('error', ({ error }) => {
    failure = error;
  });
  machine.start();
  const deadline = Date.now() + PATIENCE_MS;
  while (wordAt(backend, offset) !== STORED) {
    if (failure !== undefined) throw failure;
    const where = machine.cpus.map((cpu) => cpu.describe()).join(', ');
    check(Date.now() < deadline, `the guest stored nothing at 0x${address.toString(16)}: ${where}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  machine.pause();
}

/** What the file behind the backend is, for other processes; none for memory that only this one has. */
function pathFor(kind: Kind, backend: MemoryBackend, file: string): string | undefined {
  if (kind.seen === 'none') return undefined;
  if (kind.seen !== 'fd') return file;
  check(backend.mapping?.fd !== undefined, `${kind.type} has no file descriptor`);
  return `/proc/${process.pid}/fd/${backend.mapping.fd}`;
}

async function runOn(subject: Subject, kind: Kind, folder: string): Promise<void> {
  const host = await openHostMemory();
  const space = RamSpace.create();
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  const file = join(folder, 'ram');
  const named = kind.type === 'memory-backend-file' ? { 'mem-path': file } : {};
  const props = { size: subject.backendSize, ...kind.props, ...named };
  const make = () => types.create(kind.type, props, { parent: requireObject(root, '/objects'), id: 'guest-memory' });
  if ('unavailable' in host && (kind.seen !== 'none' || kind.props.share === 'on')) {
    console.log(`skipped: ${host.unavailable}`);
    return checkRefusal(make, host.unavailable);
  }
  const backend = make();
  check(backend instanceof MemoryBackend, `${kind.type} is no memory backend`);
  // Where the guest stores is known when there is a machine; the program is for another that is like it.
  const options = { space, root, memoryBackend: 'guest-memory' };
  const model = await subject.create(options);
  const { address, offset } = place(model, backend);
  const hasCpus = model.cpus.length > 0;
  await model.dispose();
  backend.region.block?.bytes.fill(0, offset, offset + 4);
  const program = hasCpus ? subject.guestStore({ address, value: STORED }) : {};
  const machine = await Machine.create(subject.board, { ...subject.options(), ...program, ...options });
  try {
    await letGuestStore(machine, backend, address, offset);
    const path = pathFor(kind, backend, file);
    if (path !== undefined) checkSeen(kind, machine, { path, address, offset });
  } finally {
    await machine.dispose();
    backend.remove();
    backend.dispose();
  }
  if (kind.seen === 'file') checkSame('the file when all has ended', elsewhere(file, offset), ANSWERED);
}

function checkRefusal(make: () => unknown, text: string): void {
  try {
    make();
  } catch (error) {
    check(error instanceof UserError && error.message.includes(text), `refused with "${error}", expected "${text}"`);
    return;
  }
  throw new Error(`was made, expected the error "${text}"`);
}

function checkSeen(
  kind: Kind,
  machine: Machine,
  { path, address, offset }: { path: string; address: number; offset: number },
): void {
  const isPrivate = kind.seen === 'private';
  const seen = elsewhere(path, offset, isPrivate ? undefined : ANSWERED);
  checkSame('what another process sees', seen, isPrivate ? 0 : STORED);
  if (!isPrivate) {
    checkSame('what the machine sees of another process', machine.addressSpace.load(address, 4), ANSWERED);
  }
}

/** Declares the tests of each kind of backend. */
export function hostBackendTests({ it }: TestRunner, subject: Subject): void {
  if (subject.facts.ramId === undefined) return;
  for (const kind of KINDS) {
    const props = Object.entries(kind.props).map(([name, value]) => `,${name}=${value}`);
    it(`runs on ${kind.type}${props.join('')}, and the guest's stores are where they should be`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'boardwalk-conformance-'));
      try {
        await runOn(subject, kind, folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}
