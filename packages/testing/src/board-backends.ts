// Each kind of memory backend as a board's RAM: what the board's own CPU stores is in the file, and another process sees it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BwObject,
  createObjectTree,
  Machine,
  type MachineOptions,
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

/** How a machine's RAM is made of backends. */
export interface RamPlan {
  /** Bytes of the backend that is of the kind under test, and that the guest stores into. */
  readonly size: number;
  /** Bytes of backends besides it, by id: plain memory. */
  readonly others: Readonly<Record<string, number>>;
  /** What says so, with {@link TESTED_ID} as the id of the backend under test. */
  readonly options: MachineOptions;
}

/** Id of the backend under test. */
export const TESTED_ID = 'guest-memory';

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

/** The host's memory with the plan's backends. @returns the one under test last, or why it cannot be had */
function makeBackends(types: TypeRegistry, root: BwObject, kind: Kind, file: string, { size, others }: RamPlan) {
  const parent = requireObject(root, '/objects');
  const all: MemoryBackend[] = [];
  const make = (type: string, id: string, props: Readonly<Record<string, unknown>>): void => {
    const backend = types.create(type, props, { parent, id });
    check(backend instanceof MemoryBackend, `${type} is no memory backend`);
    all.push(backend);
  };
  for (const [id, bytes] of Object.entries(others)) make('memory-backend-ram', id, { size: bytes });
  const named = kind.type === 'memory-backend-file' ? { 'mem-path': file } : {};
  make(kind.type, TESTED_ID, { size, ...kind.props, ...named });
  return all;
}

async function runOn(subject: Subject, kind: Kind, folder: string, plan: RamPlan): Promise<void> {
  const host = await openHostMemory();
  const space = RamSpace.create();
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  const file = join(folder, 'ram');
  const make = (): MemoryBackend[] => makeBackends(types, root, kind, file, plan);
  if ('unavailable' in host && (kind.seen !== 'none' || kind.props.share === 'on')) {
    console.log(`skipped: ${host.unavailable}`);
    return checkRefusal(make, host.unavailable);
  }
  const backends = make();
  const backend = backends.at(-1);
  check(backend !== undefined, 'no backend was made');
  // Where the guest stores is known when there is a machine; the program is for another that is like it.
  const options = { space, root, ...plan.options };
  const model = await subject.create(options);
  const { address, offset } = place(model, backend);
  const hasCpus = model.cpus.length > 0;
  await model.dispose();
  backend.region.block?.bytes.fill(0, offset, offset + 4);
  const program = hasCpus ? subject.guestStore({ address, value: STORED }) : {};
  const machine = await Machine.create(subject.board, { ...subject.options(), ...program, ...options });
  try {
    await letGuestStore(machine, backend, address, offset);
    for (const other of backends.slice(0, -1)) checkUntouched(other, offset);
    const path = pathFor(kind, backend, file);
    if (path !== undefined) checkSeen(kind, machine, { path, address, offset });
  } finally {
    await machine.dispose();
    for (const made of backends) {
      made.remove();
      made.dispose();
    }
  }
  if (kind.seen === 'file') checkSame('the file when all has ended', elsewhere(file, offset), ANSWERED);
}

/** What was stored in one backend must not be in another. */
function checkUntouched(other: MemoryBackend, offset: number): void {
  if (offset + 4 <= other.size) check(wordAt(other, offset) !== STORED, `the guest's store went into '${other.id}'`);
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

/** Declares a test for each kind of backend. @param what the test's name, up to the kind */
export function onEachKind({ it }: TestRunner, subject: Subject, what: string, plan: RamPlan): void {
  for (const kind of KINDS) {
    const props = Object.entries(kind.props).map(([name, value]) => `,${name}=${value}`);
    it(`${what} ${kind.type}${props.join('')}, and the guest's stores are where they should be`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'boardwalk-conformance-'));
      try {
        await runOn(subject, kind, folder, plan);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}

/** Declares the tests of each kind of backend as all of the RAM. */
export function hostBackendTests(runner: TestRunner, subject: Subject): void {
  if (subject.facts.ramId === undefined) return;
  const options = { memoryBackend: TESTED_ID };
  onEachKind(runner, subject, 'runs on', { size: subject.backendSize, others: {}, options });
}
