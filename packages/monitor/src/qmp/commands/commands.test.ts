import {
  Bus,
  Chardev,
  Device,
  defineBoard,
  MemoryBlock,
  NullChar,
  type PropertySpec,
  RingBufChar,
  Tracer,
  typeOfClass,
  UserError,
} from '@boardwalk/core';
import { describe, expect, it, vi } from 'vitest';
import type { Emulator, OutputFile, ReplacementFile } from '../../emulator.ts';
import { HmpClient, QmpClient, settled, type TestOptions, testEmulator } from '../../fixtures.ts';

const KiB = 1024;

class Slot extends Bus {
  static override readonly typeName: string = 'test-slot';
  readonly busType = 'test-bus';
  full = false;
  plug(): void {
    this.full = true;
  }
}

class Card extends Device {
  static override readonly typeName: string = 'test-card';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'speed', type: 'uint32', default: 5, description: 'how fast' },
    { name: 'peer', type: 'link<test-card>', description: 'another one' },
  ];
  readonly busType = 'test-bus';
}

class HotCard extends Card {
  static override readonly typeName: string = 'hot-card';
  override get hotpluggable(): boolean {
    return true;
  }
}

const board = defineBoard({
  name: 'bench',
  aliases: ['b'],
  description: 'a board for tests',
  arch: 'riscv64',
  isDefault: true,
  defaultCpu: 'm1',
  maxCpus: 4,
  defaultRamSize: 128 * KiB,
  defaultRamId: 'bench.ram',
  build(machine) {
    machine.map(0x1000, machine.ram);
    for (let i = 0; i < 3; i++) machine.add(new Slot(), `slot.${i}`);
    machine.add(new Card(), 'card');
  },
});

const options: TestOptions = {
  board,
  types(types) {
    types.register(typeOfClass(Card, { create: () => new Card() }));
    types.register(typeOfClass(HotCard, { create: () => new HotCard() }));
    types.register(typeOfClass(Slot));
  },
  emulator: { boards: [board], cpuModels: [{ name: 'm1', description: 'a CPU', typeName: 'm1-test-cpu' }] },
};

async function ready(more: Partial<Omit<Emulator, 'machine'>> = {}, machine: TestOptions['machine'] = {}) {
  const emulator = await testEmulator({ ...options, machine, emulator: { ...options.emulator, ...more } });
  return { emulator, client: await QmpClient.ready(emulator) };
}

