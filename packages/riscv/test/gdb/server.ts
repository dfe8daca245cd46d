/** A `virt` machine with a bare program that waits for gdb on a Unix socket, on Boardwalk and on QEMU. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createObjectTree, Machine, type MachineOptions, TypeRegistry } from '@boardwalk/core';
import { SocketChar } from '@boardwalk/host-node';
import { MonitorEvents } from '@boardwalk/monitor';
import { type GdbOptions, serveGdb } from '@boardwalk/monitor/gdb';
import { virt } from '../../src/boards/virt.ts';

const GCC = 'riscv64-linux-gnu-gcc';
const GDB = 'gdb-multiarch';
const QEMU = 'qemu-system-riscv64';
const FLAGS = [
  ['-g', '-O1', '-fno-pic', '-no-pie', '-mcmodel=medany', '-march=rv64gc', '-mabi=lp64d'],
  ['-ffreestanding', '-nostdlib', '-static', '-Wl,-Ttext=0x80000000', '-Wl,-N', '-Wl,--build-id=none'],
  ['-Wl,--no-warn-rwx-segments'],
].flat();

/** Tools of these tests that are not installed. */
export const missingTools = [GCC, GDB, QEMU].filter((tool) => spawnSync(tool, ['--version']).status !== 0);

/** A folder for programs and sockets; ends with the tests. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'boardwalk-gdb-'));
  #names = 0;

  path(suffix: string): string {
    return join(this.folder, `${this.#names++}${suffix}`);
  }

  /** Builds a program of files beside this one. */
  build(...sources: readonly string[]): string {
    const elf = this.path('.elf');
    // Names of files in debug information are those given here: gdb shows them.
    execFileSync(GCC, [...FLAGS, ...sources, '-o', elf], { cwd: import.meta.dirname });
    return elf;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Something that gdb can debug. */
export interface GdbServer {
  readonly socket: string;
  close(): Promise<void>;
}

export interface BoardwalkServer extends GdbServer {
  readonly machine: Machine;
  /** Times that a debugger ended the program. */
  readonly quits: number;
}

/** Starts a machine, stopped, with a debugger's socket. */
export async function serveMachine(
  socket: string,
  options: MachineOptions,
  gdb: GdbOptions = {},
): Promise<BoardwalkServer> {
  const root = createObjectTree();
  const machine = await Machine.create(virt, { paused: true, ...options, root });
  const line = new SocketChar({ kind: 'unix', path: socket }, { server: true, wait: false });
  let quits = 0;
  const emulator = {
    name: 'boardwalk-system-riscv64',
    arch: 'riscv64',
    version: '0',
    events: new MonitorEvents(),
    root,
    types: new TypeRegistry(),
    machine,
    quit: () => {
      quits++;
      machine.shutdown();
    },
  };
  const service = serveGdb(emulator, line, gdb);
  await line.begin();
  machine.start();
  return {
    machine,
    socket,
    get quits() {
      return quits;
    },
    async close() {
      service.close();
      line.close();
      await machine.dispose();
    },
  };
}

/** Starts a program on Boardwalk. */
export function serveProgram(workshop: Workshop, elf: string, gdb: GdbOptions = {}): Promise<BoardwalkServer> {
  const firmware = new Uint8Array(readFileSync(elf));
  return serveMachine(workshop.path('.sock'), { firmware, smp: { cpus: 2 } }, gdb);
}

/** Starts the same program on QEMU. */
export async function serveOnQemu(workshop: Workshop, elf: string): Promise<GdbServer> {
  const socket = workshop.path('.sock');
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none', '-bios', 'none'];
  const line = ['-chardev', `socket,id=gdb,path=${socket},server=on,wait=off`, '-gdb', 'chardev:gdb'];
  const child = spawn(QEMU, ['-M', 'virt', '-smp', '2', ...quiet, '-kernel', elf, '-S', ...line], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  while (!existsSync(socket) && child.exitCode === null) await delay(20);
  return {
    socket,
    close: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Runs gdb with a script, and gives what it printed: first all of its output, then its errors. `interruptAt`: presses Ctrl-C when this has been printed. */
export async function runGdb(
  server: GdbServer,
  elf: string | undefined,
  script: readonly string[],
  interruptAt?: string,
): Promise<string> {
  const setup = [
    'set remotetimeout 30',
    'set confirm off',
    'set width 0',
    'set height 0',
    'set architecture riscv:rv64',
    'set style enabled off',
  ];
  const commands = [...setup, `target remote ${server.socket}`, ...script];
  const child: ChildProcess = spawn(
    GDB,
    ['-nx', '-q', '-batch', ...commands.flatMap((command) => ['-ex', command]), ...(elf === undefined ? [] : [elf])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let errors = '';
  let interrupted = interruptAt === undefined;
  const take = (data: Buffer): void => {
    output += data.toString();
    if (interrupted || interruptAt === undefined || !output.includes(interruptAt)) return;
    interrupted = true;
    // gdb has printed this, and sets the program going next.
    setTimeout(() => child.kill('SIGINT'), 700);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  return output + errors;
}
