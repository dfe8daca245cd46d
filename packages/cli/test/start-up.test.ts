// What the built program loads before it greets, and keeps for the next start: clients start thousands of them, and each module costs.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import module from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../bin/boardwalk-system-riscv64.js', import.meta.url));
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

const asUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** A module for --import that writes each module's URL to a file before it is loaded. */
function recorder(file: string): string {
  const hooks = `import { appendFileSync } from 'node:fs';
    export async function load(url, context, next) {
      appendFileSync(${JSON.stringify(file)}, url + '\\n');
      return next(url, context);
    }`;
  // The greeting is marked where it is written: under load it is read much later.
  return asUrl(`import { register } from 'node:module';
    import { appendFileSync } from 'node:fs';
    register(${JSON.stringify(asUrl(hooks))});
    const { write } = process.stdout;
    process.stdout.write = function (...args) {
      appendFileSync(${JSON.stringify(file)}, ${JSON.stringify(SAID)} + '\\n');
      return write.apply(this, args);
    };`);
}

const SAID = 'said something';

/** Modules by their place in the checkout: `packages/core`, `koffi`, `node:net`. */
function places(file: string): Record<'greeting' | 'answer', Set<string>> {
  const urls = readFileSync(file, 'utf8').trim().split('\n');
  return { greeting: placesOf(urls.slice(0, urls.indexOf(SAID))), answer: placesOf(urls) };
}

function placesOf(urls: readonly string[]): Set<string> {
  return new Set(
    urls.map((url) => /packages\/[^/]+/.exec(url)?.[0] ?? /node_modules\/([^.][^/]*)\//.exec(url)?.[1] ?? url),
  );
}

/** Starts the program; what it had loaded when the greeting came, and what when it had answered. */
async function modulesLoaded(machine: string): Promise<Record<'greeting' | 'answer', Set<string>>> {
  const file = join(folder, machine);
  const args = ['--import', recorder(file), PROGRAM, '-M', machine, '-display', 'none', '-qmp', 'stdio'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const next = (): Promise<string> => new Promise((resolve) => child.stdout.once('data', resolve));
  expect(String(await next())).toContain('{"QMP"');
  child.stdin.write('{"execute": "qmp_capabilities"}');
  expect(String(await next())).toContain('return');
  const { greeting, answer } = places(file);
  child.stdin.write('{"execute": "quit"}');
  expect(await ended).toBe(0);
  return { greeting, answer };
}

describe.skipIf(!built)('the empty machine', () => {
  it('greets before an architecture is loaded, and without what only other machines need', async () => {
    const { greeting, answer } = await modulesLoaded('none');
    const ours = [...greeting].filter((place) => !place.startsWith('node:')).sort();
    expect(ours).toEqual(['cli', 'core', 'host-node', 'monitor', 'numa'].map((name) => `packages/${name}`));
    // Each of these takes more than a millisecond: its exports, or what it loads itself.
    for (const name of ['crypto', 'worker_threads', 'child_process', 'http', 'tty', 'zlib', 'readline'])
      expect(greeting).not.toContain(`node:${name}`);
    expect(answer).toContain('packages/riscv');
  });
});

describe.skipIf(!built || !('flushCompileCache' in module))('the compile cache', () => {
  it('is there for the next start when the program is killed', async () => {
    const cache = join(folder, 'cache');
    const args = [PROGRAM, '-M', 'none', '-display', 'none', '-qmp', 'stdio'];
    const env = { ...process.env, NODE_COMPILE_CACHE: cache };
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await vi.waitFor(() => expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(10), 20_000);
    child.kill('SIGKILL');
    await ended;
  });
});

/** Priorities (nice) of a process's threads by their names, from proc(5). */
function priorities(pid: number): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [, name = '', fields = ''] =
      /\((.*)\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')) ?? [];
    found.set(name, (found.get(name) ?? new Set()).add(Number(fields.split(' ')[16])));
  }
  return found;
}

const NODE = process.env.BOARDWALK_NODE24 ?? process.execPath;
const namesThreads = process.platform === 'linux' && process.env.BOARDWALK_NODE24 !== undefined;
if (!namesThreads) console.log('skipped: priorities of threads (Linux, and BOARDWALK_NODE24 names a Node.js 24)');

describe.skipIf(!built || !namesThreads || availableParallelism() === 1)('threads of V8', () => {
  it('come behind the one that runs the guest', async () => {
    const args = [PROGRAM, '-M', 'none', '-display', 'none', '-qmp', 'stdio'];
    const child = spawn(NODE, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const found = priorities(child.pid ?? 0);
    const own = Math.max(...(found.get('MainThread') ?? []));
    expect([...(found.get('V8Worker') ?? [])]).toEqual([Math.min(own + 5, 19)]);
    child.stdin.write('{"execute": "qmp_capabilities"}{"execute": "quit"}');
    expect(await ended).toBe(0);
  });
});
