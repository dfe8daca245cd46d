// Makes the checkout ready to run: packages installed, everything built; nothing when it already is.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture, step } from './steps.mjs';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/[\\/]$/, '');

const WORKSPACES = ['packages', 'tools'];
const BUILD_INPUT = /^(src|package\.json|tsconfig\.json|tsup\.config\.ts)$/;

/** Installs and builds what changed since the last time. */
export async function prepare() {
  const installed = installFingerprint(ROOT);
  const built = buildFingerprint(ROOT);
  const stale = { install: stamp('install') !== installed, build: stamp('build') !== built || !outputsExist(ROOT) };
  if (!stale.install && !stale.build) return;
  const pnpm = await findPnpm();
  if (stale.install) {
    await step('Installing packages', [...pnpm, 'install', '--frozen-lockfile'], { cwd: ROOT });
    setStamp('install', installed);
  }
  await step('Building', [...pnpm, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'], { cwd: ROOT });
  setStamp('build', built);
}

/**
 * How to call the pnpm that package.json pins: the one on the path when it is that version, else through npm, which
 * keeps it in npm's own cache and installs nothing.
 *
 * @returns {Promise<string[]>}
 */
async function findPnpm() {
  const pinned = pinnedPnpm(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { status, output } = await capture(['pnpm', '--version'], ROOT);
  if (status === 0 && output.trim() === pinned) return ['pnpm'];
  return [...npmCommand(process.env, process.execPath), ...npmExec(pinned)];
}

/** @param {string} version */
function npmExec(version) {
  return ['exec', '--yes', '--prefer-offline', `--package=pnpm@${version}`, '--', 'pnpm'];
}

/**
 * The version in `packageManager`.
 *
 * @param {string} manifest package.json's text
 */
export function pinnedPnpm(manifest) {
  const version = /^pnpm@(\d+\.\d+\.\d+)/.exec(JSON.parse(manifest).packageManager)?.[1];
  if (!version) throw new Error('package.json pins no pnpm in packageManager');
  return version;
}

/**
 * The npm that started this script, else the one on the path.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} node
 * @returns {string[]}
 */
export function npmCommand(env, node) {
  const npm = env.npm_execpath;
  return npm && /^npm(-cli)?\.c?js$/.test(basename(npm)) ? [node, npm] : ['npm'];
}

/**
 * The JavaScript file of a program in the root's `node_modules`, to run with this Node on every system.
 *
 * @param {string} packageName
 * @param {string} [program] default: named as the package
 * @returns {string[]} a command
 */
export function localProgram(packageName, program = packageName) {
  const folder = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, typeof bin === 'string' ? bin : bin[program])];
}

/**
 * Digest over what decides which packages are installed.
 *
 * @param {string} root
 */
export function installFingerprint(root) {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const folder of workspaceFolders(root)) files.push(join(folder, 'package.json'));
  const hash = createHash('sha256').update(process.version);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * Digest over names, sizes and times of every file that builds read.
 *
 * @param {string} root
 */
export function buildFingerprint(root) {
  const hash = createHash('sha256').update(installFingerprint(root));
  for (const folder of workspaceFolders(root)) {
    for (const name of readdirSync(join(root, folder))
      .filter((entry) => BUILD_INPUT.test(entry))
      .sort()) {
      addTree(hash, root, join(folder, name));
    }
  }
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function addTree(hash, root, path) {
  const stat = statSync(join(root, path));
  if (!stat.isDirectory()) {
    hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\0`);
    return;
  }
  for (const name of readdirSync(join(root, path)).sort()) addTree(hash, root, join(path, name));
}

/**
 * Whether every package that builds has been built.
 *
 * @param {string} root
 */
function outputsExist(root) {
  return workspaceFolders(root)
    .filter((folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).scripts?.build)
    .every((folder) => existsSync(join(root, folder, 'dist', 'index.js')));
}

/**
 * @param {string} root
 * @returns {string[]} the workspace's packages, relative to the root
 */
function workspaceFolders(root) {
  return WORKSPACES.filter((parent) => existsSync(join(root, parent)))
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort();
}

const STAMPS = join(ROOT, 'node_modules', '.boardwalk');

/** @param {'install' | 'build'} name */
function stamp(name) {
  const file = join(STAMPS, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/**
 * @param {'install' | 'build'} name
 * @param {string} fingerprint
 */
function setStamp(name, fingerprint) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), fingerprint);
}
