// The tables against a reader of our own, and against ACPICA's disassembler (Debian's acpica-tools) where it is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FdtBuilder, parseFdt } from '@boardwalk/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDistanceMap,
  addMemoryNodes,
  buildHmat,
  buildNuma,
  buildSlit,
  buildSrat,
  layOutCpus,
  type NumaConfiguration,
  type NumaOption,
  parseNuma,
} from './index.ts';

const iasl = spawnSync('iasl', ['-v']).status === 0;
const board = { cpus: layOutCpus('test-cpu', { sockets: 2 }), hmat: true };
const memory = { ramSize: 2 ** 27, backendSize: () => 2 ** 26 };
const NODES: readonly NumaOption[] = [
  parseNuma('node,memdev=a,cpus=0-1'),
  parseNuma('node,memdev=b,initiator=0'),
  parseNuma('dist,src=0,dst=1,val=17'),
];

function configuration(...options: readonly NumaOption[]): NumaConfiguration {
  return buildNuma(board, [...NODES, ...options], memory);
}

function disassemble(table: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-acpi-'));
  try {
    writeFileSync(join(folder, 'table.dat'), table);
    const run = spawnSync('iasl', ['-d', 'table.dat'], { cwd: folder });
    if (run.status !== 0) throw new Error(run.stderr.toString());
    return run.stderr.toString() + readFileSync(join(folder, 'table.dsl'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const srat = buildSrat(
  [
    { kind: 'apic', id: 3, node: 0x102 },
    { kind: 'apic', id: 300, node: 1 },
    { kind: 'gicc', id: 7, node: 1 },
  ],
  [{ node: 1, base: 2 ** 32, size: 2 ** 33, hotPluggable: true }],
);
const cached = configuration(
  parseNuma('hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=120'),
  parseNuma('hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-bandwidth,bandwidth=6G'),
  parseNuma('hmat-cache,node-id=1,size=1M,level=1,associativity=direct,policy=write-back,line=64'),
);

/** The entries of the only latency or bandwidth structure: initiator 0 to each target, in the user's unit. */
function readEntries(hmat: Uint8Array): number[] {
  const view = new DataView(hmat.buffer);
  let at = 40;
  while (view.getUint16(at, true) !== 1) at += view.getUint32(at + 4, true);
  const [initiators, targets] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  const latency = view.getUint8(at + 9) < 3;
  const unit = Number(view.getBigUint64(at + 24, true)) * (latency ? 1e-3 : 2 ** 20);
  const entries = at + 32 + 4 * (initiators + targets);
  return Array.from({ length: targets }, (_, i) => Math.round(view.getUint16(entries + 2 * i, true) * unit));
}

describe('tables', () => {
  it.each([
    ['SRAT', srat],
    ['SLIT', buildSlit(cached)],
    ['HMAT', buildHmat(cached)],
  ])('%s: name, length, checksum', (name, table) => {
    expect(new TextDecoder().decode(table.subarray(0, 4))).toBe(name);
    expect(new DataView(table.buffer).getUint32(4, true)).toBe(table.length);
    expect(table.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
  });

  it('SLIT holds the distances, or 10 and 20', () => {
    expect([...buildSlit(cached).subarray(36)]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 10, 17, 17, 10]);
    expect([...buildSlit({ ...cached, distances: undefined }).subarray(44)]).toEqual([10, 20, 20, 10]);
  });

  it('HMAT: what was accepted comes out again', () => {
    const entry = fc.tuple(fc.integer({ min: 0, max: 65534 }), fc.integer({ min: 0, max: 65534 }));
    const factor = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(entry, fc.integer({ min: 0, max: 6 }), factor, fc.boolean(), (values, power, times, latency) => {
        const unit = times * (latency ? 10 ** power : 2 ** (20 + power));
        const options = values.map((value, target): NumaOption => {
          const pair = { type: 'hmat-lb', initiator: 0, target, hierarchy: 'memory' } as const;
          return latency
            ? { ...pair, dataType: 'access-latency', latency: value * unit }
            : { ...pair, dataType: 'access-bandwidth', bandwidth: value * unit };
        });
        expect(readEntries(buildHmat(configuration(...options)))).toEqual(values.map((value) => value * unit));
      }),
    );
  });
});

describe.skipIf(!iasl)("ACPICA's disassembler reads", () => {
  it('SRAT', () => {
    const text = disassemble(srat);
    expect(text).not.toMatch(/error|invalid|unknown|incorrect/i);
    for (const line of [
      /Proximity Domain Low\(8\) : 02/,
      /Apic ID : 03/,
      /Proximity Domain High\(24\) : 000001/,
      /Apic ID : 0000012C/i,
      /Acpi Processor UID : 00000007/,
      /Base Address : 0000000100000000/,
      /Address Length : 0000000200000000/,
      /Hot Pluggable : 1/,
    ]) {
      expect(text).toMatch(line);
    }
  });

  it('HMAT', () => {
    const text = disassemble(buildHmat(cached));
    expect(text).not.toMatch(/error|invalid|unknown|incorrect/i);
    for (const line of [
      /Entry Base Unit : 0000000000002710/,
      /Entry : 000C/,
      /Entry Base Unit : 0000000000000800/,
      /Entry : 0003/,
      /Memory Side Cache Size : 0000000000100000/,
      /Cache Attributes .*: 00401111/,
    ]) {
      expect(text).toMatch(line);
    }
  });
});

it('device tree: a memory node for each, and the distances', () => {
  const tree = new FdtBuilder();
  addMemoryNodes(tree, 0x8000_0000, cached);
  addDistanceMap(tree, cached);
  const root = parseFdt(tree.build());
  expect(root.find('/memory@84000000')?.cells('numa-node-id')).toEqual([1]);
  expect(root.find('/memory@84000000')?.cells('reg')).toEqual([0, 0x8400_0000, 0, 0x400_0000]);
  expect(root.find('/distance-map')?.cells('distance-matrix')).toEqual([0, 0, 10, 0, 1, 17, 1, 0, 17, 1, 1, 10]);
});
