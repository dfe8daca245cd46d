import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BoardDefinition, BoardRegistry, defineBoard, noneBoard } from './board.ts';
import { parseCpuModel, resolveCpuModel } from './cpu-model.ts';
import { ramSizeProblem } from './ram.ts';
import { parseSmp, resolveSmp } from './smp.ts';
import { formatBytes, GiB, KiB, MiB } from './units.ts';

const board = (more: Partial<BoardDefinition> = {}): BoardDefinition =>
  defineBoard({
    name: 'virt',
    description: 'test',
    arch: 'test',
    defaultCpu: 'c0',
    maxCpus: 8,
    build: () => {},
    ...more,
  });

describe('-smp', () => {
  const resolve = (text: string, more?: Partial<BoardDefinition>) => resolveSmp(parseSmp(text), board(more));

  it('completes a topology, cores before sockets', () => {
    expect(resolve('4')).toEqual({
      cpus: 4,
      maxcpus: 4,
      sockets: 1,
      dies: 1,
      clusters: 1,
      cores: 4,
      threads: 1,
    });
    expect(resolve('cpus=2,maxcpus=8,sockets=2')).toMatchObject({
      cpus: 2,
      maxcpus: 8,
      sockets: 2,
      cores: 4,
      threads: 1,
    });
    expect(resolve('8,cores=2')).toMatchObject({ cpus: 8, maxcpus: 8, sockets: 4, cores: 2, threads: 1 });
    expect(resolve('8,sockets=2,cores=2,')).toMatchObject({ cpus: 8, maxcpus: 8, sockets: 2, cores: 2, threads: 2 });
    expect(resolve('threads=2,sockets=2')).toMatchObject({ cpus: 4, maxcpus: 4, sockets: 2, cores: 1, threads: 2 });
    expect(resolveSmp({}, board({ defaultCpus: 2 }))).toMatchObject({ cpus: 2, maxcpus: 2 });
    expect(resolve('cpus=2,dies=1')).toMatchObject({ cpus: 2 });
  });

  it.each([
    ['0', 'Invalid CPU topology: CPU topology parameters must be greater than zero'],
    ['x', "-smp: Parameter 'cpus' expects a number"],
    ['-1', "-smp: Parameter 'cpus' expects a number"],
    ['', "-smp: Parameter 'cpus' expects a number"],
    ['2,nodes=2', "-smp: Invalid parameter 'nodes'"],
    ['2,dies=2', "dies not supported by this machine's CPU topology"],
    [
      '4,maxcpus=2',
      'Invalid CPU topology: maxcpus must be equal to or greater than smp: sockets (1) * cores (2) * threads (1) == maxcpus (2) < smp_cpus (4)',
    ],
    [
      '3,sockets=2',
      'Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (2) * cores (1) * threads (1) != maxcpus (3)',
    ],
    ['9', "Invalid SMP CPUs 9. The max CPUs supported by machine 'virt' is 8"],
    ['1,maxcpus=9', "Invalid SMP CPUs 9. The max CPUs supported by machine 'virt' is 8"],
  ])('refuses %j', (text, message) => {
    expect(() => resolve(text)).toThrow(message);
  });

  it('counts dies and clusters on a board that has them', () => {
    const pc = { smpLevels: ['dies'] } as const;
    expect(resolve('8,sockets=2,dies=2', pc)).toMatchObject({ dies: 2, clusters: 1, cores: 2, threads: 1 });
    expect(resolve('sockets=2,dies=2,cores=2', pc)).toMatchObject({ cpus: 8, maxcpus: 8 });
    expect(() => resolve('4,dies=3', pc)).toThrow(
      'product of the hierarchy must match maxcpus: sockets (1) * dies (3) * cores (1) * threads (1) != maxcpus (4)',
    );
    expect(() => resolve('4,clusters=2', pc)).toThrow("clusters not supported by this machine's CPU topology");
  });

  it('refuses fewer than the board needs', () => {
    expect(() => resolve('1', { minCpus: 2 })).toThrow("The min CPUs supported by machine 'virt' is 2");
  });

  it('gives a consistent topology or an error, whatever is said', () => {
    const count = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined });
    fc.assert(
      fc.property(fc.record({ cpus: count, maxcpus: count, sockets: count, cores: count, threads: count }), (said) => {
        const options = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
        try {
          const all = resolveSmp(options, board());
          expect(all.sockets * all.cores * all.threads).toBe(all.maxcpus);
          expect(all.cpus).toBeLessThanOrEqual(all.maxcpus);
          expect(all).toMatchObject(options);
        } catch (error) {
          expect(String(error)).toMatch(/UserError: Invalid (CPU topology|SMP CPUs)/);
        }
      }),
    );
  });
});

