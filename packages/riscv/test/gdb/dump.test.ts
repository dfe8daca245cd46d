/** Dumps of guest memory, opened by gdb and read by readelf. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  createObjectTree,
  dumpGuestMemory,
  Machine,
  MemoryBackend,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
} from '@boardwalk/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';
import { missingTools, runGdb, serveProgram, Workshop } from './server.ts';

const MiB = 2 ** 20;

async function dump(machine: Machine, options = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const size = await dumpGuestMemory(machine, (bytes) => void parts.push(bytes.slice()), options);
  const all = new Uint8Array(Buffer.concat(parts));
  expect(size).toBe(all.length);
  return all;
}

describe.skipIf(missingTools.length > 0)('a dump of guest memory', () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  it('shows gdb registers, call stack and variables of each CPU', async () => {
    const elf = workshop.build('crt.S', 'program.c');
    const server = await serveProgram(workshop, elf);
    const live = await runGdb(server, elf, ['break factorial if n == 3', 'continue', 'bt', 'print/x $sp', 'kill']);
    const core = workshop.path('.core');
    writeFileSync(core, await dump(server.machine));
    await server.close();
    const script = ['bt', 'print/x $sp', 'print origin', 'info threads', 'x/2i $pc', 'print ratio'];
    const output = execFileSync(
      'gdb-multiarch',
      ['-nx', '-q', '-batch', ...script.flatMap((line) => ['-ex', line]), elf, core],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const line of live.split('\n').filter((text) => /^(#\d|\$1 = )/.test(text))) expect(output).toContain(line);
    expect(output).toContain('{x = 3, y = 4}');
    expect(output).toMatch(/LWP 1\b[\s\S]*LWP 2\b/);
    expect(output).toContain('1.5');
  });

  it('has a segment for each range of RAM, and what was asked of it', async () => {
    const machine = await Machine.create(virt, { ramSize: 16 * MiB, firmware: 'none' });
    machine.addressSpace.writeBytes(0x8040_0000, Uint8Array.of(1, 2, 3, 4));
    const core = workshop.path('.core');
    writeFileSync(core, await dump(machine, { begin: 0x8040_0000, length: MiB }));
    const text = execFileSync('riscv64-linux-gnu-readelf', ['-hlW', core], { encoding: 'utf8' });
    expect(text).toMatch(/Type: +CORE[\s\S]*Machine: +RISC-V/);
    expect(text.match(/LOAD .*/g)).toEqual([
      expect.stringMatching(/0x0000000080400000 0x0000000080400000 0x100000 0x100000/),
    ]);
    const bytes = readFileSync(core);
    expect([...bytes.subarray(bytes.length - MiB, bytes.length - MiB + 4)]).toEqual([1, 2, 3, 4]);
    await expect(dump(machine, { begin: 0x1_0000_0000 })).rejects.toThrow('dump: there is no RAM in this range');
    await machine.dispose();
  });

  it('leaves out backends with dump=off', async () => {
    const space = RamSpace.create();
    const types = new TypeRegistry();
    registerMemoryBackends(types, space);
    const root = createObjectTree();
    const parent = root.children.get('objects');
    const backend = types.create(
      'memory-backend-ram',
      { size: 16 * MiB },
      { id: 'm', scope: root, ...(parent && { parent }) },
    );
    const machine = await Machine.create(virt, {
      root,
      space,
      memoryBackend: 'm',
      ramSize: 16 * MiB,
      firmware: 'none',
    });
    expect(backend).toBeInstanceOf(MemoryBackend);
    const whole = await dump(machine);
    // As `dump=off` does on a host that has real mappings.
    Object.defineProperty(backend, 'dump', { get: () => false });
    const rest = await dump(machine);
    expect(whole.length - rest.length).toBe(16 * MiB + 56);
    await machine.dispose();
  });
});
