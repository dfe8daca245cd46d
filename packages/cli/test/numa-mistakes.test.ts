// Wrong -numa command lines: one line that says which option and what is wrong, status 1, nothing left behind. Where QEMU 7 is there,
// it must say the same.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SYNTHETIC_ARCH, syntheticArchitecture } from './numa-list.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-numa-mistakes-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Our boards for tests, by the boards of QEMU's x86 that have the same rules. */
const BOARDS: Readonly<Record<string, string>> = {
  pc: 'numa-test-pc',
  'pc,hmat=on': 'numa-test-pc,hmat=on',
  'pc-i440fx-5.0': 'numa-test-old',
};

const HALVES = '-m 128 -object M0 -object memory-backend-ram,id=m1,size=64M';
const VIRT = `-M virt -bios none -smp 4 ${HALVES}`;
const VIRT2 = `${VIRT} -numa node,memdev=m0 -numa node,memdev=m1`;
const MEM = '-M virt -bios none -smp 8';
const PC = `-M pc -smp 2,sockets=2 ${HALVES}`;
const PC2 = `${PC} -numa node,memdev=m0 -numa node,memdev=m1`;
const HMAT = `-M pc,hmat=on -smp 2,sockets=2 ${HALVES}`;
const HMAT2 = `${HMAT} -numa node,memdev=m0 -numa node,memdev=m1,initiator=0 -numa cpu,node-id=0,socket-id=0 -numa cpu,node-id=0,socket-id=1`;
const LB = '-numa hmat-lb,hierarchy=memory,initiator=0,target=0,data-type=access-';
const LB1 = '-numa hmat-lb,hierarchy=memory,initiator=0,target=1,data-type=access-';
const KNOWN = `${LB}latency,latency=1 ${LB}bandwidth,bandwidth=1M`;
const cache = (level: number, size: string): string =>
  `-numa hmat-cache,node-id=0,size=${size},level=${level},associativity=direct,policy=write-back,line=8`;
const OFF =
  'ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine hmat=on before using any of hmat specific options';
const DECLARE = "NUMA node must be defined with -numa node,nodeid=ID before it's used with -numa cpu,node-id=ID";

