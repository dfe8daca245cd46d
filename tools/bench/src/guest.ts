// Compiles the programs in guest/ with Debian's cross compiler, into the cache.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '@boardwalk/debian';
import { BenchError } from './sample.ts';

const SOURCE = fileURLToPath(new URL('../guest/', import.meta.url));
const COMPILER = 'riscv64-linux-gnu-gcc';
const COMMON = ['start.S', 'harness.c', 'string.c', 'bench.h', 'bench.ld'];
const FLAGS = [
  '-march=rv64gc',
  '-mabi=lp64d',
  '-mcmodel=medany',
  '-std=gnu17',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-pie',
  '-fno-stack-protector',
  '-fno-tree-loop-distribute-patterns',
  '-ffp-contract=off',
  '-nostdlib',
  '-static',
  '-no-pie',
  '-Wl,--build-id=none',
  '-Wl,--no-warn-rwx-segments',
  '-Wl,-T,bench.ld',
];

/** Names of the programs: the C files of guest/ that define `bench_round`. */
export function programNames(): string[] {
  return readdirSync(SOURCE)
    .filter((file) => file.endsWith('.c') && !COMMON.includes(file))
    .map((file) => file.slice(0, -2))
    .sort();
}

/**
 * Compiles a program, unless the cache has what this compiler makes of these sources.
 *
 * @param scale times the work.
 * @param paced work in batches, each when it is asked for.
 * @returns the ELF's path.
 * @throws BenchError without a compiler.
 */
export function compileProgram(name: string, scale: number, paced = false): string {
  const flags = [...FLAGS, `-DBENCH_PERCENT=${Math.max(1, Math.round(scale * 100))}`];
  if (paced) flags.push('-DBENCH_PACED');
  const files = [...COMMON, `${name}.c`];
  const hash = createHash('sha256').update(JSON.stringify([compilerVersion(), flags]));
  for (const file of files) hash.update(readFileSync(join(SOURCE, file)));
  const folder = join(cacheFolder(), 'bench');
  const program = join(folder, `${name}-${hash.digest('hex').slice(0, 16)}.elf`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const temporary = `${program}.${process.pid}.tmp`;
  const units = files.filter((file) => /\.[cS]$/.test(file));
  const { status } = spawnSync(COMPILER, [...flags, '-o', temporary, ...units], {
    cwd: SOURCE,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new BenchError(`${COMPILER} does not compile ${name}.c`);
  renameSync(temporary, program);
  return program;
}

/** First line of the cross compiler's version. */
export function compilerVersion(): string {
  try {
    const text = execFileSync(COMPILER, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n')[0] ?? '';
  } catch {
    throw new BenchError(`the programs are compiled by ${COMPILER}, which is not here (Debian: gcc-riscv64-linux-gnu)`);
  }
}

/** What the harness prints when a program is done. */
export interface ProgramResult {
  readonly checksum: string;
  /** Seconds of the measured rounds, by the guest's clock. */
  readonly seconds: number;
  /** What instret counted in the measured rounds. */
  readonly instructions: number;
  /** The same of everything that the program did. */
  readonly allInstructions: number;
}

/** mtime's. */
export const TICKS_PER_SECOND = 10_000_000; // mtime of the virt board, its device tree's timebase-frequency
const RESULT = /^bench: rounds \d+ checksum ([0-9a-f]+) ticks (\d+) instructions (\d+) all (\d+)\r?$/m;

/** Reads the harness's line; undefined when there is none. */
export function parseResult(output: string): ProgramResult | undefined {
  const [, checksum, ticks, instructions, all] = RESULT.exec(output) ?? [];
  if (checksum === undefined) return undefined;
  return {
    checksum,
    seconds: Number(ticks) / TICKS_PER_SECOND,
    instructions: Number(instructions),
    allInstructions: Number(all),
  };
}
