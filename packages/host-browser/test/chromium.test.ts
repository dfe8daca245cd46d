/** Memory backends, and vCPUs on workers, in a real browser, in a page that is isolated from other origins and in one that is not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMonitor } from '@boardwalk/guest';
import { build } from 'esbuild';
import { type BrowserContext, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeFindings } from './code-worker.ts';
import type { Findings } from './opfs-worker.ts';
import type { ThreadFindings } from './threads-worker.ts';

const program = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);
if (program === undefined) console.log('skipped: no Chromium is installed (Debian: chromium)');

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Runs the worker and gives what it says. */
const SCRIPT = `globalThis.runWorker = async (name) => {
  const worker = new Worker(name, { type: 'module' });
  const firmware = new Uint8Array(await (await fetch('monitor.bin')).arrayBuffer());
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message });
    worker.postMessage({ firmware });
  });
};`;

async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    conditions: ['boardwalk-source'],
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

/** Serves the page; below `/isolated/` with the headers that give it shared memory. */
async function serve(): Promise<Server> {
  const files: Record<string, { type: string; body: string | Uint8Array }> = {
    '': { type: 'text/html', body: `<!doctype html><title>Boardwalk</title><script>${SCRIPT}</script>` },
    'worker.js': { type: 'text/javascript', body: await bundle('opfs-worker.ts') },
    'threads.js': { type: 'text/javascript', body: await bundle('threads-worker.ts') },
    'code.js': { type: 'text/javascript', body: await bundle('code-worker.ts') },
    'vcpu.js': { type: 'text/javascript', body: await bundle('vcpu.ts') },
    'monitor.bin': { type: 'application/octet-stream', body: await readMonitor() },
  };
  const server = createServer(({ url = '' }, response) => {
    const [, folder = '', name = ''] = /^\/(isolated|plain)\/(.*)$/.exec(url) ?? [];
    const file = folder === '' ? undefined : files[name];
    if (file === undefined) return void response.writeHead(404).end();
    const headers = folder === 'isolated' ? ISOLATION : {};
    response.writeHead(200, { 'Content-Type': file.type, ...headers }).end(file.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe.skipIf(program === undefined)('in Chromium', () => {
  const profile = mkdtempSync(join(tmpdir(), 'boardwalk-chromium-'));
  let context: BrowserContext | undefined;
  let server: Server | undefined;

  beforeAll(async () => {
    server = await serve();
    const path = spawnSync('which', [program ?? ''], { encoding: 'utf8' }).stdout.trim();
    context = await chromium.launchPersistentContext(profile, { executablePath: path, args: FLAGS });
  });
  afterAll(async () => {
    await context?.close();
    server?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  });

  /** What a worker of a page finds, and whether the page is isolated. */
  async function findings<T>(folder: string, worker: string): Promise<T & { readonly isolated: boolean }> {
    const page = await context?.newPage();
    if (page === undefined || server === undefined) throw new Error('no browser');
    try {
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/${folder}/`);
      const isolated = (await page.evaluate('crossOriginIsolated')) as boolean;
      const said = (await page.evaluate(`runWorker('${worker}')`)) as { findings?: T; error?: string };
      if (said.findings === undefined) throw new Error(said.error);
      return { ...said.findings, isolated };
    } finally {
      // The next page starts with no file.
      await page
        .evaluate(`navigator.storage.getDirectory().then((root) => root.removeEntry('ram.bin'))`)
        .catch(() => {});
      await page.close();
    }
  }

  it.each(['isolated', 'plain'])('boots the monitor on an OPFS file, on the page %s', async (folder) => {
    const found = await findings<Findings>(folder, 'worker.js');
    const isolated = folder === 'isolated';
    expect(found).toMatchObject({ isolated, sharedSpace: isolated, status: 7 });
    expect(found.output.replaceAll('\r', '')).toContain('\nwords-in-guest-memory\n> poweroff 7');
    expect(found.output).not.toContain('WRONG');
    const whole = { size: 16 * 2 ** 20, monitor: true, line: true, lastLine: true };
    expect(found.beforeFlush).toEqual({ ...whole, monitor: false, line: false, lastLine: false });
    expect(found.afterFlush).toEqual({ ...whole, lastLine: false });
    expect(found.atEnd).toEqual(whole);
    expect(found.secondSawLine).toBe(true);
    expect(found.afterPrivateWrite).toEqual(whole);
    const reason = 'a browser has no memory mappings of the host';
    const opening = (path: string): string => `can't open backing store ${path} for guest RAM: `;
    expect(found.refusals).toEqual({
      memfd: `memory-backend-memfd cannot be had: ${reason}`,
      shm: `memory-backend-shm cannot be had: ${reason}`,
      'ram share': `property 'share' of memory-backend-ram doesn't take value 'on': ${reason}`,
      bind: `property 'policy' of memory-backend-ram doesn't take value 'bind': ${reason}`,
      'file bind': `property 'policy' of memory-backend-file doesn't take value 'bind': ${reason}`,
      prealloc: `property 'prealloc' of memory-backend-file doesn't take value 'on': ${reason}`,
      merge: `property 'merge' of memory-backend-file doesn't take value 'off': ${reason}`,
      pmem: `ram.bin cannot be mapped as persistent memory: ${reason}`,
      'too long': "backing store size 0x1000000 does not match 'size' option 0x2000000",
      offset: 'offset 0x1 must be multiples of page size 0x1000',
      'not opened': `${opening('elsewhere')}a program opens OPFS files beforehand`,
      'two backends': `${opening('ram.bin')}another memory backend uses it, and memory cannot be shared live in a browser`,
      'prealloc later': `preallocating memory failed: ${reason}`,
      'dump later': `cannot advise the host on guest memory (no-dump): ${reason}`,
      'open elsewhere': `${opening('ram.bin')}it is open elsewhere, and memory cannot be shared live in a browser`,
      'no folder': `${opening('nowhere/ram.bin')}No such file or directory`,
      'no name': `${opening('../ram.bin')}it names no file`,
      'too large': "cannot set up guest memory 'm': Cannot allocate memory",
    });
    expect(found.files).toEqual(['ram.bin']);
    if (!found.high.has64) {
      console.log('skipped: this Chromium has no 64-bit WebAssembly memories (from 133 on)');
      expect(found.high.refusal).toContain('RAM size 5 GiB needs a 64-bit WebAssembly memory');
      return;
    }
    expect(found.high).toMatchObject({ indexBits: 64, status: 9 });
    const said = found.high.output?.replaceAll('\r', '');
    expect(said).toMatch(/memory@80000000 +5 GiB|memory@80000000 +5120 MiB/);
    expect(said).toContain('0x0000000180000040: 0x600df00d');
    expect(said).not.toContain('WRONG');
  });

  it('leaves translated code to the next boot, and to the next visit', async () => {
    for (const visit of [1, 2]) {
      const { boots, codes } = await findings<CodeFindings>('plain', 'code.js');
      const [first, second, other, again] = boots;
      expect(new Set(boots.map(({ output }) => output)).size).toBe(1);
      expect(first?.output).toContain('map');
      // Nine others came between the visits.
      expect([first?.kept, other?.kept]).toEqual([0, 0]);
      for (const boot of [second, again]) expect(boot?.kept).toBeGreaterThan(10 * (boot?.translated ?? 0));
      expect([codes, visit]).toEqual([16, visit]);
    }
  });

  it('runs two harts on workers of their own', async () => {
    const found = await findings<ThreadFindings>('isolated', 'threads.js');
    expect(found).toMatchObject({ isolated: true, output: 'k', status: 5, sum: 40960 });
    expect(found.stopped).toEqual([0, 0]);
  });

  it('refuses harts on workers where a page has no shared memory', async () => {
    await expect(findings<ThreadFindings>('plain', 'threads.js')).rejects.toThrow(
      'thread=multi: this host has no shared memory',
    );
  });
});