/** Command lines, and what is said after the option. */
const SAME: readonly (readonly [line: string, text: string])[] = [
  [`${VIRT} -numa foo`, "Parameter 'type' does not accept value 'foo'"],
  [`${VIRT} -numa nodeid=0`, "Parameter 'type' is missing"],
  [`${VIRT} -numa node,foo=1`, "Invalid parameter 'foo'"],
  [`${VIRT} -numa node,nodeid=x`, "Parameter 'nodeid' expects a uint64 value"],
  [`${VIRT} -numa node,nodeid=-1`, "Parameter 'nodeid' expects a uint64 value"],
  [`${VIRT} -numa node,nodeid=70000`, "Parameter 'nodeid' expects uint16_t"],
  [`${VIRT} -numa node,nodeid=128`, 'Max number of NUMA nodes reached: 128'],
  [`${VIRT} -numa node,nodeid=0 -numa node,nodeid=0`, 'Duplicate NUMA nodeid: 0'],
  [`${VIRT} -numa node,nodeid=1`, 'numa: Node ID missing: 0'],
  [`${VIRT} -numa node,nodeid=0 -numa node,nodeid=2`, 'numa: Node ID missing: 1'],
  [`${VIRT} -numa node,cpus=x`, "Parameter 'cpus' expects a uint64 value or range"],
  [`${VIRT} -numa node,cpus=1-0`, "Parameter 'cpus' expects a uint64 value or range"],
  [`${VIRT} -numa node,cpus=0-4`, 'CPU index (4) should be smaller than maxcpus (4)'],
  [`${VIRT} -numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1,cpus=1-2`, 'CPU is already assigned to node-id: 0'],
  [`${VIRT} -numa node,memdev=m0,cpus=0,cpus=2 -numa node,memdev=m1,cpus=1,cpus=3`, 'discontinuous hartids in socket0'],
  [`${VIRT} -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=2`, 'discontinuous hartids in socket0'],
  [`${VIRT} -numa node,memdev=`, 'memdev= is ambiguous'],
  [`${VIRT} -numa node,memdev=nope`, 'memdev=nope is ambiguous'],
  [`${VIRT} -numa node,memdev=m0 -numa node,memdev=m0`, "memory backend m0 can't be used multiple times."],
  [
    `${VIRT} -numa node,memdev=m0 -numa node`,
    'total memory for NUMA nodes (0x4000000) should equal RAM size (0x8000000)',
  ],
  [
    `${VIRT} -numa node,memdev=m0,mem=64M`,
    'numa configuration should use either mem= or memdev=,mixing both is not allowed',
  ],
  [
    `${MEM} -m 128 -numa node,mem=64M -numa node,mem=32`,
    'total memory for NUMA nodes (0x6000000) should equal RAM size (0x8000000)',
  ],
  [`${MEM} -m 128 -numa node,mem=x`, "Parameter 'mem' expects a size value"],
  [`${MEM} -m 80 ${'-numa node,mem=16M '.repeat(5)}`, 'number of sockets/nodes should be less than 4'],
  [
    `-M virt -bios none -smp 1 ${HALVES} -numa node,memdev=m0 -numa node,memdev=m1`,
    'Number of NUMA nodes (2) cannot exceed the number of available CPUs (1).',
  ],
  [`${VIRT2} -numa cpu`, 'Missing mandatory node-id property'],
  [`${VIRT2} -numa cpu,node-id=2,core-id=0`, `Invalid node-id=2, ${DECLARE}`],
  [`${VIRT2} -numa cpu,node-id=0,socket-id=0`, 'socket-id is not supported'],
  [`${VIRT2} -numa cpu,node-id=0,core-id=9`, 'no match found'],
  [`${VIRT2} -numa cpu,node-id=0,core-id=0-1`, "Parameter 'core-id' expects an int64 value"],
  [`${VIRT2} -numa cpu,node-id=0,core-id=0 -numa cpu,node-id=1,core-id=0`, 'CPU is already assigned to node-id: 0'],
  [`${VIRT2} -numa dist`, "Parameter 'src' is missing"],
  [`${VIRT2} -numa dist,src=0,dst=1,val=9`, "NUMA distance (9) is invalid, it shouldn't be less than 10."],
  [`${VIRT2} -numa dist,src=0,dst=1,val=256`, "Parameter 'val' expects uint8_t"],
  [`${VIRT2} -numa dist,src=0,dst=0,val=11`, 'Local distance of node 0 should be 10.'],
  [`${VIRT2} -numa dist,src=128,dst=1,val=20`, "Parameter 'src' expects an integer between 0 and 127"],
  [
    `${VIRT2} -numa dist,src=0,dst=2,val=20`,
    "Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.",
  ],
  [`${VIRT2} -numa hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=1`, OFF],
  [`${VIRT2} ${cache(1, '10K')}`, OFF],
  ['-M none -numa node', 'NUMA is not supported by this machine-type'],
  [`${PC} -numa node,mem=64M`, 'Parameter -numa node,mem is not supported by this machine type'],
  [
    '-M pc-i440fx-5.0 -m 128 -numa node -numa node,mem=64',
    'total memory for NUMA nodes (0x4000000) should equal RAM size (0x8000000)',
  ],
  [`${PC2} -numa cpu,node-id=0,die-id=0`, 'die-id is not supported'],
  [`${PC2} -numa cpu,node-id=0,cluster-id=0`, 'cluster-id is not supported'],
  [`${PC2} -numa cpu,node-id=0,socket-id=2`, 'no match found'],
  [`${PC} -numa node,memdev=m0,initiator=0`, OFF],
  [`${HMAT} -numa node,memdev=m0,initiator=128`, 'The initiator id 128 expects an integer between 0 and 127'],
  [
    `${HMAT} -numa node,memdev=m0,cpus=0-1,initiator=1 -numa node,memdev=m1`,
    'The initiator of CPU NUMA node 0 should be itself (got 1)',
  ],
  [
    `${HMAT} -numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1,initiator=5`,
    "NUMA node 5 is missing, use '-numa node' option to declare it first",
  ],
  [`${HMAT} -numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1,initiator=1`, 'The initiator of NUMA node 1 is invalid'],
  [`${HMAT2} ${LB}latency`, "Missing 'latency' option"],
  [`${HMAT2} ${LB}latency,latency=-1`, "Parameter 'latency' expects a uint64 value"],
  [`${HMAT2} ${LB}latency,latency=1,bandwidth=1M`, "Invalid option 'bandwidth' since the data type is latency"],
  [`${HMAT2} ${LB}foo,latency=1`, "Parameter 'data-type' does not accept value 'access-foo'"],
  [`${HMAT2} ${LB.replace('target=0', 'target=2')}latency,latency=1`, 'The target=2 should point to an existing node'],
  [`${HMAT2} ${LB.replace('target=0', 'target=3')}latency,latency=1`, 'Invalid target=3, it should be less than 2'],
  [
    `${HMAT2} ${LB.replace('initiator=0', 'initiator=1')}latency,latency=1`,
    "Invalid initiator=1, it isn't an initiator proximity domain",
  ],
  [
    `${HMAT2} ${LB.replace('initiator=0', 'initiator=2')}latency,latency=1`,
    "Invalid initiator=2, it isn't an initiator proximity domain",
  ],
  [
    `${HMAT2} ${LB.replace('initiator=0', 'initiator=3')}latency,latency=1`,
    'Invalid initiator=3, it should be less than 2',
  ],
  [
    `${HMAT2} ${LB}latency,latency=0 ${LB}latency,latency=5`,
    'Duplicate configuration of the latency for initiator=0 and target=0',
  ],
  [
    `${HMAT2} ${LB}latency,latency=1 ${LB1}latency,latency=65535`,
    'Latency 65535 between initiator=0 and target=1 should not differ from previously entered min or max values on more than 65534',
  ],
  [`${HMAT2} ${LB}bandwidth,bandwidth=1K`, 'Bandwidth 1024 between initiator=0 and target=0 should be 1MB aligned'],
  [
    `${HMAT2} ${LB}bandwidth,bandwidth=1M ${LB1}bandwidth,bandwidth=65535M`,
    'Bandwidth 68718428160 between initiator=0 and target=1 should not differ from previously entered values on more than 65534',
  ],
  [
    `${HMAT2} ${cache(1, '10K')}`,
    'The latency and bandwidth information of node-id=0 should be provided before memory side cache attributes',
  ],
  [
    `${HMAT2} ${KNOWN} ${cache(1, '10K').replace('node-id=0', 'node-id=2')}`,
    'Invalid node-id=2, it should be less than 2',
  ],
  [`${HMAT2} ${KNOWN} ${cache(0, '10K')}`, 'Invalid level=0, it should be larger than 0 and less than or equal to 3'],
  [`${HMAT2} ${KNOWN} ${cache(2, '10K')}`, 'Cache level=1 shall be defined first'],
  [
    `${HMAT2} ${KNOWN} ${cache(1, '10K')} ${cache(1, '10K')}`,
    'Duplicate configuration of the side cache for node-id=0 and level=1',
  ],
  [
    `${HMAT2} ${KNOWN} ${cache(1, '10K')} ${cache(2, '5K')}`,
    'Invalid size=5120, the size of level=2 should be larger than the size(10240) of level=1',
  ],
];