describe('objects over QMP', () => {
  it('are listed with properties, children and links, by partial paths too', async () => {
    const { client } = await ready();
    expect(await client.execute('qom-list', { path: 'card' })).toEqual([
      { name: 'type', type: 'string' },
      { name: 'speed', type: 'uint32' },
      { name: 'peer', type: 'link<test-card>' },
    ]);
    expect(await client.execute('qom-list', { path: '/objects' })).toEqual([
      { name: 'type', type: 'string' },
      { name: 'bench.ram', type: 'child<memory-backend-ram>' },
    ]);
    expect(await client.execute('qom-get', { path: '/machine/card', property: 'speed' })).toBe(5);
    expect(await client.execute('qom-get', { path: '/machine/card', property: 'peer' })).toBe('');
    expect(await client.execute('qom-get', { path: '/machine', property: 'card' })).toBe('/machine/card');
    expect(await client.execute('qom-get', { path: '/machine', property: 'type' })).toBe('bench-machine');
  });

  it('refuse with the classes and words that clients match', async () => {
    const { client } = await ready();
    const notFound = (desc: string) => ({ class: 'DeviceNotFound', desc });
    const generic = (desc: string) => ({ class: 'GenericError', desc });
    expect(await client.fail('qom-list', { path: '/nope' })).toEqual(notFound("Device '/nope' not found"));
    expect(await client.fail('qom-list', { path: '' })).toEqual(generic("Path '' is ambiguous"));
    expect(await client.fail('qom-get', { path: '/machine', property: 'a' })).toEqual(
      generic("Property 'bench-machine.a' not found"),
    );
    expect(await client.fail('qom-set', { path: '/machine/card', property: 'speed', value: 'x' })).toEqual(
      generic("Attempt to set property 'speed' on device 'card' (type 'test-card') after it was realized"),
    );
    expect(await client.fail('qom-set', { path: '/objects/bench.ram', property: 'merge', value: 'on' })).toEqual(
      generic("Invalid parameter type for 'merge', expected: boolean"),
    );
    expect(await client.fail('qom-list-properties', { typename: 'foo' })).toEqual(notFound("Class 'foo' not found"));
    expect(await client.fail('device-list-properties', { typename: 'foo' })).toEqual(
      notFound("Device 'foo' not found"),
    );
    expect(await client.fail('device-list-properties', { typename: 'device' })).toEqual(
      generic("Parameter 'typename' expects a non-abstract device type"),
    );
  });

  it('have types, machines among them, with defaults', async () => {
    const { client } = await ready();
    expect(await client.execute('qom-list-types', { implements: 'memory-backend' })).toContainEqual({
      name: 'memory-backend-ram',
      parent: 'memory-backend',
    });
    expect(await client.execute('qom-list-types', { implements: 'machine', abstract: true })).toEqual([
      { name: 'machine', parent: 'object', abstract: true },
      { name: 'bench-machine', parent: 'machine' },
    ]);
    expect(await client.execute('device-list-properties', { typename: 'test-card' })).toEqual([
      { name: 'speed', type: 'uint32', description: 'how fast', 'default-value': 5 },
      { name: 'peer', type: 'link<test-card>', description: 'another one' },
    ]);
  });

  it('are made and taken away, but not while something uses them', async () => {
    const { client } = await ready();
    const args = { 'qom-type': 'memory-backend-ram', id: 'm0', size: 64 * KiB, merge: true };
    expect(await client.execute('object-add', args)).toEqual({});
    expect(await client.execute('qom-get', { path: 'm0', property: 'size' })).toBe(64 * KiB);
    const memdevs = (await client.execute('query-memdev')) as { id: string }[];
    expect(memdevs.map(({ id }) => id)).toEqual(['m0', 'bench.ram']);
    expect((await client.fail('object-add', args)).desc).toBe(
      "attempt to add duplicate property 'm0' to object (type 'container')",
    );
    expect((await client.fail('object-add', { ...args, id: 'm=1' })).desc).toBe("Parameter 'id' expects an identifier");
    expect(await client.execute('object-del', { id: 'm0' })).toEqual({});
    expect((await client.fail('object-del', { id: 'm0' })).desc).toBe("object 'm0' not found");
    expect((await client.fail('object-del', { id: 'bench.ram' })).desc).toBe(
      "object 'bench.ram' is in use, can not be deleted",
    );
  });
});

describe('devices over QMP', () => {
  it('come and go where they can, and DEVICE_DELETED tells of it', async () => {
    const { client } = await ready();
    expect(await client.execute('device_add', { driver: 'hot-card', id: 'h', bus: 'slot.1', speed: 7 })).toEqual({});
    expect(await client.execute('qom-get', { path: 'h', property: 'speed' })).toBe(7);
    const answers = await client.ask({ execute: 'device_del', arguments: { id: 'h' } });
    await settled();
    expect([...answers, ...client.take()].map(({ event, data }) => [event, data])).toEqual([
      [undefined, undefined],
      ['DEVICE_DELETED', { device: 'h', path: '/machine/peripheral/h' }],
    ]);
    expect((await client.fail('qom-list', { path: 'h' })).class).toBe('DeviceNotFound');
  });

  it('are refused honestly where a bus takes none later', async () => {
    const { client } = await ready({}, { devices: [{ driver: 'test-card', id: 'c' }] });
    expect((await client.fail('device_add', { driver: 'test-card' })).desc).toBe(
      "Bus 'slot.1' does not support hotplugging",
    );
    expect((await client.fail('device_del', { id: 'c' })).desc).toBe("Bus 'slot.0' does not support hotplugging");
    expect(await client.fail('device_del', { id: 'x' })).toEqual({
      class: 'DeviceNotFound',
      desc: "Device 'x' not found",
    });
    for (const [driver, desc] of [
      ['foo', "'foo' is not a valid device model name"],
      ['memory-backend-ram', "'memory-backend-ram' is not a valid device model name"],
      ['device', "Parameter 'driver' expects a non-abstract device type"],
      ['test-slot', "Parameter 'driver' expects a pluggable device type"],
    ] as const) {
      expect((await client.fail('device_add', { driver })).desc).toBe(desc);
    }
  });
});

