/** Real gdb on guests, and on the same guests in QEMU: programs, sockets, scripts. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BoardDefinition, createObjectTree, Machine, type MachineOptions } from '@boardwalk/core';
import { SocketChar } from '@boardwalk/host-node';
import { connectWhenListening } from '../connect.ts';

const GDB = 'gdb-multiarch';

/** What bare programs of an architecture are made with, and run on. */
export interface GdbTarget {
  /** gdb's name of the architecture: `riscv:rv64`. */
  readonly architecture: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  /** QEMU's program, and its options for the machine that a program runs on. */
  readonly qemu: string;
  readonly qemuMachine: readonly string[];
}

/** What the tests of one target use: its tools, the same program on QEMU, and gdb with a script. */
export function gdbKit(target: GdbTarget) {
  return {
    /** Tools of these tests that are not installed. */
    missingTools: missingGdbTools(target),
    /** Starts a program on QEMU, stopped. */
    serveOnQemu: (workshop: GdbWorkshop, elf: string): Promise<GdbServer> =>
      serveOnQemu(target, workshop.path('.sock'), elf),
    /** Runs gdb with a script, and gives what it printed. `interruptAt`: presses Ctrl-C when this has been printed. */
    runGdb: (
      server: GdbServer,
      elf: string | undefined,
      script: readonly string[],
      interruptAt?: string,
    ): Promise<string> => runGdbScript(target, server, elf, script, interruptAt),
  };
}

function missingGdbTools({ compiler, qemu }: GdbTarget): string[] {
  return [compiler, GDB, qemu].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
}

/** A folder for programs and sockets; ends with the tests. */
export class GdbWorkshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'boardwalk-gdb-'));
  readonly #target: GdbTarget;
  readonly #sources: string;
  #names = 0;

  /** @param sources folder of the programs' sources */
  constructor(target: GdbTarget, sources: string) {
    this.#target = target;
    this.#sources = sources;
  }

  path(suffix: string): string {
    return join(this.folder, `${this.#names++}${suffix}`);
  }

  /** Builds a program. */
  build(...sources: readonly string[]): string {
    const { compiler, flags } = this.#target;
    const elf = this.path('.elf');
    // Names of files in debug information are those given here: gdb shows them.
    execFileSync(compiler, [...flags, ...sources, '-o', elf], { cwd: this.#sources });
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

/** A machine that a debugger's service is to be put to. */
export interface DebuggedMachine {
  readonly root: ReturnType<typeof createObjectTree>;
  readonly machine: Machine;
  readonly line: SocketChar;
  /** A debugger ends the program. */
  readonly quit: () => void;
}

/** Starts a machine, stopped, with a debugger's socket. @param attach starts the service of the line, and gives what ends it */
export async function serveForGdb(
  board: BoardDefinition,
  socket: string,
  options: MachineOptions,
  attach: (debugged: DebuggedMachine) => { close(): void },
): Promise<BoardwalkServer> {
  const root = createObjectTree();
  const machine = await Machine.create(board, { paused: true, ...options, root });
  const line = new SocketChar({ kind: 'unix', path: socket }, { server: true, wait: false });
  let quits = 0;
  const quit = (): void => {
    quits++;
    machine.shutdown();
  };
  const service = attach({ root, machine, line, quit });
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

/** Starts a program on QEMU, stopped. */
async function serveOnQemu(target: GdbTarget, socket: string, elf: string): Promise<GdbServer> {
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none'];
  const line = ['-chardev', `socket,id=gdb,path=${socket},server=on,wait=off`, '-gdb', 'chardev:gdb'];
  const child = spawn(target.qemu, [...target.qemuMachine, ...quiet, '-kernel', elf, '-S', ...line], {
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const early = ended.then(() => Promise.reject(new Error(`${target.qemu} ended with status ${child.exitCode}`)));
  (await Promise.race([connectWhenListening(socket), early])).destroy();
  early.catch(() => {});
  return {
    socket,
    close: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/**
 * Runs gdb with a script, and gives what it printed: first all of its output, then its errors.
 * @param interruptAt presses Ctrl-C when this has been printed
 */
async function runGdbScript(
  { architecture }: GdbTarget,
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
    `set architecture ${architecture}`,
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