/** What QEMU 7 takes, and then has no use for or cannot tell the guest. */
const OURS: readonly (readonly [line: string, text: string])[] = [
  [`${VIRT2} -mem-prealloc`, "'-mem-prealloc' can't be used together with '-numa memdev'"],
  [`${VIRT2} -mem-path @new`, "'-mem-path' can't be used together with '-numa memdev'"],
  [
    `-M virt,memory-backend=m1 ${VIRT2.replace('-m 128', '-m 64')}`,
    'total memory for NUMA nodes (0x8000000) should equal RAM size (0x4000000)',
  ],
  [
    `-M virt,memory-backend=m2 ${VIRT2} -object memory-backend-ram,id=m2,size=128M`,
    "'-machine memory-backend' and '-numa memdev' properties are mutually exclusive",
  ],
  [`${PC2} -numa cpu,node-id=-1,socket-id=0`, `Invalid node-id=-1, ${DECLARE}`],
  [
    `${HMAT2} ${LB}latency,latency=10 ${LB1}latency,latency=655341`,
    'Latency 655341 between initiator=0 and target=1 should not differ from previously entered min or max values on more than 65534',
  ],
  [`${HMAT2} ${LB}latency,latency=18446744073709551615`, "Parameter 'latency' expects at most 9007199254740991"],
];