describe('the machine over QMP', () => {
  it('is among the machines, with what it can have', async () => {
    const { client } = await ready();
    expect(await client.execute('query-machines')).toEqual([
      {
        name: 'bench',
        alias: 'b',
        'is-default': true,
        'cpu-max': 4,
        'hotpluggable-cpus': false,
        'numa-mem-supported': false,
        deprecated: false,
        'default-cpu-type': 'm1-test-cpu',
        'default-ram-id': 'bench.ram',
      },
    ]);
    expect(await client.execute('query-cpu-definitions')).toEqual([
      { name: 'm1', static: false, typename: 'm1-test-cpu', deprecated: false },
    ]);
    expect(await client.execute('query-memory-size-summary')).toEqual({ 'base-memory': 128 * KiB });
  });

  it('has no queries about CPU models where the architecture answers none', async () => {
    const { client } = await ready();
    const desc = 'The command query-cpu-model-expansion has not been found';
    const args = { type: 'static', model: { name: 'm1' } };
    expect(await client.ask({ execute: 'query-cpu-model-expansion', arguments: args })).toEqual([
      { error: { class: 'CommandNotFound', desc } },
    ]);
    expect(await client.execute('query-commands')).not.toContainEqual({ name: 'query-cpu-model-expansion' });
  });

  it('has a name and a UUID, the nil one if nobody gave one', async () => {
    const { client } = await ready({ guestName: 'vm1' });
    expect(await client.execute('query-name')).toEqual({ name: 'vm1' });
    expect(await client.execute('query-uuid')).toEqual({ UUID: '00000000-0000-0000-0000-000000000000' });
  });

  it('shows its character devices and drives as they are', async () => {
    const chardevs = [{ label: 'serial0', filename: 'stdio', frontendOpen: true }];
    const backend = Object.assign(new MemoryBlock(4096, { readonly: true }), { filename: 'a.img' });
    const { client } = await ready({ chardevs }, { drives: [{ if: 'none', id: 'd0', backend }] });
    expect(await client.execute('query-chardev')).toEqual([
      { label: 'serial0', filename: 'stdio', 'frontend-open': true },
    ]);
    expect(await client.execute('query-block')).toMatchObject([
      {
        device: 'd0',
        removable: false,
        inserted: { file: 'a.img', ro: true, drv: 'raw', image: { 'virtual-size': 4096, format: 'raw' } },
      },
    ]);
  });

  it('refuses in its life what belongs before it', async () => {
    const { client } = await ready();
    expect((await client.fail('set-numa-node', { type: 'node' })).desc).toBe(
      'The command is permitted only before the machine has been created',
    );
    expect((await client.fail('x-exit-preconfig')).desc).toBe(
      'The command is permitted only before machine initialization',
    );
  });
});

describe('before the machine is made', () => {
  it('takes NUMA options and nothing that needs a machine, then makes the machine', async () => {
    const { emulator } = await ready();
    const taken: unknown[] = [];
    const early: Emulator = {
      ...emulator,
      machine: undefined,
      preconfig: {
        addNuma: (option) => void taken.push(option),
        exit: async () => {
          throw new UserError('numa: Node ID missing: 0');
        },
      },
    };
    const client = await QmpClient.ready(early);
    expect(await client.execute('query-status')).toEqual({ status: 'prelaunch', singlestep: false, running: false });
    expect(await client.execute('set-numa-node', { type: 'cpu', 'node-id': 1, 'socket-id': 0 })).toEqual({});
    expect(taken).toEqual([{ type: 'cpu', nodeId: 1, socketId: 0 }]);
    expect((await client.fail('query-block')).desc).toBe(
      "The command 'query-block' is permitted only after machine initialization has completed",
    );
    expect((await client.fail('x-exit-preconfig')).desc).toBe('numa: Node ID missing: 0');
  });
});

