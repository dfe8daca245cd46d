/** A mainframe with a bare program that waits for gdb on a Unix socket, on Boardwalk and on QEMU. */
import { readFileSync } from 'node:fs';
import { type MachineOptions, MiB, TypeRegistry } from '@boardwalk/core';
import { MonitorEvents } from '@boardwalk/monitor';
import { serveGdb } from '@boardwalk/monitor/gdb';
import {
  type BoardwalkServer,
  type GdbServer,
  type GdbTarget,
  GdbWorkshop,
  gdbKit,
  serveForGdb,
} from '@boardwalk/testing';
import { s390CcwVirtio } from '../../src/index.ts';

export type { GdbServer };

const TARGET: GdbTarget = {
  architecture: 's390:64-bit',
  compiler: 's390x-linux-gnu-gcc',
  flags: [
    ['-g', '-O1', '-fno-pic', '-no-pie', '-march=z196', '-m64', '-ffreestanding', '-nostdlib', '-static'],
    ['-Wl,-Ttext=0x20000', '-Wl,-N', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
  ].flat(),
  qemu: 'qemu-system-s390x',
  qemuMachine: ['-M', 's390-ccw-virtio', '-m', '64'],
};

export const { missingTools, serveOnQemu, runGdb } = gdbKit(TARGET);

/** A folder for sockets, and programs of files beside this one. */
export class Workshop extends GdbWorkshop {
  constructor() {
    super(TARGET, import.meta.dirname);
  }
}

/** Starts a machine, stopped, with a debugger's socket. */
export function serveMachine(socket: string, options: MachineOptions): Promise<BoardwalkServer> {
  return serveForGdb(s390CcwVirtio, socket, options, ({ line, ...debugged }) => {
    const program = { name: 'boardwalk-system-s390x', arch: 's390x', version: '0' };
    return serveGdb({ ...program, ...debugged, events: new MonitorEvents(), types: new TypeRegistry() }, line);
  });
}

/** Starts a program on Boardwalk. */
export function serveProgram(workshop: Workshop, elf: string): Promise<BoardwalkServer> {
  return serveMachine(workshop.path('.sock'), { ramSize: MiB(64), kernel: new Uint8Array(readFileSync(elf)) });
}
