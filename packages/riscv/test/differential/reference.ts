/** Runs an image on qemu-system-riscv64, whose RAM is a file: before the run it holds the image, after it the results. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RAM_SIZE } from './layout.ts';

const QEMU = 'qemu-system-riscv64';

/** The model: what ours has and nothing else. */
const CPU = [
  'rv64,m=on,a=on,f=on,d=on,c=on,s=on,u=on,zba=on,zbb=on,zbs=on,sstc=on,pmp=on,mmu=on',
  'h=off,v=off,zbc=off,Zfh=off,Zfhmin=off,svinval=off,svnapot=off,svpbmt=off,Zihintpause=on',
  'Zicsr=on,Zifencei=on,pmu-num=0',
].join(',');

function probe(): { readonly version?: string; readonly missing?: string } {
  const answer = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (answer.status !== 0) return { missing: `${QEMU} is not installed (Debian: qemu-system-misc)` };
  const [, version = '0'] = /version (\d+\.\d+)/.exec(answer.stdout) ?? [];
  const [major = 0] = version.split('.').map(Number);
  // What is expected of the reference where the manual leaves a choice is true of 7.2, and its options change later.
  if (major !== 7) return { missing: `${QEMU} is version ${version}; the comparison knows the choices of 7.2` };
  return { version };
}

/** Version of the reference, or why there is none that can be compared with. */
export const REFERENCE = probe();

const TIMEOUT_MS = 30_000;

/** The RAM after the run. @throws Error when it does not end by itself */
export async function runReference(image: Uint8Array, harts = 1): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-difftest-'));
  try {
    const ram = join(folder, 'ram');
    const file = openSync(ram, 'w');
    ftruncateSync(file, RAM_SIZE);
    writeSync(file, image);
    closeSync(file);
    await runQemu(ram, harts);
    return readFileSync(ram);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runQemu(ram: string, harts: number): Promise<void> {
  const options = [
    '-M',
    'virt,memory-backend=ram',
    '-m',
    `${RAM_SIZE >> 20}`,
    '-cpu',
    CPU,
    '-smp',
    `${harts}`,
    '-bios',
    'none',
  ];
  const backend = ['-object', `memory-backend-file,id=ram,size=${RAM_SIZE},mem-path=${ram},share=on`];
  const quiet = ['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults'];
  return new Promise((resolve, reject) => {
    const child = spawn(QEMU, [...options, ...backend, ...quiet], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      if (status === 0) resolve();
      else if (signal !== null) reject(new StoppedError(ram));
      else reject(new Error(`${QEMU} ended with ${status}: ${errors.trim()}`));
    });
  });
}

/** The program did not end; `ram` is what it had done. */
export class StoppedError extends Error {
  readonly ram: Uint8Array;
  constructor(ram: string | Uint8Array) {
    super('the program does not end');
    this.ram = typeof ram === 'string' ? readFileSync(ram) : ram;
  }
}
