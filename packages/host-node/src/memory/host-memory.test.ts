import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MemoryBackend, UserError } from '@boardwalk/core';
import { afterAll, describe, expect, it } from 'vitest';
import { holdings, MiB, openWorkbench, policyInProc, type Workbench } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-hostmem-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const files = (): readonly string[] => readdirSync(folder);

const probe = await openWorkbench(MiB);
if (!probe) console.log('skipped: this host has no memory mappings (they need Linux and koffi)');

/** A fresh workbench. */
async function bench(bytes?: number): Promise<Workbench> {
  const made = await openWorkbench(bytes);
  if (!made) throw new Error('no host memory');
  return made;
}

/** Whether policies can be set here; prints why not. */
async function policiesWork(): Promise<boolean> {
  const b = await bench(4 * MiB);
  try {
    b.drop(b.add('ram', { size: '1M', policy: 'bind', 'host-nodes': '0' }));
    return true;
  } catch (error) {
    console.log(`skipped: policies: ${String(error)}`);
    return false;
  }
}

/** Runs a program of Node's in another process and gives what it prints. */
function inChild(program: string, ...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Reads one byte of a file at an offset. */
const READ = `const fs = require('fs'); const fd = fs.openSync(process.argv[1], 'r'); const b = Buffer.alloc(4);
fs.readSync(fd, b, 0, 4, +process.argv[2]); process.stdout.write(b.toString('hex'));`;
/** Writes one byte. */
const WRITE = `const fs = require('fs'); const fd = fs.openSync(process.argv[1], 'r+');
fs.writeSync(fd, Buffer.from(process.argv[3], 'hex'), 0, 4, +process.argv[2]);`;

const vector = (items: readonly (readonly number[])[]): number[] => [items.length, ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [bytes.length, ...bytes];
const text = (word: string): number[] => sized([...word].map((c) => c.charCodeAt(0)));

/** Compiled code with `load(at)`, `store(at, value)` and an atomic `add(at, value)` on 32-bit words of a memory. */
function guestCode(memory: WebAssembly.Memory) {
  const [i32, get, end] = [0x7f, 0x20, 0x0b];
  const limits = [3, 0, 0x80, 0x80, 4];
  const bodies = [
    [get, 0, 0x28, 2, 0],
    [get, 0, get, 1, 0x36, 2, 0, get, 1],
    [get, 0, get, 1, 0xfe, 0x1e, 2, 0],
  ];
  const sections: readonly (readonly [number, number[]])[] = [
    [
      1,
      vector([
        [0x60, 1, i32, 1, i32],
        [0x60, 2, i32, i32, 1, i32],
      ]),
    ],
    [2, vector([[...text('e'), ...text('m'), 2, ...limits]])],
    [3, vector([[0], [1], [1]])],
    [7, vector(['load', 'store', 'add'].map((name, index) => [...text(name), 0, index]))],
    [10, vector(bodies.map((body) => sized([0, ...body, end])))],
  ];
  const code = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flatMap(([id, bytes]) => [id, ...sized(bytes)])];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(code)), { e: { m: memory } });
  return exports as Record<'load' | 'store' | 'add', (at: number, value?: number) => number>;
}

const KINDS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['ram', {}],
  ['ram', { share: 'on' }],
  ['file', { 'mem-path': path('private') }],
  ['file', { 'mem-path': path('shared'), share: 'on' }],
  ['file', { 'mem-path': folder }],
  ['memfd', {}],
  ['memfd', { share: 'off', seal: 'off' }],
  ['shm', {}],
];

/** Expects what backends hold to be as before; the address space may have grown by what JavaScript needs. */
function expectSame(before: ReturnType<typeof holdings>): void {
  const { addressSpace, ...after } = holdings(folder);
  expect({ ...after, addressSpace: before.addressSpace }).toEqual(before);
  expect(addressSpace - before.addressSpace).toBeLessThan(128 * MiB);
}