const isX86 = (line: string): boolean => line.startsWith('-M pc');

/** Words of a line. @param m0 the first node's backend */
function words(line: string, m0: string): string[] {
  return line
    .replace('M0', m0)
    .replaceAll('@', `${folder}/`)
    .split(' ')
    .filter((word) => word !== '');
}

/** Runs a line, its first node's backend a file that would have to be made. */
async function attempt(line: string) {
  const argv = words(line, 'memory-backend-file,id=m0,size=64M,mem-path=@m0').map((word) => BOARDS[word] ?? word);
  const importModule = (): Promise<object> => Promise.resolve({ architecture: syntheticArchitecture });
  const all = ['-display', 'none', ...argv];
  const program = isX86(line) ? startProgram(all, SYNTHETIC_ARCH, { importModule }) : startProgram(all);
  return program.ended;
}

const versionOf = (qemu: string): string => spawnSync(qemu, ['--version'], { encoding: 'utf8' }).stdout ?? '';
const references = ['qemu-system-riscv64', 'qemu-system-x86_64'].filter((qemu) => /version 7\./.test(versionOf(qemu)));
for (const qemu of ['qemu-system-riscv64', 'qemu-system-x86_64']) {
  if (!references.includes(qemu)) console.log(`skipped: the comparison of -numa needs ${qemu} 7`);
}

/** What QEMU says, warnings left out, with the option in front of it; undefined where there is no QEMU. */
function reference(line: string): string | undefined {
  const qemu = isX86(line) ? 'qemu-system-x86_64' : 'qemu-system-riscv64';
  if (!references.includes(qemu)) return undefined;
  const argv = ['-S', '-display', 'none', '-nodefaults', ...words(line, 'memory-backend-ram,id=m0,size=64M')];
  const { stderr } = spawnSync(qemu, argv, { encoding: 'utf8', timeout: 20_000 });
  const [first = ''] = stderr.split('\n').filter((text) => text !== '' && !text.includes('warning: '));
  return first.slice(`${qemu}: `.length);
}

describe('a wrong -numa is one line, status 1, and nothing is left', () => {
  const check = async (line: string, text: string): Promise<string> => {
    const { status, out, err } = await attempt(line);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/^boardwalk-system-\w+: [^\n]*\n$/);
    expect(err).toContain(`: ${text}\n`);
    expect(readdirSync(folder)).toEqual([]);
    return err.replace(/^[\w-]+: /, '').trim();
  };

  it.each(SAME)('as QEMU says: %s: %s', async (line, text) => {
    const said = await check(line, text);
    expect(said).toBe(reference(line) ?? said);
  });

  it.each(OURS)('%s: %s', async (line, text) => {
    await check(line, text);
  });
});
