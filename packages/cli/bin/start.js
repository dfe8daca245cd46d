// What all programs do first: compiled code is kept for the next start (Node 22 and later), V8's threads are put behind the guest's,
// then everything else is loaded.
import { readdirSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { availableParallelism, getPriority, homedir, setPriority } from 'node:os';
import { join } from 'node:path';

/** So long after the start everything has been loaded that a machine needs. */
const ALL_LOADED_MS = 1000;

/** How much later than the threads that run guests V8's have their turn, in units of nice(2). */
const BEHIND = 5;
const LAST_PRIORITY = 19;

/**
 * V8's threads, which optimise code and collect garbage, take turns behind those that run guests. Where there are few processors they
 * took one from the guest a tenth of the time. Linux has a priority for each thread, and Node 24 a name for these.
 */
function putBackgroundBehind() {
  if (process.platform !== 'linux' || availableParallelism() === 1) return;
  const priority = Math.min(getPriority() + BEHIND, LAST_PRIORITY);
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'latin1');
      if (name === 'V8Worker\n') setPriority(Number(thread), priority);
    }
  } catch {
    // Without /proc, or a thread that has just ended: priorities stay as they are.
  }
}

/**
 * Runs `boardwalk-system-<arch>` with this process's arguments.
 *
 * @param {string} arch
 */
export async function start(arch) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  // Threads of vCPUs take it from the environment.
  process.env.NODE_COMPILE_CACHE ||= join(cache, 'boardwalk', 'compiled');
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  // By itself Node writes it at an orderly end only: emulators are often killed.
  if (module.flushCompileCache) setTimeout(module.flushCompileCache, ALL_LOADED_MS).unref();
  putBackgroundBehind();
  const { main } = await import('../dist/index.js');
  await main(arch, process.argv.slice(2));
}