describe('-cpu', () => {
  it('is a model and properties', () => {
    expect(parseCpuModel('rv64,zbb=off,+zba,-zbs,sstc,')).toEqual({
      model: 'rv64',
      properties: [
        { name: 'zbb', value: 'off' },
        { name: 'zba', value: 'on' },
        { name: 'zbs', value: 'off' },
        { name: 'sstc', value: 'on' },
      ],
    });
    expect(() => parseCpuModel('')).toThrow('names no CPU model');
    expect(() => parseCpuModel('rv64,=on')).toThrow("'=on' has no property name");
  });

  it('is one that the board can have', () => {
    const arm = board({ cpuTypes: ['c0', 'c1'] });
    expect(resolveCpuModel(undefined, arm).model).toBe('c0');
    expect(resolveCpuModel('c1', arm).model).toBe('c1');
    expect(() => resolveCpuModel('c2', arm)).toThrow("The valid types of machine 'virt' are: c0, c1");
  });
});

describe('RAM sizes', () => {
  it('are checked as the board says', () => {
    const fixed = board({ defaultRamSize: MiB(64), validRamSizes: [MiB(64)] });
    expect(ramSizeProblem(fixed, MiB(64))).toBeUndefined();
    expect(ramSizeProblem(fixed, MiB(65))).toBe('Invalid RAM size, should be 64 MiB');
    const list = board({ defaultRamSize: MiB(512), validRamSizes: [MiB(256), MiB(512), GiB(1)] });
    expect(ramSizeProblem(list, MiB(1))).toBe('Invalid RAM size, should be 256 MiB, 512 MiB or 1 GiB');
    expect(ramSizeProblem(board({ maxRamSize: GiB(2) }), GiB(3))).toBe('RAM size more than 2 GiB is not supported');
    const own = board({ checkRamSize: (bytes) => (bytes === MiB(7) ? 'no sevens' : undefined), maxRamSize: MiB(200) });
    expect(ramSizeProblem(own, MiB(7))).toBe('no sevens');
    expect(ramSizeProblem(own, MiB(201))).toMatch(/more than 200 MiB/);
  });

  it('are whole pages, and some', () => {
    expect(ramSizeProblem(board(), 0)).toBe('Invalid RAM size, should be more than 0');
    expect(ramSizeProblem(board(), -4096)).toBe('Invalid RAM size -4096');
    expect(ramSizeProblem(board(), Number.NaN)).toBe('Invalid RAM size NaN');
    expect(ramSizeProblem(board(), 5000)).toBe('Invalid RAM size 5000 B, should be a multiple of 4 KiB');
    expect(ramSizeProblem(noneBoard('x'), 0)).toBeUndefined();
  });

  it('are said in the largest whole unit', () => {
    expect([GiB(1), MiB(1537), KiB(16), 5000, 0].map(formatBytes)).toEqual([
      '1 GiB',
      '1537 MiB',
      '16 KiB',
      '5000 B',
      '0 B',
    ]);
  });
});

describe('boards', () => {
  it('are found by name and alias, per architecture', () => {
    const registry = new BoardRegistry([board({ aliases: ['v'], isDefault: true }), board({ arch: 'other' })]);
    expect(registry.find('v', 'test').name).toBe('virt');
    expect(registry.find('none', 'test').name).toBe('none');
    expect(registry.list('test').map(({ name }) => name)).toEqual(['none', 'virt']);
    expect(registry.list()).toHaveLength(2);
    expect(registry.defaultBoard('test')?.name).toBe('virt');
    expect(registry.defaultBoard('other')).toBeUndefined();
    expect(() => registry.find('v', 'other')).toThrow("unsupported machine type 'v', use -machine help");
    expect(() => registry.register(board({ name: 'v' }))).toThrow("machine type 'v' of test is registered already");
  });

  it('come from modules outside, by their shape', () => {
    const registry = new BoardRegistry();
    const mine = board({ name: 'mine' });
    expect(
      registry.registerModule({ default: mine, mine, more: [board({ name: 'second' })], other: 3 }, './b.js'),
    ).toBe(2);
    expect(registry.find('second', 'test').name).toBe('second');
    expect(() => registry.registerModule({ a: 1 }, './c.js')).toThrow('./c.js exports no board');
  });

  it('are refused when they contradict themselves', () => {
    expect(() => board({ minCpus: 9 })).toThrow(/minCpus/);
    expect(() => board({ cpuTypes: ['other'] })).toThrow(/defaultCpu/);
    expect(() => board({ defaultRamSize: MiB(1), validRamSizes: [MiB(2)] })).toThrow(/validRamSizes/);
    expect(() => board({ name: 'a b' })).toThrow(/name/);
  });
});
