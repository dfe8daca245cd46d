// Builds the guests from their source, and tells whether the binaries in the repository still are what the source says.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Each is a folder of C and assembly with a linker script of its name. */
export const GUESTS = ['monitor', 'memory-driver'] as const;
export type Guest = (typeof GUESTS)[number];

const sourceOf = (guest: Guest): string => fileURLToPath(new URL(`../${guest}/`, import.meta.url));
const prebuilt = (name: string): string => fileURLToPath(new URL(`../prebuilt/${name}`, import.meta.url));

const COMPILER = 'riscv64-linux-gnu-gcc';
const FLAGS = [
  '-march=rv64imac_zicsr',
  '-mabi=lp64',
  '-mcmodel=medany',
  '-std=gnu17',
  '-Os',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-pie',
  '-ffunction-sections',
  '-fdata-sections',
  '-nostdlib',
  '-static',
  '-no-pie',
  '-Wl,--gc-sections',
  '-Wl,--build-id=none',
  '-Wl,--no-warn-rwx-segments',
];
const flagsOf = (guest: Guest): string[] => [...FLAGS, `-Wl,-T,${guest}.ld`];

/** How the binary in the repository was made. */
export interface BuildRecord {
  /** First line of `gcc --version`. */
  readonly compiler: string;
  /** {@link sourceDigest} at that time. */
  readonly sources: string;
  /** SHA-256 of the binary. */
  readonly image: string;
}

/** First line of the cross compiler's version; undefined when it is not installed. */
export function compilerVersion(): string | undefined {
  try {
    const version = execFileSync(COMPILER, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return version.split('\n')[0];
  } catch {
    return undefined;
  }
}

/** SHA-256 over the compiler's flags and every source file. */
export function sourceDigest(guest: Guest): string {
  const hash = createHash('sha256').update(flagsOf(guest).join(' '));
  const source = sourceOf(guest);
  for (const name of readdirSync(source).sort()) {
    hash.update(`\n${name}\n`).update(readFileSync(join(source, name), 'utf8').replaceAll('\r\n', '\n'));
  }
  return hash.digest('hex');
}

/** Compiles a guest; the result is the raw image for address 0x80000000. */
export function compileGuest(guest: Guest): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-guest-'));
  const source = sourceOf(guest);
  try {
    const units = readdirSync(source)
      .filter((name) => /\.[cS]$/.test(name))
      .sort();
    const program = join(folder, 'guest.elf');
    const image = join(folder, 'guest.bin');
    execFileSync(COMPILER, [...flagsOf(guest), '-o', program, ...units], { cwd: source, stdio: 'inherit' });
    execFileSync(COMPILER.replace('gcc', 'objcopy'), ['-O', 'binary', program, image], { stdio: 'inherit' });
    return new Uint8Array(readFileSync(image));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The record that lies beside the binary. */
export function buildRecord(guest: Guest): BuildRecord {
  return JSON.parse(readFileSync(prebuilt(`${guest}.json`), 'utf8')) as BuildRecord;
}

/** SHA-256 of bytes, in hexadecimal. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Compiles the guests into the repository. */
function main(): void {
  const compiler = compilerVersion();
  if (compiler === undefined) {
    console.error(`building the guests needs ${COMPILER} (Debian: gcc-riscv64-linux-gnu)`);
    process.exit(1);
  }
  for (const guest of GUESTS) {
    const image = compileGuest(guest);
    const record: BuildRecord = { compiler, sources: sourceDigest(guest), image: digest(image) };
    writeFileSync(prebuilt(`${guest}.bin`), image);
    writeFileSync(prebuilt(`${guest}.json`), `${JSON.stringify(record, null, 2)}\n`);
    console.log(`${guest}.bin: ${image.length} bytes, by ${compiler}`);
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) main();
