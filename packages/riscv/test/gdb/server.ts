/** A `virt` machine with a bare program that waits for gdb on a Unix socket, on Boardwalk and on QEMU. */
import { readFileSync } from 'node:fs';
import { type MachineOptions, TypeRegistry } from '@boardwalk/core';
import { MonitorEvents } from '@boardwalk/monitor';
import { type GdbOptions, serveGdb } from '@boardwalk/monitor/gdb';
import {
  type BoardwalkServer,
  type GdbServer,
  type GdbTarget,
  GdbWorkshop,
  gdbKit,
  serveForGdb,
} from '@boardwalk/testing';
import { virt } from '../../src/boards/virt.ts';

export type { BoardwalkServer, GdbServer };

const TARGET: GdbTarget = {
  architecture: 'riscv:rv64',
  compiler: 'riscv64-linux-gnu-gcc',
  flags: [
    ['-g', '-O1', '-fno-pic', '-no-pie', '-mcmodel=medany', '-march=rv64gc', '-mabi=lp64d'],
    ['-ffreestanding', '-nostdlib', '-static', '-Wl,-Ttext=0x80000000', '-Wl,-N', '-Wl,--build-id=none'],
    ['-Wl,--no-warn-rwx-segments'],
  ].flat(),
  qemu: 'qemu-system-riscv64',
  qemuMachine: ['-M', 'virt', '-smp', '2', '-bios', 'none'],
};

export const { missingTools, serveOnQemu, runGdb } = gdbKit(TARGET);

/** A folder for sockets, and programs of files beside this one. */
export class Workshop extends GdbWorkshop {
  constructor() {
    super(TARGET, import.meta.dirname);
  }
}

/** Starts a machine, stopped, with a debugger's socket. */
export function serveMachine(socket: string, options: MachineOptions, gdb: GdbOptions = {}): Promise<BoardwalkServer> {
  return serveForGdb(virt, socket, options, ({ line, ...debugged }) => {
    const program = { name: 'boardwalk-system-riscv64', arch: 'riscv64', version: '0' };
    return serveGdb({ ...program, ...debugged, events: new MonitorEvents(), types: new TypeRegistry() }, line, gdb);
  });
}

/** Starts a program on Boardwalk. */
export function serveProgram(workshop: Workshop, elf: string, gdb: GdbOptions = {}): Promise<BoardwalkServer> {
  const firmware = new Uint8Array(readFileSync(elf));
  return serveMachine(workshop.path('.sock'), { firmware, smp: { cpus: 2 } }, gdb);
}
