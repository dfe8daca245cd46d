import {
  Cpu,
  type CpuDebug,
  Device,
  defineBoard,
  type Machine,
  MemoryBlock,
  type PropertySpec,
  typeOfClass,
} from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { HmpClient, QmpClient, type TestOptions, testEmulator } from '../fixtures.ts';
import { hmpCommands } from './commands.ts';
import { infoCommands } from './info.ts';

const KiB = 1024;

class Card extends Device {
  static override readonly typeName: string = 'card';
  static override readonly interfaces: readonly string[] = ['intctrl'];
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'speed', type: 'uint32', default: 16, description: '' },
    { name: 'on', type: 'bool', default: true, description: '' },
    { name: 'label', type: 'str', default: 'a', description: '' },
    { name: 'peer', type: 'link<card>', description: '' },
  ];
  static override readonly state = [{ name: 'pending', type: 'u32', reset: 3 }] as const;
  pending = 0;
  irqOut = this.addOutput();
}

/** Its program sees memory a page further up than it is; two bytes are an instruction. */
class ToyCpu extends Cpu {
  static override readonly typeName: string = 'toy-cpu';
  halted = true;
  execute(): number {
    return 0;
  }
  requestExit(): void {}
  describe(): string {
    return `pc=${this.index}`;
  }
  override get disassemble() {
    return (bytes: Uint8Array, pc: bigint) => ({ text: `op${bytes[0]}@${pc}`, length: 2 });
  }
  override get debug(): CpuDebug {
    const { addressSpace } = this.machine;
    const registers = [
      { name: 'r0', bits: 64 },
      { name: 'pc', bits: 64, number: 7 },
    ];
    return {
      description: { architecture: 'toy', endian: 'little', features: [{ name: 'toy', registers }] },
      pc: 0x700n,
      instructions: 0n,
      step: undefined,
      setPoints: () => {},
      writeRegister: () => false,
      writeMemory: () => false,
      readRegister: (number: number) => BigInt(number * 0x100),
      readMemory: (address: bigint, into: Uint8Array) =>
        address >= 4096n && addressSpace.readBytes(Number(address) - 4096, into) >= 0,
      physicalAddress: (address: bigint) => (address >= 4096n ? Number(address) - 4096 : undefined),
    };
  }
}

function board(cpus: number) {
  return defineBoard({
    name: 'bench',
    description: 'a board for tests',
    arch: 'riscv64',
    defaultCpu: 'toy',
    maxCpus: 4,
    defaultRamSize: 128 * KiB,
    defaultRamId: 'bench.ram',
    build(machine: Machine) {
      machine.map(0x1000, machine.ram);
      for (let i = 0; i < cpus; i++) machine.add(new ToyCpu(i), `cpu[${i}]`);
      machine.add(new Card(), 'card');
    },
  });
}

async function ready(options: TestOptions = {}, cpus = 2) {
  const types: TestOptions['types'] = (registry) => registry.register(typeOfClass(Card, { create: () => new Card() }));
  const emulator = await testEmulator({ board: board(cpus), types, ...options });
  emulator.machine.addressSpace.writeBytes(0x1000, Uint8Array.of(0x97, 2, 0, 0, 0x41, 0x86, 0x82, 0xff));
  const client = new HmpClient(emulator);
  return { emulator, client, enter: (line: string) => client.enter(line) };
}

const hint = (command: string): string => `\nTry "help ${command}" for more information\n`;

describe('help', () => {
  it('lists every command, one by name, and what info has', async () => {
    const { enter } = await ready();
    const all = await enter('help');
    for (const { name } of hmpCommands) expect(all).toMatch(new RegExp(`^${name}[ |]`, 'm'));
    expect(await enter('help stop')).toBe('stop|s  -- stop emulation\n');
    expect(await enter('? info status')).toBe('info status  -- show the current VM status (running|paused)\n');
    expect(await enter('help info')).toBe(await enter('info'));
    expect((await enter('info')).split('\n').slice(0, -1)).toHaveLength(infoCommands.length);
    expect(await enter('help foo')).toBe("unknown command: 'foo'\n");
  });
});