describe('memory into files', () => {
  class MemoryFile implements OutputFile {
    bytes: number[] = [];
    closed = false;
    async write(bytes: Uint8Array): Promise<void> {
      this.bytes.push(...bytes);
    }
    async close(): Promise<void> {
      this.closed = true;
    }
  }

  it('are written in pieces, while out-of-band commands are answered', async () => {
    const file = new MemoryFile();
    let go: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { emulator } = await ready({
      createFile: async () => {
        await opened;
        return file;
      },
    });
    const client = await QmpClient.ready(emulator, ['oob']);
    emulator.machine.addressSpace.writeBytes(0x1ffe, Uint8Array.of(1, 2, 3));
    const args = { val: 0x1ffd, size: 100_000, filename: 'f' };
    expect(await client.ask({ execute: 'pmemsave', arguments: args, id: 1 })).toEqual([]);
    expect(await client.ask({ execute: 'query-name', id: 2 })).toEqual([]);
    expect(await client.ask({ 'exec-oob': 'query-yank', id: 3 })).toEqual([{ return: [], id: 3 }]);
    expect(await client.ask({ 'exec-oob': 'query-name', id: 4 })).toEqual([
      { id: 4, error: { class: 'GenericError', desc: 'The command query-name does not support OOB' } },
    ]);
    go();
    expect(await client.ask('')).toEqual([
      { return: {}, id: 1 },
      { return: {}, id: 2 },
    ]);
    expect(file.closed).toBe(true);
    expect(file.bytes).toHaveLength(100_000);
    expect(file.bytes.slice(0, 5)).toEqual([0, 1, 2, 3, 0]);
  });

  it('are refused where there are no files, and for parts that no memory has', async () => {
    const { client } = await ready();
    expect((await client.fail('pmemsave', { val: 0, size: 1, filename: 'f' })).desc).toBe(
      "Could not open 'f': there are no files here",
    );
    expect((await client.fail('pmemsave', { val: 0, size: -1, filename: 'f' })).desc).toBe(
      'Invalid addr 0x0000000000000000/size -1 specified',
    );
  });
});

describe('jobs', () => {
  const snapshot = { 'job-id': 'j1', tag: 't', devices: ['x'] };

  it('fail as QEMU has them fail where images are raw, and are kept until they are dismissed', async () => {
    const emulator = await testEmulator();
    emulator.machine.drives.nodes.add({ name: 'x', driver: 'raw', backend: new MemoryBlock(new Uint8Array(512)) });
    const client = await QmpClient.ready(emulator);
    client.pipe.send(JSON.stringify({ execute: 'snapshot-save', arguments: { ...snapshot, vmstate: 'nope' } }));
    await vi.waitFor(async () => expect(await client.execute('query-jobs')).toMatchObject([{ status: 'concluded' }]));
    const job = { type: 'snapshot-save', id: 'j1', status: 'concluded', error: "No block device node 'nope'" };
    expect(await client.execute('query-jobs')).toEqual([{ ...job, 'current-progress': 1, 'total-progress': 1 }]);
    const error = async (name: string, args: object) =>
      (await client.ask({ execute: name, arguments: args }))[0]?.error;
    const says = (desc: string) => ({ class: 'GenericError', desc });
    expect(await error('snapshot-load', { ...snapshot, vmstate: 'x' })).toEqual(says("Job ID 'j1' already in use"));
    expect(await error('snapshot-delete', { ...snapshot, 'job-id': '1' })).toEqual(says("Invalid job ID '1'"));
    for (const verb of ['pause', 'cancel', 'complete', 'finalize']) {
      const desc = `Job 'j1' in state 'concluded' cannot accept command verb '${verb}'`;
      expect(await error(`job-${verb}`, { id: 'j1' })).toEqual(says(desc));
    }
    expect(await error('job-resume', { id: 'j1' })).toEqual(says("Can't resume a job that was not paused"));
    client.take();
    client.pipe.send(JSON.stringify({ execute: 'job-dismiss', arguments: { id: 'j1' } }));
    expect(client.take()[0]).toMatchObject({ event: 'JOB_STATUS_CHANGE', data: { id: 'j1', status: 'null' } });
    expect(await error('job-dismiss', { id: 'j1' })).toEqual(says('Job not found'));
    expect(await client.execute('query-jobs')).toEqual([]);
  });

  it('tell how far they are', async () => {
    const client = await QmpClient.ready(await testEmulator());
    client.pipe.send(JSON.stringify({ execute: 'snapshot-delete', arguments: { ...snapshot, devices: [] } }));
    const seen: unknown[] = [];
    await vi.waitFor(() => {
      seen.push(...client.take().map(({ data }) => (data as { status?: string } | undefined)?.status ?? 'answer'));
      expect(seen).toContain('concluded');
    });
    expect(seen).toEqual(['created', 'running', 'answer', 'aborting', 'concluded']);
  });
});

