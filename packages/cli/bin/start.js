// What all programs do first: compiled code is kept for the next start (Node 22 and later), then everything else is loaded.
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** So long after the start everything has been loaded that a machine needs. */
const ALL_LOADED_MS = 1000;

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
  const { main } = await import('../dist/index.js');
  await main(arch, process.argv.slice(2));
}
