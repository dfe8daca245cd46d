// The two programs that are compared.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchOptions } from './options.ts';
import { BenchError, type Side } from './sample.ts';
import type { Target } from './target.ts';

const ourProgram = ({ name }: Target): string =>
  fileURLToPath(new URL(`../../../packages/cli/bin/boardwalk-system-${name}.js`, import.meta.url));

/** A program with QEMU's options. */
export interface Emulator {
  /** Program and first arguments. */
  readonly command: readonly string[];
  /** Program and version, for people. */
  readonly version: string;
  /** Options for a main RAM of a size such as `64M`, where it comes from something else than usual. */
  readonly memory?: (size: string) => readonly string[];
}

/**
 * Finds both, and asks for their versions.
 *
 * @throws BenchError when one is not there.
 */
export function findEmulators(options: BenchOptions): Readonly<Record<Side, Emulator>> {
  if (process.platform === 'win32') throw new BenchError('the benchmarks need a POSIX shell: Linux or macOS');
  return { ours: findOurs(options), peer: findPeer(options) };
}

/** Boardwalk alone. @throws BenchError when it cannot be run */
export function ourEmulator(options: BenchOptions): Emulator {
  if (process.platform === 'win32') throw new BenchError('the benchmarks need a POSIX shell: Linux or macOS');
  return findOurs(options);
}

function findOurs({ node, ours, rest, target }: BenchOptions): Emulator {
  const nodeVersion = firstLine([node, '--version']);
  if (nodeVersion === undefined) throw new BenchError(`--node ${node}: cannot be run`);
  const script = ours ?? ourProgram(target);
  if (!existsSync(script)) throw new BenchError(`${script} is not there`);
  const extra = rest.length > 0 ? ` with ${rest.join(' ')}` : '';
  return { command: [node, script, ...rest], version: `Boardwalk${extra} on Node ${nodeVersion}` };
}

function findPeer({ peer: program, target }: BenchOptions): Emulator {
  const version = firstLine([program, '--version']);
  if (version === undefined) {
    const hint = program === target.peer ? ` (Debian: ${target.peerPackage})` : '';
    throw new BenchError(`the peer ${program} is not here${hint}`);
  }
  return { command: [program], version };
}

function firstLine([program = '', ...args]: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}
