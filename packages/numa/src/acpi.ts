// ACPI tables about NUMA, as bytes. ACPI Specification 6.4: header 5.2.6, SRAT 5.2.16, SLIT 5.2.17, HMAT 5.2.27.
import {
  ASSOCIATIVITIES,
  DATA_TYPES,
  HIERARCHIES,
  type HmatCacheOption,
  type HmatMatrix,
  type NumaConfiguration,
  WRITE_POLICIES,
} from '@boardwalk/core';
import { ByteList } from './byte-list.ts';
import { defaultDistances } from './distance.ts';
import { commonUnit, isLatency } from './hmat-data.ts';

const HEADER_BYTES = 36;
const CHECKSUM_OFFSET = 9;
const PS_PER_NS = 1000;
const BYTES_PER_MIB = 2 ** 20;

/** Who made the tables. */
export interface AcpiIds {
  /** Six characters. */
  readonly oemId: string;
  /** Eight characters. */
  readonly oemTableId: string;
}

const IDS: AcpiIds = { oemId: 'BWALK ', oemTableId: 'BOARDWLK' };

function table(signature: string, revision: number, body: ByteList, { oemId, oemTableId }: AcpiIds): Uint8Array {
  const out = new ByteList();
  out
    .text(signature, 4)
    .u32(HEADER_BYTES + body.length)
    .u8(revision)
    .u8(0)
    .text(oemId, 6)
    .text(oemTableId, 8);
  out.u32(1).text('BWLK', 4).u32(1).bytes(body.finish());
  const bytes = out.finish();
  bytes[CHECKSUM_OFFSET] = -bytes.reduce((sum, byte) => sum + byte, 0);
  return bytes;
}

/** How a CPU is named to the operating system. */
export interface SratCpu {
  /** `apic`: x86, any id; `gicc`: Arm, the ACPI processor UID. */
  readonly kind: 'apic' | 'gicc';
  readonly id: number;
  readonly node: number;
}

/** A range of physical addresses of a node. */
export interface SratMemory {
  readonly node: number;
  readonly base: number;
  /** Bytes. */
  readonly size: number;
  readonly hotPluggable?: boolean;
  readonly nonVolatile?: boolean;
}

/** Static (System) Resource Affinity Table, revision 3. */
export function buildSrat(cpus: readonly SratCpu[], memory: readonly SratMemory[], ids = IDS): Uint8Array {
  const body = new ByteList().u32(1).u64(0);
  for (const { kind, id, node } of cpus) {
    // 5.2.16.4 GICC, 5.2.16.1 local APIC (8-bit ids), 5.2.16.3 local x2APIC.
    if (kind === 'gicc') body.u8(3).u8(18).u32(node).u32(id).u32(1).u32(0);
    else if (id < 255) {
      body.u8(0).u8(16).u8(node).u8(id).u32(1).u8(0);
      for (const shift of [8, 16, 24]) body.u8(node >>> shift);
      body.u32(0);
    } else body.u8(2).u8(24).u16(0).u32(node).u32(id).u32(1).u32(0).u32(0);
  }
  for (const { node, base, size, hotPluggable, nonVolatile } of memory) {
    const flags = 1 | (hotPluggable === true ? 2 : 0) | (nonVolatile === true ? 4 : 0);
    body.u8(1).u8(40).u32(node).u16(0).u64(base).u64(size).u32(0).u32(flags).u64(0);
  }
  return table('SRAT', 3, body, ids);
}

/** System Locality Information Table, revision 1; where no distance was said, 10 and 20. */
export function buildSlit({ nodes, distances }: NumaConfiguration, ids = IDS): Uint8Array {
  const body = new ByteList().u64(nodes.length);
  for (const row of distances ?? defaultDistances(nodes.length)) for (const distance of row) body.u8(distance);
  return table('SLIT', 1, body, ids);
}

/** Heterogeneous Memory Attribute Table, revision 2. @throws Error if the configuration has no HMAT */
export function buildHmat({ nodes, hmat }: NumaConfiguration, ids = IDS): Uint8Array {
  if (hmat === undefined) throw new Error('the machine has no HMAT');
  const body = new ByteList().u32(0);
  for (const { id, initiator } of nodes) {
    // 5.2.27.3: Memory Proximity Domain Attributes; flag 0: the initiator is valid.
    body
      .u16(0)
      .u16(0)
      .u32(40)
      .u16(initiator === undefined ? 0 : 1)
      .u16(0);
    body
      .u32(initiator ?? 0)
      .u32(id)
      .u32(0)
      .u64(0)
      .u64(0);
  }
  const initiators = nodes.filter(({ cpus }) => cpus.length > 0).map(({ id }) => id);
  const targets = nodes.map(({ id }) => id);
  for (const matrix of hmat.matrices) localityInformation(body, matrix, initiators, targets);
  for (const cache of hmat.caches) sideCache(body, cache, hmat.caches);
  return table('HMAT', 2, body, ids);
}

/** 5.2.27.4: System Locality Latency and Bandwidth Information. */
function localityInformation(
  body: ByteList,
  { hierarchy, dataType, entries }: HmatMatrix,
  initiators: readonly number[],
  targets: readonly number[],
): void {
  const latency = isLatency(dataType);
  const unit = commonUnit(
    entries.map(({ value }) => value),
    latency,
  );
  body
    .u16(1)
    .u16(0)
    .u32(32 + 4 * (initiators.length + targets.length) + 2 * initiators.length * targets.length);
  body.u8(HIERARCHIES.indexOf(hierarchy)).u8(DATA_TYPES.indexOf(dataType)).u8(0).u8(0);
  body.u32(initiators.length).u32(targets.length).u32(0);
  body.u64(latency ? unit * PS_PER_NS : unit / BYTES_PER_MIB);
  for (const id of [...initiators, ...targets]) body.u32(id);
  const values = new Map(entries.map(({ initiator, target, value }) => [`${initiator} ${target}`, value]));
  for (const initiator of initiators) {
    for (const target of targets) body.u16((values.get(`${initiator} ${target}`) ?? 0) / unit);
  }
}

/** 5.2.27.5: Memory Side Cache Information. */
function sideCache(body: ByteList, cache: HmatCacheOption, all: readonly HmatCacheOption[]): void {
  const { nodeId, size, level, associativity, policy, line } = cache;
  const levels = all.filter((other) => other.nodeId === nodeId).length;
  const attributes =
    levels | (level << 4) | (ASSOCIATIVITIES.indexOf(associativity) << 8) | (WRITE_POLICIES.indexOf(policy) << 12);
  body.u16(2).u16(0).u32(32).u32(nodeId).u32(0).u64(size);
  body.u16(attributes).u16(line).u16(0).u16(0);
}
