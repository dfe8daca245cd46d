// NUMA as clients ask for it, three ways to the same nodes: Machine.create, -numa of a command line, and set-numa-node under
// --preconfig; shown by QMP and by HMP.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createObjectTree,
  createRamBackend,
  Machine,
  type MachineOptions,
  MiB,
  parseSmp,
  RamSpace,
  requireObject,
} from '@boardwalk/core';
import { formatInfoNuma, hotpluggableCpus, type NumaOption, numaInfo, parseNuma } from '@boardwalk/numa';
import { virt } from '@boardwalk/riscv';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { NUMA_LIST, type NumaCase, SYNTHETIC_ARCH, syntheticArchitecture } from './numa-list.ts';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-numa-'));
afterAll(() => rmSync(folder, { recursive: true }));
let sockets = 0;

/** wfi; j -4 */
const idle = join(folder, 'idle');
writeFileSync(idle, Uint32Array.of(0x1050_0073, 0xffdf_f06f));

const importModule = (): Promise<object> => Promise.resolve({ architecture: syntheticArchitecture });

/** Programs that a failed test left running. */
const live = new Set<QmpClient>();
afterEach(async () => {
  for (const qmp of live) await qmp.command('quit');
  live.clear();
});

/** Starts the program of a board, and speaks QMP with it. */
async function connect(board: string, argv: readonly string[]) {
  const socket = join(folder, `q${sockets++}`);
  const all = ['-display', 'none', '-qmp', `unix:${socket},server=on,wait=off`, ...argv];
  const running = board === virt.name ? startProgram(all) : startProgram(all, SYNTHETIC_ARCH, { importModule });
  const qmp = await QmpClient.connect(socket);
  live.add(qmp);
  const hmp = async (line: string): Promise<string> => {
    const answer = await qmp.command('human-monitor-command', { 'command-line': line });
    return String(answer.return).replaceAll('\r\n', '\n');
  };
  const end = async (): Promise<string> => {
    live.delete(qmp);
    await qmp.command('quit');
    const { status, err } = await running.ended;
    expect(status).toBe(0);
    return err;
  };
  return { qmp, hmp, end };
}

/** The command line of a case, without its -numa. */
function lineOf({ board, smp, hmat, backends }: NumaCase): string[] {
  const objects = Object.entries(backends).flatMap(([id, size]) => [
    '-object',
    `memory-backend-ram,id=${id},size=${size}M`,
  ]);
  const machine = `${board.name},${smp.replace(/(^|,)/g, '$1smp.')}${hmat === true ? ',hmat=on' : ''}`;
  return ['-M', machine, ...(board === virt ? ['-bios', idle] : []), '-m', '128', ...objects];
}

/** The lines of `info numa`. */
const shown = ({ cpus, sizes }: NumaCase): string[] => [
  `${cpus.length} nodes`,
  ...cpus.flatMap((list, id) => [
    `node ${id} cpus:${list.map((cpu) => ` ${cpu}`).join('')}`,
    `node ${id} size: ${sizes[id]} MB`,
    `node ${id} plugged: 0 MB`,
  ]),
];

/** As QMP's set-numa-node takes an option. */
function json(option: NumaOption): Record<string, unknown> {
  const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(option).map(([name, value]) => [kebab(name), value]));
}

/** What QMP and HMP show of the case's nodes. */
async function checkShown(wanted: NumaCase, { qmp, hmp }: Awaited<ReturnType<typeof connect>>): Promise<void> {
  expect(await hmp('info numa')).toBe(`${shown(wanted).join('\n')}\n`);
  const { return: fast } = await qmp.command('query-cpus-fast');
  const nodes = (fast as { 'cpu-index': number; props?: Record<string, number> }[]).map(
    (cpu) => [cpu['cpu-index'], cpu.props?.['node-id']] as const,
  );
  expect(nodes).toEqual(
    wanted.cpus.flatMap((list, node) => list.map((cpu) => [cpu, node] as const)).sort(([a], [b]) => a - b),
  );
  const places = await qmp.command('query-hotpluggable-cpus');
  if (wanted.board === virt) {
    expect(places.error).toMatchObject({ desc: "The feature 'query-hotpluggable-cpus' is not enabled" });
  } else {
    const list = (places.return as { props: object }[]).toReversed().map(({ props }) => props);
    expect(list).toHaveLength(wanted.cpus.flat().length);
    for (const [index, props] of Object.entries(wanted.places ?? {})) expect(list[Number(index)]).toEqual(props);
  }
}

