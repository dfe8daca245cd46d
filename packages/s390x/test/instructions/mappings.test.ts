/** What `info tlb`, `info mem` and dumps by page tables show of a space is what instructions find in it, address by address. */
import { Machine, type VirtualRange } from '@boardwalk/core';
import { Random } from '@boardwalk/testing';
import { expect, test } from 'vitest';
import type { S390Cpu } from '../../src/cpu/s390-cpu.ts';
import { RAM_SIZE, SCRATCH, TABLES } from '../differential/layout.ts';
import { bareBoard } from '../differential/subject.ts';

const PAGE = 4096n;
const [DAT, HOME, EXTENDED] = [1n << 58n, 3n << 46n, 3n << 31n];
const EDAT = 1n << 23n;
const [SEGMENTS, REGIONS, PAGES] = [TABLES, TABLES + 0x1_0000, TABLES + 0x2_0000];

/** Puts an entry of a table into storage. */
function poke({ space, addressSpace }: Machine, address: number, entry: bigint): void {
  space.view.setBigUint64(addressSpace.hostOffset(address, 8, true), entry);
}

async function withCpu(use: (machine: Machine, cpu: S390Cpu) => void | Promise<void>): Promise<void> {
  let cpu: S390Cpu | undefined;
  const machine = await Machine.create(
    bareBoard((one) => {
      cpu = one;
    }),
    { ramSize: RAM_SIZE },
  );
  machine.reset('host');
  if (cpu === undefined) throw new Error('no CPU');
  await use(machine, cpu);
  await machine.dispose();
}

function setControl(cpu: S390Cpu, number: number, value: bigint): void {
  let at = 0;
  for (const { registers } of cpu.debug.description.features) {
    for (const { name } of registers) {
      if (name === `cr${number}`) expect(cpu.debug.writeRegister(at, value)).toBe(true);
      at++;
    }
  }
}

/** Where a virtual address leads, of ranges in their order. */
function found(ranges: readonly VirtualRange[], va: bigint): number | undefined {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined || va < range.va) high = middle;
    else if (va >= range.va + range.size) low = middle + 1;
    else return Number(range.pa + va - range.va);
  }
  return undefined;
}

/** Addresses around edges of what is mapped, and of what could be. */
function addresses(ranges: readonly VirtualRange[]): bigint[] {
  const some = ranges.filter((_, n) => n % Math.ceil(ranges.length / 500) === 0);
  const edges = some.flatMap(({ va, size }) => [va, va + size]);
  const steps = Array.from({ length: 64 }, (_, n) => [BigInt(n) << 12n, BigInt(n) << 20n, BigInt(n) << 29n]).flat();
  return [...edges, ...steps].flatMap((edge) => [edge - 1n, edge, edge + 0x123n]).filter((va) => va >= 0n);
}

test.each([
  ['with enhanced DAT', EDAT, 0],
  ['without', 0n, 0],
  ['with a prefix', EDAT, SCRATCH],
])('tables of all kinds, %s', async (_, control, area) => {
  await withCpu((machine, cpu) => {
    const random = new Random(area + Number(control));
    // Pages that follow one another, others anywhere, some of them closed or not there.
    for (let table = 0; table < 4; table++) {
      for (let n = 0; n < 256; n++) {
        const flags = [0x400n, 0x800n, 0x200n, 0n, 0n, 0n, 0n, 0n][random.below(8)] ?? 0n;
        const frame = random.below(3) === 0 ? BigInt(random.below(RAM_SIZE / 4096)) : BigInt(n);
        poke(machine, PAGES + table * 2048 + n * 8, (frame * PAGE) | flags);
      }
    }
    for (let n = 0; n < 2048; n++) {
      const pages = BigInt(PAGES + random.below(4) * 2048);
      const kinds = [pages, pages | 0x20n, pages | 0x200n, (BigInt(random.below(64)) << 20n) | 0x400n, pages | 4n];
      poke(machine, SEGMENTS + n * 8, n < 24 ? (kinds[random.below(kinds.length)] ?? 0n) : 0x20n);
      const table = BigInt(SEGMENTS) | 4n;
      // Tables of all lengths and offsets, and frames of 2 GiB.
      const regions = [table | 3n, table, table | 0x40n, table | 0x43n, table | 0x20n, 0x404n | 0x200n, 3n];
      poke(machine, REGIONS + n * 8, n < 12 ? (regions[n % 7] ?? 0n) : 0x24n);
    }
    cpu.setPrefix(area);
    setControl(cpu, 0, control);
    const spaces = [BigInt(SEGMENTS), BigInt(SEGMENTS) | 3n, BigInt(REGIONS) | 7n, BigInt(REGIONS) | 5n];
    for (const asce of spaces) {
      for (const [mask, register] of [
        [DAT | EXTENDED, 1],
        [DAT | HOME | EXTENDED, 13],
      ] as const) {
        setControl(cpu, register, asce);
        cpu.setPsw(mask, 0n);
        const ranges = cpu.mappings() ?? [];
        expect(ranges.length).toBeGreaterThan(100);
        const wrong = addresses(ranges).filter((va) => found(ranges, va) !== cpu.debug.physicalAddress(va));
        expect(wrong.map((va) => va.toString(16))).toEqual([]);
        setControl(cpu, register, 0n);
      }
    }
  });
});

test('what is shown: addresses, sizes and rights, and nothing where nothing is translated', async () => {
  await withCpu((machine, cpu) => {
    expect([cpu.mappings(), cpu.formatMappings()]).toEqual([undefined, undefined]);
    for (let n = 0; n < 512; n++) poke(machine, SEGMENTS + n * 8, 0x20n);
    for (let n = 0; n < 256; n++) poke(machine, PAGES + n * 8, 0x400n);
    poke(machine, SEGMENTS + 8, BigInt(PAGES));
    for (const [n, entry] of [0x30_0000n, 0x30_1000n, 0x30_2200n].entries()) poke(machine, PAGES + n * 8, entry);
    setControl(cpu, 1, BigInt(SEGMENTS));
    cpu.setPsw(DAT | EXTENDED, 0n);
    expect(cpu.formatMappings()).toBe(
      `${[
        'vaddr            paddr            size             attr',
        '---------------- ---------------- ---------------- ----',
        '0000000000100000 0000000000300000 0000000000002000 rw',
        '0000000000102000 0000000000302000 0000000000001000 r-',
      ].join('\n')}\n`,
    );
    setControl(cpu, 1, BigInt(SEGMENTS) | 0x20n);
    expect(cpu.mappings()).toBeUndefined();
  });
});

test('tables that lead to themselves come to an end', async () => {
  await withCpu((machine, cpu) => {
    const [first, second, third] = [REGIONS, REGIONS + 0x4000, REGIONS + 0x8000];
    for (let n = 0; n < 2048; n++) {
      poke(machine, first + n * 8, BigInt(second) | 0xfn);
      poke(machine, second + n * 8, BigInt(third) | 0xbn);
      poke(machine, third + n * 8, BigInt(SEGMENTS) | 7n);
      poke(machine, SEGMENTS + n * 8, BigInt(SEGMENTS));
    }
    setControl(cpu, 1, BigInt(first) | 0xfn);
    cpu.setPsw(DAT | EXTENDED, 0n);
    const text = cpu.formatMappings() ?? '';
    expect(text.slice(-60)).toMatch(/\n\(only what is in the first 524288 entries is shown\)\n$/);
  });
}, 60_000);