describe('info', () => {
  it('answers under every name, with a machine without CPUs too, and without an internal error', async () => {
    for (const cpus of [0, 2]) {
      const { enter } = await ready({}, cpus);
      for (const { name } of infoCommands)
        expect(await enter(`info ${name}`), name).not.toMatch(/internal|unknown command/);
    }
  });

  it('shows devices by bus, with properties, lines and regions', async () => {
    const { enter } = await ready();
    expect(await enter('info qtree')).toBe(
      [
        'bus: main-system-bus',
        '  type System',
        '  dev: card, id ""',
        '    gpio-out "irq" 1',
        '    speed = 16 (0x10)',
        '    on = true',
        '    label = "a"',
        '    peer = ""',
        '',
      ].join('\n'),
    );
  });

  it('shows the tree of objects by name', async () => {
    const { enter } = await ready();
    expect(await enter('info qom-tree /objects')).toBe(
      '/objects (container)\n  /bench.ram (memory-backend-ram)\n    /bench.ram[0] (memory-region)\n',
    );
    expect(await enter('info qom-tree')).toMatch(/^\/machine \(bench-machine\)\n {2}\/card \(card\)\n {2}\/cpu\[0\]/);
  });

  it('is the same before and after every property and type has been asked for', async () => {
    const { emulator, enter } = await ready();
    const show = async () => [await enter('info qtree'), await enter('info qom-tree')];
    const before = await show();
    const qmp = await QmpClient.ready(emulator);
    const types = (await qmp.execute('qom-list-types', { abstract: true })) as { name: string }[];
    for (const { name } of types) await qmp.execute('qom-list-properties', { typename: name });
    const visit = async (path: string): Promise<number> => {
      let objects = 1;
      const found = (await qmp.execute('qom-list', { path })) as { name: string; type: string }[];
      for (const { name, type } of found) {
        await qmp.execute('qom-get', { path, property: name });
        if (type.startsWith('child<')) objects += await visit(`${path === '/' ? '' : path}/${name}`);
      }
      return objects;
    };
    expect(await visit('/')).toBeGreaterThan(8);
    expect(await show()).toEqual(before);
  });

  it('shows CPUs, the chosen one marked, and their registers', async () => {
    const { enter } = await ready();
    expect(await enter('info cpus')).toBe('* CPU #0: thread_id=0\n  CPU #1: thread_id=0\n');
    expect(await enter('cpu 1')).toBe('');
    expect(await enter('info cpus')).toBe('  CPU #0: thread_id=0\n* CPU #1: thread_id=0\n');
    expect(await enter('info registers')).toBe('\nCPU#1\npc=1\n');
    expect(await enter('info registers 0')).toBe('\nCPU#0\npc=0\n');
    expect(await enter('info registers -a')).toBe('\nCPU#0\npc=0\n\nCPU#1\npc=1\n');
    expect(await enter('info registers 9')).toBe('CPU#9 not available\n');
    expect(await enter('cpu 5')).toBe('invalid CPU index\n');
  });

  it('shows memory, drives, lines, names and interrupt controllers', async () => {
    const backend = Object.assign(new MemoryBlock(4096, { readonly: true }), { filename: 'a.img' });
    const { enter } = await ready({
      machine: { drives: [{ if: 'none', id: 'd0', backend }] },
      emulator: { guestName: 'vm', chardevs: [{ label: 's0', filename: 'stdio', frontendOpen: true }], threadId: 42 },
    });
    expect(await enter('info memdev')).toMatch(/^memory backend: bench.ram\n {2}size: {2}131072\n/);
    expect(await enter('info memory_size_summary')).toBe('base memory: 131072\n');
    expect(await enter('info block')).toBe('d0 (#block101): a.img (raw, read-only)\n    Cache mode:       writeback\n');
    expect(await enter('info chardev')).toBe('s0: filename=stdio\n');
    expect(await enter('info name')).toBe('vm\n');
    expect(await enter('info numa')).toBe('0 nodes\n');
    expect(await enter('info pic')).toBe('card (/machine/card)\n  pending=0x3\n');
    expect(await enter('info history')).toMatch(/^0: 'info memdev'\n1: 'info memory_size_summary'\n/);
    expect(await enter('info mtree -f')).toContain('(prio 0, ram): bench.ram');
  });
});