describe.each(NUMA_LIST)('$board.name: $what', (wanted) => {
  const options = wanted.numa.map(parseNuma);

  it('in TypeScript', async () => {
    const space = RamSpace.create({ bytes: MiB(512) });
    const root = createObjectTree();
    const parent = requireObject(root, '/objects');
    for (const [id, size] of Object.entries(wanted.backends)) {
      createRamBackend(space, { id, size: MiB(size), parent });
    }
    const machine = await Machine.create(wanted.board, {
      space,
      root,
      ramSize: MiB(128),
      smp: parseSmp(wanted.smp),
      numa: options,
      ...(wanted.hmat === true && { boardProps: { hmat: true } }),
      ...(wanted.board === virt && { firmware: 'none' }),
    } satisfies MachineOptions);
    try {
      expect(formatInfoNuma(numaInfo(machine))).toEqual(shown(wanted));
      expect(machine.numa?.distances).toEqual(wanted.distances);
      const ids = machine.memoryBackends.map(({ id }) => id);
      expect(ids).toEqual(
        Object.keys(wanted.backends).length > 0 ? Object.keys(wanted.backends) : [wanted.board.defaultRamId],
      );
      if (wanted.places) {
        const list = hotpluggableCpus(machine).toReversed();
        for (const [index, props] of Object.entries(wanted.places)) expect(list[Number(index)]?.props).toEqual(props);
      }
      if (wanted.hmat === true) expect(machine.numa?.hmat?.matrices).toHaveLength(2);
    } finally {
      await machine.dispose();
    }
  });

  it('on the command line', async () => {
    const program = await connect(wanted.board.name, [
      ...lineOf(wanted),
      '-S',
      ...wanted.numa.flatMap((text) => ['-numa', text]),
    ]);
    await checkShown(wanted, program);
    await program.end();
  });

  it('over QMP, before the machine is made', async () => {
    const program = await connect(wanted.board.name, [...lineOf(wanted), '--preconfig']);
    const { qmp } = program;
    expect((await qmp.command('query-status')).return).toMatchObject({ status: 'prelaunch' });
    for (const option of options) expect(await qmp.command('set-numa-node', json(option))).toEqual({ return: {} });
    expect(await qmp.command('x-exit-preconfig')).toEqual({ return: {} });
    expect(await qmp.event('RESUME')).toMatchObject({ event: 'RESUME' });
    await checkShown(wanted, program);
    expect((await qmp.command('set-numa-node', { type: 'node' })).error).toMatchObject({
      desc: 'The command is permitted only before the machine has been created',
    });
    await program.end();
  });
});