it('monitors switch events on and off, and are told which are on', async () => {
  const told: string[] = [];
  const trace = new Tracer((event, details) => told.push(`${event} ${details}`));
  const emulator = await testEmulator({ emulator: { trace } });
  const client = await QmpClient.ready(emulator);
  const hmp = new HmpClient(emulator);
  await client.execute('trace-event-set-state', { name: 'handle_*', enable: true });
  expect(await client.execute('trace-event-get-state', { name: 'handle_hmp_command' })).toEqual([
    { name: 'handle_hmp_command', state: 'enabled', vcpu: false },
  ]);
  expect(await hmp.enter('trace-event handle_qmp_command off')).toBe('');
  expect(await hmp.enter('info trace-events handle_*')).toBe(
    'handle_hmp_command : state 1\nhandle_qmp_command : state 0\n',
  );
  expect(await hmp.enter('trace-event frob on')).toBe('Error: unknown event "frob"\n');
  expect(await hmp.enter('trace-event handle_hmp_command maybe')).toBe("Expected 'on' or 'off'\n");
  expect(told[0]).toMatch(/^handle_qmp_command req: \{"execute": "trace-event-get-state"/);
  expect(told).toContain('handle_hmp_command cmdline: info trace-events handle_*');
});

describe('lines in memory', () => {
  async function rings() {
    const emulator = await testEmulator({
      tree: (root) => {
        const place = root.children.get('chardevs');
        place?.addChild('r', new Chardev({ backend: new RingBufChar(8), filename: () => 'ringbuf' }));
        place?.addChild('s', new Chardev({ backend: new NullChar(), filename: () => 'null' }));
      },
    });
    return { qmp: await QmpClient.ready(emulator), hmp: new HmpClient(emulator) };
  }

  it('are written and read, as text and as base64, and keep what came last', async () => {
    const { qmp, hmp } = await rings();
    const read = (more: object) => qmp.execute('ringbuf-read', { device: 'r', ...more });
    expect(await qmp.execute('ringbuf-write', { device: 'r', data: 'aGVsbG8=', format: 'base64' })).toEqual({});
    expect(await read({ size: 3 })).toBe('hel');
    expect(await read({ size: 3, format: 'base64' })).toBe('bG8=');
    await qmp.execute('ringbuf-write', { device: 'r', data: '0123456789' });
    expect(await read({ size: 100 })).toBe('23456789');
    await hmp.enter('ringbuf_write r a\\b');
    expect(await hmp.enter('ringbuf_read r 10')).toBe('a\\\\b\n');
  });

  it('refuse what QEMU refuses, in its words', async () => {
    const { qmp, hmp } = await rings();
    const refusal = async (name: string, args: object) => (await qmp.fail(name, args)).desc;
    expect(await refusal('ringbuf-read', { device: 'r', size: 0 })).toBe('size must be greater than zero');
    expect(await refusal('ringbuf-read', { device: 'x', size: 3 })).toBe("Device 'x' not found");
    expect(await refusal('ringbuf-write', { device: 's', data: 'x' })).toBe('s is not a ringbuf device');
    const bad = { device: 'r', data: '!!', format: 'base64' };
    expect(await refusal('ringbuf-write', bad)).toBe('Base64 data contains invalid characters');
    expect(await hmp.enter('closefd x')).toBe("Error: File descriptor named 'x' not found\n");
    expect(await hmp.enter('getfd x')).toBe('Error: No file descriptor supplied via SCM_RIGHTS\n');
    expect(await hmp.enter('info dump')).toBe('Status: none\n');
  });
});

it('migrate_cancel ends a migration whose target does not answer, and lets go of it when it does', async () => {
  let answer = (_: ReplacementFile): void => {};
  const openOutgoing = async () => ({
    opened: new Promise<ReplacementFile>((resolve) => {
      answer = resolve;
    }),
  });
  const emulator = await testEmulator({ emulator: { openOutgoing } });
  const qmp = await QmpClient.ready(emulator);
  const other = await QmpClient.ready(emulator);
  expect(await qmp.execute('migrate', { uri: 'tcp:far:1' })).toEqual({});
  expect(await other.execute('query-migrate')).toEqual({ status: 'setup' });
  await other.execute('migrate_cancel');
  expect(await other.execute('query-migrate')).toEqual({ status: 'cancelled' });
  const discard = vi.fn(async () => {});
  answer({ write: async () => {}, close: async () => {}, discard });
  await vi.waitFor(() => expect(discard).toHaveBeenCalledOnce());
});