// Formats read off QEMU 7.2.
describe('memory and values', () => {
  it.each([
    ['xp/2xw 0x1000', '0000000000001000: 0x00000297 0xff828641\n'],
    [
      'xp/12xb 0x1000',
      '0000000000001000: 0x97 0x02 0x00 0x00 0x41 0x86 0x82 0xff\n0000000000001008: 0x00 0x00 0x00 0x00\n',
    ],
    ['xp/1xg 0x1000', '0000000000001000: 0xff82864100000297\n'],
    ['xp/3dh 0x1000', '0000000000001000:   663     0 34369\n'],
    ['xp/8ob 0x1000', '0000000000001000: 0227  02   0   0 0101 0206 0202 0377\n'],
    ['xp/5c 0x1000', "0000000000001000: '\\x97' '\\x02' '\\x00' '\\x00' 'A'\n"],
    ['xp /2xb 0x1000', '0000000000001000: 0x97 0x02\n'],
    ['xp 0x1000', '0000000000001000: 0x00000297\n'],
    ['xp/0x 0x1000', ''],
    ['xp 0x7000000000', '0000007000000000: Cannot access memory\n'],
    [
      'xp/2i 0x1000',
      '0x0000000000001000:  0297              op151@4096\n0x0000000000001002:  0000              op0@4098\n',
    ],
    ['x/1xh 0x2000', '0000000000002000: 0x0297\n'],
    ['x/1xh 0', '0000000000000000: Cannot access memory\n'],
    ['x/s 0x1000', `invalid char in format: 's'${hint('x')}`],
    ['x', `unexpected end of expression${hint('x')}`],
    ['p 1+2*3', '0x7\n'],
    ['p/d (1+2)*-3', '-9\n'],
    ['p/o 8', '010\n'],
    ['p/u -1', '18446744073709551615\n'],
    ['p ~5', '0xfffffffffffffffa\n'],
    ['p 10 & 6 | 1 ^ 3', '0\n'],
    ['p/c 65', "'A'\n"],
    ['p/c 39', "'\\''\n"],
    ["p 'A'", '0x41\n'],
    ['p $pc + $r0', '0x700\n'],
    ['p $x', `unknown register${hint('p')}`],
    ['p 1/0', `division by zero${hint('p')}`],
    ['p (1', `')' expected${hint('p')}`],
    ['p foo', `invalid char 'f' in expression${hint('p')}`],
    ['p 1 2', `print|p: extraneous characters at the end of line${hint('p')}`],
    ['gva2gpa 0x1234', 'gpa: 0x234\n'],
    ['gva2gpa 0', 'Unmapped\n'],
    ['gpa2hva 0', 'No memory is mapped at address 0x0\n'],
    ['sum 0x1000 8', '55146\n'],
    ['sum 0x7000000000 4', `'sum' has failed: integer is for 32-bit values${hint('sum')}`],
    ['i/h 2', 'portw[0x0002] = 0xffff\n'],
    ['o/b 2 5', ''],
  ])('%s', async (line, answer) => {
    const { enter } = await ready();
    expect(await enter(line)).toBe(answer);
  });

  it('keep the format that was said last', async () => {
    const { enter } = await ready();
    await enter('xp/2ub 0x1000');
    expect(await enter('xp 0x1000')).toBe('0000000000001000: 151\n');
    expect(await enter('p 17')).toBe('17\n');
  });

  it('cannot be looked at by a CPU that is not there', async () => {
    const { enter } = await ready({}, 0);
    expect(await enter('x 0')).toBe('Can not dump without CPU\n');
    expect(await enter('info registers')).toBe('No CPU available\n');
  });
});

describe('objects and devices', () => {
  it.each([
    ['qom-list', '/\n'],
    ['qom-list /machine/card', 'type (string)\nspeed (uint32)\non (bool)\nlabel (str)\npeer (link<card>)\n'],
    ['qom-get /machine/card speed', '16\n'],
    ['qom-get /machine card', '"/machine/card"\n'],
    ['qom-list /foo', "Error: Device '/foo' not found\n"],
    ['qom-set /objects/bench.ram size 5', 'Error: cannot change property size of memory-backend-ram\n'],
    ['qom-set -j /objects/bench.ram merge tru', "Error: JSON parse error, invalid keyword 'tru'\n"],
    ['device_add', "Error: Parameter 'driver' is missing\n"],
    ['device_add foo', "Error: 'foo' is not a valid device model name\n"],
    ['device_add card,speed=3', "Error: Device 'card' does not support hotplugging\n"],
    ['device_del z', "Error: Device 'z' not found\n"],
    ['object_add', `object_add: string expected${hint('object_add')}`],
    ['object_add foo', "Error: Parameter 'qom-type' does not accept value 'foo'\n"],
    ['object_add memory-backend-ram', "Error: Parameter 'id' is missing\n"],
    ['object_del m', "Error: object 'm' not found\n"],
    ['pmemsave 0 16 "f"', "Error: Could not open 'f': there are no files here\n"],
    ['pmemsave 0 16', `pmemsave: string expected${hint('pmemsave')}`],
  ])('%s', async (line, answer) => {
    const { enter } = await ready();
    expect(await enter(line)).toBe(answer);
  });

  it('are made from texts and taken away', async () => {
    const { enter } = await ready();
    expect(await enter('object_add memory-backend-ram,id=m,size=64K')).toBe('');
    expect(await enter('qom-get m size')).toBe('65536\n');
    expect(await enter('object_del m')).toBe('');
  });

  it('can be reached through QMP, CRLF and all', async () => {
    const { emulator } = await ready();
    const qmp = await QmpClient.ready(emulator);
    const ask = (line: string, more = {}) => qmp.execute('human-monitor-command', { 'command-line': line, ...more });
    expect(await ask('info status')).toBe('VM status: paused (prelaunch)\r\n');
    expect(await ask('info registers', { 'cpu-index': 1 })).toBe('\r\nCPU#1\r\npc=1\r\n');
    expect(await ask('foo')).toBe("unknown command: 'foo'\r\n");
    expect(await ask('')).toBe('');
    expect((await qmp.fail('human-monitor-command', { 'command-line': '', 'cpu-index': 3 })).desc).toBe(
      "Parameter 'cpu-index' expects a CPU number",
    );
  });
});

describe('logging', () => {
  it('is switched on and off', async () => {
    const { emulator, enter } = await ready();
    expect(await enter('log guest_errors,unimp')).toBe('');
    expect(emulator.machine.log.categories).toEqual(['guest_errors', 'unimp']);
    expect(await enter('log foo')).toMatch(/^Error: unknown log category 'foo'/);
    await enter('log none');
    expect(emulator.machine.log.categories).toEqual([]);
    expect(await enter('log help')).toContain('guest_errors    a guest did');
  });
});
