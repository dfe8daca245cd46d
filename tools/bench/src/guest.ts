// Compiles the programs in guest/ with Debian's cross compiler, into the cache: those that run without Linux, and those in it.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '@boardwalk/debian';
import { CpioWriter } from '@boardwalk/initramfs';
import { BenchError } from './sample.ts';
import type { Target } from './target.ts';

const SOURCE = fileURLToPath(new URL('../guest/', import.meta.url));
/** Files of every program: of all targets, and in the folder of each. */
const COMMON = ['harness.c', 'string.c', 'bench.h', 'machine.h'];
const OF_TARGET = ['start.S', 'machine.c', 'bench.ld'];
const ALL_FLAGS = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-Wl,--build-id=none'];
const FLAGS = [
  ...ALL_FLAGS,
  '-ffreestanding',
  '-fno-pie',
  '-fno-stack-protector',
  '-fno-tree-loop-distribute-patterns',
  '-ffp-contract=off',
  '-nostdlib',
  '-no-pie',
  '-Wl,--no-warn-rwx-segments',
];

/** Names of the programs: the C files of guest/ that define `bench_round`. */
export function programNames({ lacks }: Target): string[] {
  return readdirSync(SOURCE)
    .filter((file) => file.endsWith('.c') && !COMMON.includes(file))
    .map((file) => file.slice(0, -2))
    .filter((name) => !lacks.includes(name))
    .sort();
}

/**
 * Compiles a program, unless the cache has what this compiler makes of these sources.
 *
 * @param target whose instructions it is of.
 * @param scale times the work.
 * @param paced work in batches, each when it is asked for.
 * @returns the ELF's path.
 * @throws BenchError without a compiler.
 */
export function compileProgram(name: string, target: Target, scale: number, paced = false): string {
  const percent = Math.max(1, Math.round(scale * 100));
  const flags = [...target.flags, ...FLAGS, `-Wl,-T,${target.name}/bench.ld`, `-DBENCH_PERCENT=${percent}`];
  if (paced) flags.push('-DBENCH_PACED');
  const files = [...COMMON, ...OF_TARGET.map((file) => `${target.name}/${file}`), `${name}.c`];
  return compiled(name, target, flags, files);
}

/**
 * Compiles a program for Linux, whose files are in a folder of guest/linux, and adds it to an initramfs.
 *
 * @returns the path of the initramfs that has it as `/bin/NAME`.
 * @throws BenchError without a compiler.
 */
export function initrdWith(name: string, initrd: string, target: Target): string {
  const files = readdirSync(join(SOURCE, 'linux', name)).map((file) => `linux/${name}/${file}`);
  const program = compiled(name, target, [...target.flags, ...ALL_FLAGS], files.sort());
  const path = `${program.slice(0, -'.elf'.length)}.cpio`;
  // A kernel unpacks one archive after the other.
  const archive = new CpioWriter().file(`bin/${name}`, readFileSync(program), 0o755).build();
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, Buffer.concat([readFileSync(initrd), archive]));
  renameSync(temporary, path);
  return path;
}

/** The ELF of files of guest/, which is in the cache unless this compiler has not made it of them yet. */
function compiled(name: string, target: Target, flags: readonly string[], files: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([compilerVersion(target), flags]));
  for (const file of files) hash.update(readFileSync(join(SOURCE, file)));
  const folder = join(cacheFolder(), 'bench');
  const program = join(folder, `${name}-${hash.digest('hex').slice(0, 16)}.elf`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const temporary = `${program}.${process.pid}.tmp`;
  const units = files.filter((file) => /\.[cS]$/.test(file));
  const { status } = spawnSync(target.compiler, [...flags, '-o', temporary, ...units], {
    cwd: SOURCE,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new BenchError(`${target.compiler} does not compile ${name}`);
  renameSync(temporary, program);
  return program;
}

/** First line of the cross compiler's version. */
function compilerVersion({ compiler, compilerPackage }: Target): string {
  try {
    const text = execFileSync(compiler, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.split('\n')[0] ?? '';
  } catch {
    throw new BenchError(`the programs are compiled by ${compiler}, which is not here (Debian: ${compilerPackage})`);
  }
}

/** What the harness prints when a program is done. */
export interface ProgramResult {
  readonly checksum: string;
  /** Seconds of the measured rounds, by the guest's clock. */
  readonly seconds: number;
  /** Instructions of the measured rounds; 0 where nothing counts them. */
  readonly instructions: number;
  /** The same of everything that the program did. */
  readonly allInstructions: number;
}

const RESULT = /^bench: rounds \d+ checksum ([0-9a-f]+) ticks (\d+) instructions (\d+) all (\d+)\r?$/m;

/** Reads the harness's line; undefined when there is none. */
export function parseResult(output: string, { ticksPerSecond }: Target): ProgramResult | undefined {
  const [, checksum, ticks, instructions, all] = RESULT.exec(output) ?? [];
  if (checksum === undefined) return undefined;
  return {
    checksum,
    seconds: Number(ticks) / ticksPerSecond,
    instructions: Number(instructions),
    allInstructions: Number(all),
  };
}