describe('what set-numa-node refuses', () => {
  it('on a PC with HMAT: each is an error, the right ones are taken, and the machine is made of these', async () => {
    const line = lineOf({ ...(NUMA_LIST[7] as NumaCase), smp: 'cpus=2,sockets=2' });
    const program = await connect('numa-test', [...line, '--preconfig']);
    const say = async (text: string, desc?: string): Promise<void> => {
      const answer = await program.qmp.command('set-numa-node', json(parseNuma(text)));
      if (desc === undefined) expect(answer, text).toEqual({ return: {} });
      else expect(answer.error, text).toEqual({ class: 'GenericError', desc });
    };
    const lb = (more: string): string => `hmat-lb,hierarchy=memory,${more}`;
    const cache = (more: string): string => `hmat-cache,associativity=direct,policy=write-back,line=8,${more}`;
    await say(
      'cpu,node-id=0,socket-id=0',
      "Invalid node-id=0, NUMA node must be defined with -numa node,nodeid=ID before it's used with -numa cpu,node-id=ID",
    );
    await say('node,nodeid=0,memdev=m0');
    await say('node,nodeid=0,memdev=m1', 'Duplicate NUMA nodeid: 0');
    await say('node,nodeid=1,memdev=nope', 'memdev=nope is ambiguous');
    await say('node,nodeid=1,memdev=m1,initiator=128', 'The initiator id 128 expects an integer between 0 and 127');
    await say('node,nodeid=1,memdev=m1,initiator=0');
    await say('cpu,node-id=0,socket-id=9', 'no match found');
    await say('cpu,node-id=0,socket-id=0');
    await say('cpu,node-id=1,socket-id=0', 'CPU is already assigned to node-id: 0');
    await say('cpu,node-id=1,socket-id=1', 'The initiator of CPU NUMA node 1 should be itself (got 0)');
    await say('cpu,node-id=0,socket-id=1');
    await say(
      'dist,src=0,dst=9,val=20',
      "Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.",
    );
    await say('dist,src=0,dst=1,val=9', "NUMA distance (9) is invalid, it shouldn't be less than 10.");
    await say('dist,src=0,dst=1,val=20');
    await say(
      lb('initiator=1,target=0,data-type=access-latency,latency=1'),
      "Invalid initiator=1, it isn't an initiator proximity domain",
    );
    await say(
      lb('initiator=0,target=2,data-type=access-latency,latency=1'),
      'The target=2 should point to an existing node',
    );
    await say(
      lb('initiator=0,target=3,data-type=access-latency,latency=1'),
      'Invalid target=3, it should be less than 2',
    );
    await say(lb('initiator=0,target=0,data-type=access-latency,bandwidth=1M'), "Missing 'latency' option");
    await say(lb('initiator=0,target=0,data-type=access-latency,latency=0'));
    await say(
      lb('initiator=0,target=0,data-type=access-latency,latency=5'),
      'Duplicate configuration of the latency for initiator=0 and target=0',
    );
    await say(lb('initiator=0,target=0,data-type=read-latency,latency=1'));
    await say(
      lb('initiator=0,target=1,data-type=read-latency,latency=65535'),
      'Latency 65535 between initiator=0 and target=1 should not differ from previously entered min or max values on more than 65534',
    );
    await say(
      lb('initiator=0,target=0,data-type=access-bandwidth,bandwidth=1K'),
      'Bandwidth 1024 between initiator=0 and target=0 should be 1MB aligned',
    );
    await say(lb('initiator=0,target=0,data-type=access-bandwidth,bandwidth=0'));
    await say(lb('initiator=0,target=0,data-type=read-bandwidth,bandwidth=1M'));
    await say(
      lb('initiator=0,target=1,data-type=read-bandwidth,bandwidth=65535M'),
      'Bandwidth 68718428160 between initiator=0 and target=1 should not differ from previously entered values on more than 65534',
    );
    await say(
      cache('node-id=1,size=10K,level=1'),
      'The latency and bandwidth information of node-id=1 should be provided before memory side cache attributes',
    );
    await say(cache('node-id=0,size=10K,level=2'), 'Cache level=1 shall be defined first');
    await say(
      cache('node-id=0,size=10K,level=4'),
      'Invalid level=4, it should be larger than 0 and less than or equal to 3',
    );
    await say(cache('node-id=0,size=10K,level=1'));
    await say(
      cache('node-id=0,size=10K,level=1'),
      'Duplicate configuration of the side cache for node-id=0 and level=1',
    );
    await say(
      cache('node-id=0,size=10K,level=2'),
      'Invalid size=10240, the size of level=2 should be larger than the size(10240) of level=1',
    );
    expect((await program.qmp.command('x-exit-preconfig')).return).toEqual({});
    expect(await program.hmp('info numa')).toContain('node 0 cpus: 0 1\n');
    await program.end();
  });

  it('on virt: a machine that cannot be made yet can be said more of', async () => {
    const halves = ['-object', 'memory-backend-ram,id=m0,size=64M', '-object', 'memory-backend-memfd,id=m1,size=64M'];
    const program = await connect('virt', [
      '-M',
      'virt',
      '-bios',
      idle,
      '-smp',
      '2',
      '-m',
      '128',
      ...halves,
      '--preconfig',
    ]);
    const { qmp } = program;
    const say = (args: object) => qmp.command('set-numa-node', args);
    expect(await say({ type: 'node', nodeid: 0, memdev: 'm0' })).toEqual({ return: {} });
    expect((await say({ type: 'cpu', 'node-id': 0, 'socket-id': 0 })).error).toMatchObject({
      desc: 'socket-id is not supported',
    });
    expect((await qmp.command('x-exit-preconfig')).error).toMatchObject({
      desc: 'total memory for NUMA nodes (0x4000000) should equal RAM size (0x8000000)',
    });
    expect((await qmp.command('query-status')).return).toMatchObject({ status: 'prelaunch' });
    expect(await say({ type: 'node', nodeid: 1, memdev: 'm1' })).toEqual({ return: {} });
    expect(await say({ type: 'dist', src: 0, dst: 1, val: 25 })).toEqual({ return: {} });
    expect(await qmp.command('x-exit-preconfig')).toEqual({ return: {} });
    expect(await program.hmp('info numa')).toContain('node 1 cpus: 1\nnode 1 size: 64 MB\n');
    await program.end();
  });
});