describe.skipIf(!probe)('a mapping', () => {
  it.each(KINDS)('of memory-backend-%s %o lies in the space and leaves it whole', async (kind, props) => {
    const b = await bench();
    const { base } = b;
    const backend = b.add(kind, { size: '8M', ...props });
    const block = backend.region.block;
    expect(b.base).toBe(base);
    expect(b.isWhole()).toBe(true);
    expect((base + (block?.offset ?? 0)) % (2 * MiB)).toBe(0);
    expect(b.resident(backend)).toBe(0);
    expect(b.events.map(({ step }) => step)).toEqual(['map', 'advise', 'advise', 'attach']);
    block?.bytes.fill(0x5a);
    expect(b.resident(backend)).toBe(8 * MiB);
    b.drop(backend);
    expect(b.isWhole()).toBe(true);
    expect(block?.bytes.every((byte) => byte === 0)).toBe(true);
    block?.bytes.fill(1);
    expect(b.space.allocateRam('next', 8 * MiB).bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each(KINDS)('of memory-backend-%s %o has all its pages when they are made before', async (kind, props) => {
    const b = await bench();
    const backend = b.add(kind, { size: '8M', prealloc: 'on', 'prealloc-threads': 2, ...props });
    expect(b.resident(backend)).toBe(8 * MiB);
    expect(b.events.map(({ step }) => step)).toEqual(['map', 'advise', 'advise', 'populate', 'attach']);
    b.drop(backend);
    expect(b.space.blocks).toEqual([]);
  });

  it.each(KINDS)('of memory-backend-%s %o gives back a part that a guest has given up', async (kind, props) => {
    const b = await bench();
    const backend = b.add(kind, { size: '8M', ...props });
    const bytes = backend.region.block?.bytes;
    bytes?.fill(0x5a);
    backend.discard(2 * MiB, 4 * MiB);
    const zero = (from: number, to: number) => bytes?.subarray(from, to).every((byte) => byte === 0);
    expect([zero(2 * MiB, 6 * MiB), bytes?.[2 * MiB - 1], bytes?.[6 * MiB]]).toEqual([true, 0x5a, 0x5a]);
    expect(b.isWhole()).toBe(true);
    // A private mapping of a file would show the file again: it is overwritten.
    const overwritten = kind === 'file' && props.share !== 'on' ? 4 * MiB : 0;
    backend.discard(2 * MiB, 4 * MiB);
    if (kind !== 'memfd' || props.share !== 'off') expect(b.resident(backend)).toBe(4 * MiB + overwritten);
    b.drop(backend);
  });

  it('can get its pages later', async () => {
    const b = await bench();
    const backend = b.add('memfd', { size: '8M' });
    backend.setProperty('prealloc', 'on');
    expect(b.resident(backend)).toBe(8 * MiB);
    b.drop(backend);
  });

  it('is populated by several threads', async () => {
    const b = await bench(512 * MiB);
    const backend = b.add('memfd', { size: '320M', prealloc: 'on', 'prealloc-threads': 2 });
    expect(b.resident(backend)).toBe(320 * MiB);
    const threads = b.events.find(({ step }) => step === 'populate')?.detail;
    expect(threads).toBe(2);
    b.drop(backend);
    const alone = b.add('ram', { size: '320M', prealloc: 'on' });
    expect(b.events.findLast(({ step }) => step === 'populate')?.detail).toBe(1);
    b.drop(alone);
  });

  it('carries the flags of advice, which can be changed', async () => {
    const b = await bench();
    const backend = b.add('ram', { size: '8M', dump: 'off' });
    const flags = (): readonly string[] => b.vmas(backend)[0]?.flags ?? [];
    const has = (flag: string): boolean => flags().includes(flag);
    expect(b.vmas(backend)).toHaveLength(1);
    expect(has('dd')).toBe(true);
    if (existsSync('/sys/kernel/mm/ksm')) expect(has('mg')).toBe(true);
    else console.log('skipped: merge: this kernel has no KSM');
    if (existsSync('/sys/kernel/mm/transparent_hugepage')) expect(has('hg')).toBe(true);
    else console.log('skipped: huge pages: this kernel has none');
    backend.setProperty('merge', 'off');
    backend.setProperty('dump', 'on');
    expect([has('mg'), has('dd')]).toEqual([false, false]);
    b.drop(backend);
    const plain = b.add('ram', { size: '8M', merge: 'off' });
    expect(b.vmas(plain)[0]?.flags).not.toContain('mg');
    b.drop(plain);
  });

  it.each(['ram', 'memfd'])('of memory-backend-%s has swap space set aside unless it is told not to', (kind) =>
    bench().then((b) => {
      const flags = (reserve: string): readonly string[] => {
        const backend = b.add(kind, { size: '8M', reserve });
        const [vma] = b.vmas(backend);
        b.drop(backend);
        return vma?.flags ?? [];
      };
      // A kernel that never overcommits ignores the wish.
      const never = readFileSync('/proc/sys/vm/overcommit_memory', 'utf8').trim() === '2';
      expect([flags('on').includes('nr'), flags('off').includes('nr')]).toEqual([false, !never]);
    }),
  );

  it('is made of transparent huge pages where there are some', async ({ skip }) => {
    const mode = existsSync('/sys/kernel/mm/transparent_hugepage/enabled')
      ? readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8')
      : '[never]';
    if (mode.includes('[never]')) return skip('this kernel has no transparent huge pages');
    const b = await bench();
    const backend = b.add('ram', { size: '16M', prealloc: 'on' });
    expect(b.vmas(backend)[0]?.huge).toBe(16 * MiB);
    b.drop(backend);
  });

  it.each(['bind', 'interleave', 'preferred'])('has policy %s before its first page', async (policy) => {
    if (!(await policiesWork())) return;
    const b = await bench();
    const backend = b.add('memfd', { size: '8M', policy, 'host-nodes': '0', prealloc: 'on' });
    expect(b.events.map(({ step }) => step)).toEqual(['map', 'advise', 'advise', 'bind', 'populate', 'attach']);
    expect(backend.mapping?.policy()).toEqual({ policy, nodes: [0] });
    const shown = policyInProc(b.addressOf(backend));
    if (shown === undefined) console.log('skipped: this kernel has no numa_maps');
    else expect(shown).toBe(`${policy === 'preferred' ? 'prefer' : policy}:0`);
    b.drop(backend);
  });

  it('is on the nodes that the kernel says, page by page', async ({ skip }) => {
    if (!(await policiesWork())) return skip('policies cannot be had here');
    const b = await bench();
    const backend = b.add('memfd', { size: '8M', policy: 'interleave', 'host-nodes': '0' });
    expect(backend.placement()).toEqual({ policy: 'interleave', nodes: [0], resident: [] });
    expect(backend.getProperty('x-host-pages')).toBe('');
    backend.region.block?.bytes.fill(1, 0, MiB);
    expect(backend.placement()?.resident).toEqual([{ node: 0, bytes: MiB }]);
    backend.region.block?.bytes.fill(1);
    expect(backend.getProperty('x-host-policy')).toBe('interleave:0');
    expect(backend.getProperty('x-host-pages')).toBe(`0:${8 * MiB}`);
    expect(() => backend.setProperty('x-host-policy', 'bind:0')).toThrow(UserError);
    b.drop(backend);
    const usual = b.add('ram', { size: '8M', prealloc: 'on' });
    expect(usual.placement()).toEqual({ policy: 'default', nodes: [], resident: [{ node: 0, bytes: 8 * MiB }] });
    expect(usual.getProperty('x-host-policy')).toBe('default');
    b.drop(usual);
  });

  it('that cannot be bound has not made a page, and nothing stays', async () => {
    if (!(await policiesWork())) return;
    const b = await bench();
    const before = process.memoryUsage.rss();
    const props = { size: '48M', policy: 'bind', 'host-nodes': '99', prealloc: 'on' };
    expect(() => b.add('memfd', props)).toThrow(
      new UserError('cannot bind memory to host NUMA nodes: Invalid argument'),
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(24 * MiB);
    expect(b.events.map(({ step }) => step)).toEqual(['map', 'advise', 'advise', 'release']);
    expect(b.isWhole()).toBe(true);
  });
});

describe.skipIf(!probe)('other processes', () => {
  /** Host offset of a guest address. */
  const word = (backend: MemoryBackend, at: number): number => (backend.region.block?.offset ?? 0) + at;

  it('see what guest code writes to a shared file, and the other way round', async () => {
    const b = await bench();
    const file = path('live');
    const backend = b.add('file', { size: '4M', 'mem-path': file, share: 'on' });
    const guest = guestCode(b.space.memory);
    guest.store(word(backend, 0x1000), 0x11223344);
    expect(inChild(READ, file, '4096')).toBe('44332211');
    inChild(WRITE, file, '8192', '01000080');
    expect(guest.load(word(backend, 0x2000))).toBe(0x80000001 | 0);
    expect(guest.add(word(backend, 0x2000), 2)).toBe(0x80000001 | 0);
    expect(inChild(READ, file, '8192')).toBe('03000080');
    b.drop(backend);
    expect(statSync(file).size).toBe(4 * MiB);
    expect(inChild(READ, file, '4096')).toBe('44332211');
  });

  it('do not see what it writes to a private one', async () => {
    const b = await bench();
    const file = path('mine');
    writeFileSync(file, Buffer.alloc(MiB, 7));
    const backend = b.add('file', { size: '1M', 'mem-path': file });
    expect(backend.region.block?.bytes[5]).toBe(7);
    guestCode(b.space.memory).store(word(backend, 0), 1);
    expect(inChild(READ, file, '0')).toBe('07070707');
    b.drop(backend);
    expect(readFileSync(file).every((byte) => byte === 7)).toBe(true);
  });

  it.each(['memfd', 'shm'])('see %s memory through its file descriptor', async (kind) => {
    const b = await bench();
    const backend = b.add(kind, { size: '1M' });
    const file = `/proc/${process.pid}/fd/${backend.mapping?.fd}`;
    guestCode(b.space.memory).store(word(backend, 16), 0x0badcafe);
    expect(inChild(READ, file, '16')).toBe('fecaad0b');
    inChild(WRITE, file, '20', 'aabbccdd');
    expect(b.space.u8[word(backend, 20)]).toBe(0xaa);
    b.drop(backend);
  });

  it('cannot shrink sealed memory, and can shrink what is not', async () => {
    const b = await bench();
    const shrink = (backend: MemoryBackend) => () => truncateSync(`/proc/self/fd/${backend.mapping?.fd}`, 0);
    const sealed = b.add('memfd', { size: '1M' });
    expect(shrink(sealed)).toThrow(/EPERM/);
    b.drop(sealed);
    const open = b.add('memfd', { size: '1M', seal: 'off' });
    expect(shrink(open)).not.toThrow();
    b.drop(open);
  });

  it('are read from live, but not written to, by a read-only backend', async () => {
    const b = await bench();
    const file = path('rom');
    writeFileSync(file, Buffer.alloc(MiB, 3));
    const backend = b.add('file', { size: '1M', 'mem-path': file, share: 'on', readonly: 'on' });
    expect(backend.region.readonly).toBe(true);
    inChild(WRITE, file, '12', '09090909');
    expect(b.space.u8[word(backend, 12)]).toBe(9);
    b.space.u8[word(backend, 13)] = 1;
    Atomics.add(b.space.i32, word(backend, 64) / 4, 1);
    expect(inChild(READ, file, '12')).toBe('09090909');
    b.drop(backend);
    const ram = b.add('file', { size: '1M', 'mem-path': file, readonly: 'on', rom: 'off' });
    expect(ram.region.readonly).toBe(false);
    b.drop(ram);
  });

  it('share a part of a file from an offset on', async () => {
    const b = await bench();
    const file = path('part');
    writeFileSync(file, Buffer.alloc(MiB));
    const backend = b.add('file', { size: '512K', 'mem-path': file, share: 'on', offset: '256K', align: '4K' });
    backend.region.block?.bytes.fill(0xee, 0, 4);
    expect(inChild(READ, file, String(256 * 1024))).toBe('eeeeeeee');
    b.drop(backend);
  });

  it('find no data any more after discard-data', async () => {
    const b = await bench();
    const file = path('gone');
    const backend = b.add('file', { size: '4M', 'mem-path': file, share: 'on', 'discard-data': 'on' });
    backend.region.block?.bytes.fill(1);
    b.drop(backend);
    expect([statSync(file).size, statSync(file).blocks]).toEqual([4 * MiB, 0]);
  });
});

describe.skipIf(!probe)('what cannot be had', () => {
  writeFileSync(path('short'), Buffer.alloc(1024));
  writeFileSync(path('empty'), '');
  const CASES: readonly (readonly [string, Record<string, unknown>, string])[] = [
    [
      'file',
      { 'mem-path': '/nowhere/x' },
      "can't open backing store /nowhere/x for guest RAM: No such file or directory",
    ],
    [
      'file',
      { 'mem-path': path('absent'), readonly: 'on' },
      `can't open backing store ${path('absent')} for guest RAM: No such file or directory`,
    ],
    [
      'file',
      { 'mem-path': folder, readonly: 'on' },
      `can't open backing store ${folder} for guest RAM: Is a directory`,
    ],
    ['file', { 'mem-path': path('short') }, "backing store size 0x400 does not match 'size' option 0x100000"],
    [
      'file',
      { 'mem-path': path('empty'), readonly: 'on' },
      "backing store size 0x0 does not match 'size' option 0x100000",
    ],
    ['file', { 'mem-path': path('new'), align: '3' }, 'alignment 0x3 must be multiples of page size 0x1000'],
    ['file', { 'mem-path': path('new'), align: '12K' }, 'alignment 0x3000 must be a power of two'],
    ['file', { 'mem-path': path('new'), offset: '1' }, 'offset 0x1 must be multiples of page size 0x1000'],
    ['file', { 'mem-path': '/dev/null' }, 'unable to map backing store for guest RAM: No such device'],
    [
      'file',
      { 'mem-path': path('new'), share: 'on', pmem: 'on' },
      `${path('new')} cannot be mapped as persistent memory: Operation not supported`,
    ],
    ['memfd', { hugetlb: 'on', hugetlbsize: '2M' }, 'failed to resize memfd to 1048576: Invalid argument'],
    [
      'memfd',
      { hugetlb: 'on', hugetlbsize: '4M', size: '4M' },
      'failed to create memfd with flags 0x58000007: No such device',
    ],
    ['ram', { size: '65M' }, "cannot set up guest memory 'm': Cannot allocate memory"],
    ['file', { 'mem-path': path('new'), size: '64M' }, "cannot set up guest memory 'm': Cannot allocate memory"],
  ];

  it.each(CASES)('memory-backend-%s with %o says: %s', async (kind, props, message) => {
    const b = await bench();
    const [left, sizes] = [files(), statSync(path('empty')).size];
    let said = '';
    try {
      b.add(kind, { size: '1M', ...props });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      said = error.message;
    }
    if (kind === 'memfd' && said.includes('Function not implemented')) return console.log('skipped: no huge pages');
    expect(said).toBe(message);
    expect([files(), statSync(path('empty')).size, b.space.blocks]).toEqual([left, sizes, []]);
    expect(b.isWhole()).toBe(true);
  });

  it('a file that was empty is empty again', async () => {
    const b = await bench();
    expect(() => b.add('file', { 'mem-path': path('empty'), size: '64M' })).toThrow(UserError);
    expect(() => b.add('file', { 'mem-path': path('empty'), size: '1M', policy: 'bind', 'host-nodes': 99 })).toThrow();
    expect(statSync(path('empty')).size).toBe(0);
  });

  it('huge pages that the host has not got', async ({ skip }) => {
    const free = /HugePages_Free: +([0-9]+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    if (free !== '0') return skip(`this host has ${free} free huge pages`);
    const b = await bench();
    expect(() => b.add('memfd', { size: '4M', hugetlb: 'on' })).toThrow(
      new UserError('unable to map backing store for guest RAM: Cannot allocate memory'),
    );
    expect(b.isWhole()).toBe(true);
  });

  it('huge pages that it has', async ({ skip }) => {
    const free = Number(/HugePages_Free: +([0-9]+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
    if (free < 4) return skip(`this host has ${free} free huge pages, 4 are needed`);
    const b = await bench();
    const backend = b.add('memfd', { size: '8M', hugetlb: 'on', prealloc: 'on' });
    expect(backend.pageSize).toBe(2 * MiB);
    expect(backend.placement()?.resident.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(8 * MiB);
    backend.region.block?.bytes.fill(1);
    b.drop(backend);
    expect(b.isWhole()).toBe(true);
  });

  it('leaves this process as it was after a thousand attempts', async () => {
    const b = await bench();
    const attempt = (i: number): void => {
      const [kind, props] = CASES[i % CASES.length] ?? ['ram', {}];
      const bad = i % 2 === 0 ? props : { ...props, policy: 'bind', 'host-nodes': '99', prealloc: 'on' };
      expect(() => b.add(kind, { size: '1M', ...bad })).toThrow(UserError);
    };
    for (let i = 0; i < 2 * CASES.length; i++) attempt(i);
    const [before, left] = [holdings(folder), files()];
    for (let i = 0; i < 1000; i++) attempt(i);
    expectSame(before);
    expect(files()).toEqual(left);
    expect(b.isWhole()).toBe(true);
  });

  it('backends that come and go leave this process as it was', async () => {
    const b = await bench();
    const round = (i: number): void => {
      const [kind, props] = KINDS[i % KINDS.length] ?? ['ram', {}];
      const backend = b.add(kind, { size: '8M', prealloc: 'on', ...props });
      backend.region.block?.bytes.fill(i);
      b.drop(backend);
    };
    for (let i = 0; i < 16; i++) round(i);
    const before = holdings(folder);
    const resident = process.memoryUsage.rss();
    for (let i = 0; i < 200; i++) round(i);
    expectSame(before);
    expect(process.memoryUsage.rss() - resident).toBeLessThan(32 * MiB);
  });
});
