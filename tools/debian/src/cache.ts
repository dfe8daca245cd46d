import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * The folder that Boardwalk keeps downloads in: `BOARDWALK_CACHE`, else `boardwalk` in `XDG_CACHE_HOME`,
 * in `LOCALAPPDATA` on Windows, else in `~/.cache`.
 */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env.BOARDWALK_CACHE) return env.BOARDWALK_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'boardwalk');
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'boardwalk');
  return join(homedir(), '.cache', 'boardwalk');
}

/** Whether `path` exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Writes a file so that a reader sees either the old content or all of the new one. */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

const LOCK_POLL_MS = 200;
/** A lock without an owner's number for this long was left by a process that ended while it took it. */
const LOCK_NAMELESS_MS = 10_000;

/**
 * Runs `body` while holding the lock file `path`, so that two processes never fill one cache at the same time.
 * The file holds its owner's process number; a lock whose owner no longer lives is taken over.
 */
export async function withLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryLock(path))) await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  try {
    return await body();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (await isAbandoned(path)) await rm(path, { force: true });
    return false;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const owner = Number.parseInt(await readFile(path, 'utf8'), 10);
    if (Number.isInteger(owner)) return !isAlive(owner);
    return Date.now() - (await stat(path)).mtimeMs > LOCK_NAMELESS_MS;
  } catch {
    return false; // released meanwhile
  }
}

function isAlive(processNumber: number): boolean {
  try {
    process.kill(processNumber, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