describe('the example of docs/numa.md', () => {
  it('makes the machine, and HMP shows it', async () => {
    const page = readFileSync(new URL('../../../docs/numa.md', import.meta.url), 'utf8');
    const [, example = ''] = /^ {4}boardwalk-system-riscv64 ([\s\S]*?)\.\.\.$/m.exec(page) ?? [];
    const argv = example.replaceAll('\\\n', ' ').trim().split(/\s+/);
    expect(argv).toContain('-numa');
    const monitor = join(folder, 'hmp');
    const program = await connect('virt', [
      ...argv,
      '-bios',
      idle,
      '-S',
      '-monitor',
      `unix:${monitor},server=on,wait=off`,
    ]);
    const shows = await enter(monitor, ['info numa', 'info memdev']);
    expect(shows).toContain(
      [
        '2 nodes',
        'node 0 cpus: 0 1',
        'node 0 size: 128 MB',
        'node 0 plugged: 0 MB',
        'node 1 cpus: 2 3',
        'node 1 size: 128 MB',
        'node 1 plugged: 0 MB',
      ].join('\r\n'),
    );
    expect(shows).toContain(
      [
        'memory backend: m1',
        '  size:  134217728',
        '  merge: true',
        '  dump: true',
        '  prealloc: false',
        '  share: true',
        '  reserve: true',
        '  policy: default',
        '  host nodes: ',
      ].join('\r\n'),
    );
    expect(shows.indexOf('memory backend: m0')).toBeGreaterThan(shows.indexOf('memory backend: m1'));
    const { return: memdevs } = await program.qmp.command('query-memdev');
    expect((memdevs as { id: string }[]).map(({ id }) => id)).toEqual(['m1', 'm0']);
    await program.end();
  });
});

describe('what the host made of a backend', () => {
  it('is read over QMP and HMP', async ({ skip }) => {
    const object = 'memory-backend-memfd,id=m0,size=8M,prealloc=on,policy=bind,host-nodes=0';
    const tried = await startProgram(['-M', 'none', '-object', object, '-object', 'frob,id=x']).ended;
    if (!tried.err.includes('frob')) return skip(tried.err.trim());
    const program = await connect('virt', [
      ...['-M', 'virt,memory-backend=m0', '-bios', idle, '-S', '-object', object],
      ...['-object', 'memory-backend-shm,id=m1,size=8M'],
    ]);
    const get = async (id: string, property: string) =>
      (await program.qmp.command('qom-get', { path: `/objects/${id}`, property })).return;
    expect(await get('m0', 'x-host-policy')).toBe('bind:0');
    expect(await get('m0', 'x-host-pages')).toBe(`0:${MiB(8)}`);
    expect(await get('m1', 'x-host-policy')).toBe('default');
    expect(await get('m1', 'x-host-pages')).toBe('');
    expect(await program.hmp('qom-get /objects/m0 x-host-policy')).toBe('"bind:0"\n');
    expect(
      (await program.qmp.command('qom-set', { path: '/objects/m1', property: 'x-host-policy', value: 'x' })).error,
    ).toBeDefined();
    await program.end();
  });
});

/** Types lines at a monitor of people; gives all that it says. */
async function enter(path: string, lines: readonly string[]): Promise<string> {
  const socket = await connectWhenListening(path);
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  for (const [i, line] of lines.entries()) {
    socket.write(`${line}\n`);
    await vi.waitFor(() => expect(text.split('(qemu) ').length).toBeGreaterThan(i + 2), { timeout: 20_000 });
  }
  socket.end();
  return text;
}
