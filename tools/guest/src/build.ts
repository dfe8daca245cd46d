// Builds the monitor from its source, and tells whether the binary in the repository still is what the source says.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SOURCE = fileURLToPath(new URL('../monitor/', import.meta.url));
const IMAGE = fileURLToPath(new URL('../prebuilt/monitor.bin', import.meta.url));
const RECORD = fileURLToPath(new URL('../prebuilt/monitor.json', import.meta.url));

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
  '-Wl,-T,monitor.ld',
];

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
export function sourceDigest(): string {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const name of readdirSync(SOURCE).sort()) {
    hash.update(`\n${name}\n`).update(readFileSync(join(SOURCE, name), 'utf8').replaceAll('\r\n', '\n'));
  }
  return hash.digest('hex');
}

/** Compiles the monitor; the result is the raw image for address 0x80000000. */
export function compileMonitor(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-monitor-'));
  try {
    const units = readdirSync(SOURCE)
      .filter((name) => /\.[cS]$/.test(name))
      .sort();
    const program = join(folder, 'monitor.elf');
    const image = join(folder, 'monitor.bin');
    execFileSync(COMPILER, [...FLAGS, '-o', program, ...units], { cwd: SOURCE, stdio: 'inherit' });
    execFileSync(COMPILER.replace('gcc', 'objcopy'), ['-O', 'binary', program, image], { stdio: 'inherit' });
    return new Uint8Array(readFileSync(image));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The record that lies beside the binary. */
export function buildRecord(): BuildRecord {
  return JSON.parse(readFileSync(RECORD, 'utf8')) as BuildRecord;
}

/** SHA-256 of bytes, in hexadecimal. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Compiles the monitor into the repository. */
function main(): void {
  const compiler = compilerVersion();
  if (compiler === undefined) {
    console.error(`building the monitor needs ${COMPILER} (Debian: gcc-riscv64-linux-gnu)`);
    process.exit(1);
  }
  const image = compileMonitor();
  const record: BuildRecord = { compiler, sources: sourceDigest(), image: digest(image) };
  writeFileSync(IMAGE, image);
  writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  console.log(`monitor.bin: ${image.length} bytes, by ${compiler}`);
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) main();
