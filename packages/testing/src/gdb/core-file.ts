/** What real gdb reads in a machine's memory that was dumped by its page tables. */
import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { dumpGuestMemory, type Machine } from '@boardwalk/core';

/** Dumps a machine, which stands still from then on, and gives what gdb says of the file. @param core the file's name */
export async function readDump(
  machine: Machine,
  core: string,
  elf: string,
  script: readonly string[],
): Promise<string> {
  machine.pause();
  while (machine.busy) await delay(1);
  const file = await open(core, 'w');
  try {
    await dumpGuestMemory(machine, async (bytes) => void (await file.write(bytes)), { paging: true });
  } finally {
    await file.close();
  }
  const setup = ['set width 0', 'set height 0', 'set style enabled off'];
  const commands = [...setup, ...script].flatMap((line) => ['-ex', line]);
  const { stdout, stderr } = await promisify(execFile)('gdb-multiarch', [
    '-nx',
    '-q',
    '-batch',
    ...commands,
    elf,
    core,
  ]);
  return stdout + stderr;
}
