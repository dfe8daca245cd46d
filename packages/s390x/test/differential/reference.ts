/** Runs an image on qemu-system-s390x, whose RAM is a file: after the run it holds the results. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EXECUTOR, RAM_SIZE } from './layout.ts';

const QEMU = 'qemu-system-s390x';

function probe(): { readonly version?: string; readonly missing?: string } {
  const answer = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (answer.status !== 0) return { missing: `${QEMU} is not installed (Debian: qemu-system-misc)` };
  const [, version = '0'] = /version (\d+\.\d+)/.exec(answer.stdout) ?? [];
  const [major = 0] = version.split('.').map(Number);
  // What is expected of the reference where the manual leaves a choice is true of 7.2.
  if (major !== 7) return { missing: `${QEMU} is version ${version}; the comparison knows the choices of 7.2` };
  return { version };
}

/** Version of the reference, or why there is none that can be compared with. */
export const REFERENCE = probe();

const TIMEOUT_MS = 60_000;

/** The program did not end; `ram` is what it had done. */
export class StoppedError extends Error {
  readonly ram: Uint8Array;
  constructor(ram: Uint8Array) {
    super('the program does not end');
    this.ram = ram;
  }
}

/** What the machine has besides a CPU and storage. */
export interface Configuration {
  readonly cpus?: number;
  /** As QEMU's options say them. */
  readonly devices?: readonly string[];
  /** A user at its monitor, until the machine ends. */
  readonly user?: (machine: AttendedMachine) => Promise<void>;
}

/** A machine that runs, as its user has it. */
export interface AttendedMachine {
  /** The program has ended, or did not begin. */
  readonly ended: boolean;
  /** A doubleword of storage. */
  peek(address: number): bigint;
  poke(address: number, value: bigint): void;
  /** A command of QMP. @throws Error when it is refused */
  execute(command: string, options: Readonly<Record<string, unknown>>): Promise<void>;
}

/** The RAM after the run. @throws Error when it does not end by itself */
export async function runReference(image: Uint8Array, configuration: Configuration = {}): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-difftest-'));
  try {
    const ram = join(folder, 'ram');
    const kernel = join(folder, 'kernel');
    const file = openSync(ram, 'w');
    ftruncateSync(file, RAM_SIZE);
    closeSync(file);
    writeFileSync(kernel, executable(image));
    await runQemu(ram, kernel, configuration);
    return readFileSync(ram);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An executable of one segment at address 0. */
export function executable(image: Uint8Array): Uint8Array {
  const HEADER = 64 + 56;
  const bytes = new Uint8Array(HEADER + image.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
  view.setUint16(16, 2);
  view.setUint16(18, 22);
  view.setUint32(20, 1);
  view.setBigUint64(24, BigInt(EXECUTOR));
  view.setBigUint64(32, 64n);
  view.setUint16(52, 64);
  view.setUint16(54, 56);
  view.setUint16(56, 1);
  view.setUint32(64, 1);
  view.setUint32(68, 7);
  view.setBigUint64(72, BigInt(HEADER));
  view.setBigUint64(96, BigInt(image.length));
  view.setBigUint64(104, BigInt(image.length));
  view.setBigUint64(112, 1n);
  bytes.set(image, HEADER);
  return bytes;
}

async function runQemu(ram: string, kernel: string, { cpus = 1, devices = [], user }: Configuration): Promise<void> {
  const machine = ['-M', 's390-ccw-virtio,memory-backend=ram', '-m', `${RAM_SIZE >> 20}`, '-cpu', 'max'];
  const options = [...machine, '-smp', `${cpus}`, ...devices.flatMap((device) => ['-device', device])];
  const backend = ['-object', `memory-backend-file,id=ram,size=${RAM_SIZE},mem-path=${ram},share=on`];
  const quiet = ['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults', '-kernel', kernel];
  const child = spawn(QEMU, [...options, ...backend, ...quiet, ...(user ? ['-qmp', 'stdio'] : [])]);
  const end = endOf(child, ram);
  await Promise.all([end, user && attend(child, ram, end, user)]);
}

/** Settles when the program ends: what it says by then is an error. */
function endOf(child: ChildProcessWithoutNullStreams, ram: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      if (signal !== null) reject(new StoppedError(readFileSync(ram)));
      else if (status === 0) resolve();
      else reject(new Error(`${QEMU} ended with ${status}: ${errors.trim()}`));
    });
  });
}

/** Lets a user work at QEMU's monitor. */
async function attend(
  child: ChildProcessWithoutNullStreams,
  ram: string,
  end: Promise<void>,
  user: (machine: AttendedMachine) => Promise<void>,
): Promise<void> {
  const lines = createInterface(child.stdout);
  const answers: ((line: string) => void)[] = [];
  lines.on('line', (line) => {
    if (/^\{"(return|error)"/.test(line)) answers.shift()?.(line);
  });
  const file = openSync(ram, 'r+');
  let ended = false;
  const over = (): void => {
    ended = true;
    for (const answer of answers.splice(0)) answer('{"error": "it has ended"}');
  };
  end.then(over, over);
  const word = new DataView(new ArrayBuffer(8));
  const machine: AttendedMachine = {
    get ended() {
      return ended;
    },
    peek(address) {
      readSync(file, word, 0, 8, address);
      return word.getBigUint64(0);
    },
    poke(address, value) {
      word.setBigUint64(0, value);
      writeSync(file, word, 0, 8, address);
    },
    async execute(command, options) {
      const answer = new Promise<string>((resolve) => answers.push(resolve));
      child.stdin.write(`${JSON.stringify({ execute: command, arguments: options })}\n`);
      const line = await answer;
      if (line.startsWith('{"error"')) throw new Error(`${command}: ${line}`);
    },
  };
  try {
    await machine.execute('qmp_capabilities', {});
    await user(machine);
  } finally {
    closeSync(file);
  }
}
