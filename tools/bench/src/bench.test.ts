import { Random } from '@boardwalk/testing';
import { describe, expect, it } from 'vitest';
import { BACKEND_PAIRS, backendSides, backendWorkloads, chosenPairs, missing } from './backends.ts';
import type { Case } from './cases.ts';
import { linuxSample, programSample } from './cases.ts';
import { Dialog } from './dialog.ts';
import { findEmulators } from './emulators.ts';
import { compileProgram, parseResult, programNames } from './guest.ts';
import { interleave } from './interleave.ts';
import { main, select } from './main.ts';
import { parseBenchOptions } from './options.ts';
import { alternate, type PacedGuest } from './paced.ts';
import { childrenTime, type Observation, observe } from './process.ts';
import { jsonLine, tableFooter, tableHeader, tableRow } from './report.ts';
import { derive, type Result, summarize, summarizePairs } from './results.ts';
import { BenchError, type Sample, type Side } from './sample.ts';
import { Session } from './session.ts';
import { geometricMean, median, medianOfGroups, ratio, spread } from './stats.ts';
import { DEFAULT_TARGET, TARGETS } from './target.ts';
import { EMPTY, WORKLOADS, type Workload } from './workloads.ts';

const sample = (values: Sample['values'], checksum = 'same'): Sample => ({ values, checksum });

describe('statistics', () => {
  it('take the middle, whatever the order', () => {
    expect(median([5, 1, 9])).toBe(5);
    expect(median([10, 9, 100, 1])).toBe(9.5);
    expect(median([2])).toBe(2);
    expect(() => median([])).toThrow(RangeError);
  });

  it('leave what they are given as it is', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('tell how far values lie apart', () => {
    expect(spread([10, 8, 12])).toBeCloseTo(0.4);
    expect(spread([-10, -8, -12])).toBeCloseTo(0.4);
    expect(spread([0, 0])).toBe(0);
  });

  it('make ratios, where there is something to divide by', () => {
    expect(ratio(3, 2)).toBe(1.5);
    expect(ratio(3, 0)).toBeUndefined();
    expect(geometricMean([1, 4])).toBeCloseTo(2);
    expect(geometricMean([])).toBeUndefined();
    expect(geometricMean([1, 0])).toBeUndefined();
  });

  it('tell the interval of a median', () => {
    const generator = new Random(7);
    const uniform = () => generator.u32() / 2 ** 32;
    const noisy = (middle: number, by: number) => middle + by * (uniform() - 0.5);
    const alone = Array.from({ length: 200 }, () => [noisy(1, 0.2)]);
    const { value, low, high } = medianOfGroups(alone, uniform);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(high - low).toBeLessThan(0.06);
    expect(Math.abs(value - 1)).toBeLessThan(0.04);
    expect(medianOfGroups([[2], [2]], uniform)).toEqual({ value: 2, low: 2, high: 2 });
    // A hundred values, but four processes: what these differ in is not less for many values of each.
    const four = [0.9, 0.95, 1.05, 1.1].map((middle) => Array.from({ length: 25 }, () => noisy(middle, 0.01)));
    const grouped = medianOfGroups(four, uniform);
    expect(grouped.high - grouped.low).toBeGreaterThan(0.1);
  });

  it('hold the true median in 95 of 100 intervals', () => {
    const generator = new Random(11);
    const uniform = () => generator.u32() / 2 ** 32;
    let held = 0;
    for (let i = 0; i < 100; i++) {
      const { low, high } = medianOfGroups(
        Array.from({ length: 15 }, () => [uniform()]),
        uniform,
      );
      if (low <= 0.5 && high >= 0.5) held++;
    }
    expect(held).toBeGreaterThan(85);
  });
});

describe('the options of npm run bench', () => {
  it('have defaults', () => {
    expect(parseBenchOptions([], 'node')).toEqual({
      help: false,
      list: false,
      json: false,
      backends: false,
      pairs: [],
      only: [],
      runs: 5,
      batches: undefined,
      scale: 1,
      node: 'node',
      ours: undefined,
      target: DEFAULT_TARGET,
      peer: 'qemu-system-riscv64',
      timeout: 300,
      rest: [],
    });
  });

  it('are read, and the rest goes to Boardwalk', () => {
    const args = '--only boot,crc32 --only sieve --runs 9 --scale 0.5 --json --node n24 --peer q -- -accel tcg'.split(
      ' ',
    );
    expect(parseBenchOptions(args)).toMatchObject({
      only: ['boot', 'crc32', 'sieve'],
      runs: 9,
      scale: 0.5,
      json: true,
      node: 'n24',
      peer: 'q',
      rest: ['-accel', 'tcg'],
    });
  });

  it('measure in pairs where batches are asked for, and backends always', () => {
    expect(parseBenchOptions(['--arch', 's390x'])).toMatchObject({
      peer: 'qemu-system-s390x',
      target: { name: 's390x' },
    });
    expect(() => parseBenchOptions(['--arch', 'vax'])).toThrow('--arch vax: riscv64, s390x are there');
    expect(() => parseBenchOptions(['--arch', 's390x', '--batches', '3'])).toThrow('--batches: not with --arch s390x');
    expect(parseBenchOptions(['--batches', '3']).batches).toBe(3);
    expect(parseBenchOptions(['--backends']).batches).toBe(16);
    expect(parseBenchOptions(['--backends', '--batches', '4']).batches).toBe(4);
  });

  it.each([
    ['--batches 0', '--batches 0: must be a whole number above 0'],
    ['--runs 0', '--runs 0: must be a whole number above 0'],
    ['--runs 1.5', '--runs 1.5: must be a whole number above 0'],
    ['--runs many', '--runs many: must be'],
    ['--scale Infinity', '--scale Infinity: must be a number above 0'],
    ['--bogus', "Unknown option '--bogus'; npm run bench -- --help"],
    ['boot', "Unexpected argument 'boot'"],
    ['--only', "Option '--only <value>' argument missing"],
  ])('%s is a mistake', (args, message) => {
    expect(() => parseBenchOptions(args.split(' '))).toThrow(BenchError);
    expect(() => parseBenchOptions(args.split(' '))).toThrow(message);
  });

  it('name workloads that exist, in the order of the list', () => {
    expect(select(['sieve', 'startup']).map(({ name }) => name)).toEqual(['startup', 'sieve']);
    expect(select([])).toBe(WORKLOADS);
    expect(() => select(['boots'])).toThrow('no workload boots; npm run bench -- --list names them');
  });
});

describe('interleaving', () => {
  it('runs both sides in turn', async () => {
    const order: string[] = [];
    const samples = await interleave(3, async (side) => {
      order.push(side);
      return sample({ wall: order.length });
    });
    expect(order).toEqual(['ours', 'peer', 'ours', 'peer', 'ours', 'peer']);
    expect(samples.ours.map(({ values }) => values.wall)).toEqual([1, 3, 5]);
    expect(samples.peer.map(({ values }) => values.wall)).toEqual([2, 4, 6]);
  });

  it('never has two runs at the same time', async () => {
    let running = 0;
    await interleave(3, async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return sample({});
    });
  });

  it('refuses results that differ, on one side or between them', async () => {
    const bySide = (side: Side) => Promise.resolve(sample({}, side));
    await expect(interleave(2, bySide)).rejects.toThrow('results differ: ours on Boardwalk, peer on the peer');
    let runs = 0;
    const byRun = () => Promise.resolve(sample({}, String(Math.floor(runs++ / 2))));
    await expect(interleave(2, byRun)).rejects.toThrow('results differ: 0, 1 on Boardwalk, 0, 1 on the peer');
  });
});

const workload: Workload = {
  name: 'work',
  description: '',
  case: EMPTY,
  metric: 'run',
  cpu: 'runCpu',
};

describe('results', () => {
  const runs = (walls: readonly number[], cpu: number, instructions: number): Sample[] =>
    walls.map((wall) => ({ values: { wall, cpu, guest: wall / 2 }, instructions, allInstructions: 2 * instructions }));
  const empty = { ours: runs([1, 1, 1], 0.5, 0), peer: runs([0.1, 0.2, 0.3], 0.1, 0) };
  const samples = { ours: runs([5, 9, 6], 4.5, 300e6), peer: runs([2.2, 2.1, 2.3], 2.1, 7) };

  it('are medians without the time of an empty program', () => {
    const result = summarize(workload, derive(samples, empty));
    expect(result).toMatchObject({ workload: 'work', metric: 'run', unit: 's', runs: 3, higherIsBetter: false });
    expect(result?.ours).toBeCloseTo(5);
    expect(result?.peer).toBeCloseTo(2);
    expect(result?.ratio).toBeCloseTo(2.5);
    expect(result?.cpuRatio).toBeCloseTo(2);
    expect(result?.samples.ours).toEqual([4, 8, 5]);
    expect(result?.spread.ours).toBeCloseTo(0.8);
    expect(result?.metrics.wall).toMatchObject({ ours: 6, peer: 2.2, unit: 's' });
  });

  it("count instructions as Boardwalk's guest does, for both", () => {
    const derived = derive(samples, empty);
    expect(derived.ours[0]?.values.mips).toBeCloseTo(120);
    expect(derived.peer[0]?.values.mips).toBeCloseTo(300 / 1.1);
    expect(derived.ours[0]?.values.mipsCpu).toBeCloseTo(150);
  });

  it('are absent where the host cannot measure', () => {
    expect(summarize({ ...workload, metric: 'resident' }, samples)).toBeUndefined();
  });
});

describe('results of pairs', () => {
  const side = (...batches: readonly number[]): Sample[] =>
    batches.map((batch) => ({ values: { batch, batchCpu: 2 * batch } }));
  const paced: Workload = { ...workload, metric: 'batch', cpu: 'batchCpu' };

  it('are medians of their ratios, whatever the host did from pair to pair', () => {
    const groups = [
      { ours: side(1.01, 9.09, 3.03), peer: side(1, 9, 3) },
      { ours: side(50.5, 2.02, 2.02), peer: side(50, 2, 2) },
    ];
    const result = summarizePairs(paced, groups);
    expect(result).toMatchObject({ metric: 'batch', runs: 2, batches: 3, unit: 's' });
    for (const value of [result?.ratio, result?.cpuRatio, ...(result?.interval ?? []), ...(result?.cpuInterval ?? [])])
      expect(value).toBeCloseTo(1.01);
    expect(summarizePairs({ ...paced, metric: 'resident' }, groups)).toBeUndefined();
  });

  it('come from guests that work in turn, and are ended', async () => {
    const order: string[] = [];
    const guest = (name: string, step: number): PacedGuest => {
      let done = 0;
      return {
        batch: async () => {
          order.push(name);
          return { values: { batch: step }, checksum: String(done++) };
        },
        end: () => void order.push(`${name} ends`),
      };
    };
    const { ours, peer } = await alternate((side) => Promise.resolve(guest(side, side === 'ours' ? 1 : 2)), 2);
    expect(order.slice(-6)).toEqual(['ours', 'peer', 'peer', 'ours', 'ours ends', 'peer ends']);
    expect([ours, peer].map((samples) => samples.map(({ values }) => values.batch))).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(ours[0]?.checksum).toBe('3'); // the first three are warm-up
    const broken = (side: Side) =>
      side === 'ours' ? Promise.resolve(guest(side, 1)) : Promise.reject(new Error('no'));
    order.length = 0;
    await expect(alternate(broken, 1)).rejects.toThrow('no');
    expect(order).toEqual(['ours ends']);
    const lies = (side: Side): Promise<PacedGuest> => {
      return Promise.resolve({ ...guest(side, 1), batch: () => Promise.resolve({ values: {}, checksum: side }) });
    };
    await expect(alternate(lies, 1)).rejects.toThrow('results differ: ours and peer');
  });
});

describe('the report', () => {
  const result: Result = {
    workload: 'crc32',
    metric: 'run',
    ours: 12.3456789,
    peer: 1.5,
    ratio: 8.2304526,
    unit: 's',
    runs: 5,
    higherIsBetter: false,
    cpuRatio: 8.1,
    spread: { ours: 0.123, peer: 0.02 },
    metrics: { wall: { ours: 13, peer: 1.6, ratio: 8.125, unit: 's' } },
    samples: { ours: [12.3456789], peer: [1.5] },
  };

  it('is one JSON object a line', () => {
    const text = jsonLine(result);
    expect(text).not.toContain('\n');
    expect(JSON.parse(text)).toMatchObject({
      workload: 'crc32',
      ours: 12.3457,
      peer: 1.5,
      ratio: 8.23045,
      cpuRatio: 8.1,
      unit: 's',
      runs: 5,
    });
  });

  it('is a table', () => {
    const small: Result = { ...result, workload: 'startup', ours: 0.25, peer: 0.1, ratio: 2.5 };
    const { ratio: _, cpuRatio: __, ...bare } = result;
    expect([tableHeader(), ...[result, small, { ...bare, unit: 'MiB', ours: 450.4 }].map(tableRow)]).toEqual([
      'workload               ours       peer  unit    ratio  cpu ratio       spread  runs',
      'crc32                  12.3      1.500     s     8.23       8.10       12%/2%     5',
      'startup               0.250      0.100     s     2.50       8.10       12%/2%     5',
      'crc32                   450      1.500   MiB        -          -       12%/2%     5',
    ]);
    expect(
      tableFooter([
        { ...result, ratio: 2 },
        { ...result, ratio: 8 },
      ]),
    ).toBe('geometric mean of 2 ratios of time: 4.00');
    expect(tableFooter([result])).toBeUndefined();
  });

  it('of pairs has intervals', () => {
    const paired: Result = { ...result, ratio: 1.012, interval: [0.984, 1.03], cpuInterval: [8, 8.25], batches: 16 };
    const { cpuRatio: _, ...wallOnly } = paired;
    expect([tableHeader(true), ...[paired, wallOnly].map(tableRow)]).toEqual([
      'workload                       ours     peer  unit         ratio [95%]     cpu ratio [95%]   runs',
      'crc32                          12.3    1.500     s   1.01 [0.98, 1.03]   8.10 [8.00, 8.25]   5x16',
      'crc32                          12.3    1.500     s   1.01 [0.98, 1.03]                   -   5x16',
    ]);
  });
});

describe('a session', () => {
  it('makes the runs of a case once, and those of the empty program only when they are needed', async () => {
    const ran: string[] = [];
    const fake = (name: string): Case => ({
      name,
      prepare: () =>
        Promise.resolve((emulator) => {
          ran.push(`${name} ${emulator.version}`);
          return Promise.resolve(sample({ wall: 2, cpu: 2, guest: 1, init: 1 }));
        }),
    });
    const emulators = { ours: { command: [], version: 'A' }, peer: { command: [], version: 'B' } };
    const shared = fake('shared');
    const session = new Session(emulators, { scale: 1, timeoutMs: 1000, target: DEFAULT_TARGET }, { runs: 2 });
    const first = await session.measure({ ...workload, case: shared, metric: 'init', cpu: 'cpu' });
    const second = await session.measure({ ...workload, case: shared, metric: 'wall', cpu: 'cpu' });
    expect([first.ours, second.ours]).toEqual([1, 2]);
    expect(ran).toEqual(['shared A', 'shared B', 'shared A', 'shared B']);
    await expect(session.measure({ ...workload, case: shared, metric: 'resident', cpu: 'cpu' })).rejects.toThrow(
      'this host cannot measure resident',
    );
  });
});

describe('guests', () => {
  const observation = (output: string, status = 0): Observation => {
    return { wall: 3, cpu: 2, peak: 100, status, output, marks: new Map() };
  };

  it('print a result that is read', () => {
    const line = 'firmware\r\nbench: rounds 8 checksum 1f ticks 25000000 instructions 123 all 456\r\n';
    expect(parseResult(line, DEFAULT_TARGET)).toEqual({
      checksum: '1f',
      seconds: 2.5,
      instructions: 123,
      allInstructions: 456,
    });
    expect(parseResult('bench: rounds 8', DEFAULT_TARGET)).toBeUndefined();
    expect(programSample(observation(line), DEFAULT_TARGET)).toEqual({
      values: { wall: 3, cpu: 2, guest: 2.5, peak: 100 },
      checksum: '1f',
      instructions: 123,
      allInstructions: 456,
    });
    expect(() => programSample(observation(line, 99), DEFAULT_TARGET)).toThrow('ended with status 99');
    expect(() => programSample(observation(''), DEFAULT_TARGET)).toThrow('printed: nothing');
  });

  it('in Linux are timed between marks, and their output is compared', () => {
    const mark = (wall: number, cpu: number) => ({ wall, cpu, resident: 300 });
    const marks = new Map([
      ['init', mark(1, 1)],
      ['shell', mark(2, 2)],
      ['begin', mark(2.5, 2.25)],
      ['end', mark(4, 3)],
    ]);
    const seen = { ...observation('~ # begin-42\r\nresult\r\nend-42\r\n'), marks };
    const task = { name: '', command: '', expect: /^result$/ };
    expect(linuxSample(seen, task)).toEqual({
      values: { wall: 3, cpu: 2, init: 1, shell: 2, peak: 100, resident: 300, overRam: 44, task: 1.5, taskCpu: 0.75 },
      checksum: 'result',
    });
    expect(() => linuxSample(seen, { ...task, expect: /^other$/ })).toThrow("the guest's command printed: result");
  });

  it('have a workload each', () => {
    const cases = new Set(WORKLOADS.map((each) => each.case.name));
    expect(programNames(DEFAULT_TARGET).filter((name) => !cases.has(name) && !cases.has(`${name}-multi`))).toEqual([]);
    expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
  });

  it('need a compiler, which is named', () => {
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      for (const target of TARGETS)
        expect(() => compileProgram('empty', target, 1)).toThrow(`(Debian: ${target.compilerPackage})`);
    } finally {
      process.env.PATH = path;
    }
  });
});

describe('memory backends', () => {
  it('are compared with plain memory by the machine that is made', () => {
    const options = { ...parseBenchOptions(['--backends', '--ours', import.meta.filename]) };
    const pairs = BACKEND_PAIRS.map((pair) => [pair, backendSides(options, pair)] as const);
    const [memfd] = pairs.find(([{ name }]) => name === 'memfd') ?? [];
    expect(memfd?.against).toBeUndefined();
    for (const [{ backend, against }, { ours, peer }] of pairs) {
      expect(ours.command).toEqual(peer.command);
      const object = `${backend},id=bench.ram,size=64M`;
      const asked = backend === undefined ? undefined : ['-object', object, '-M', 'memory-backend=bench.ram'];
      expect(ours.memory?.('64M')).toEqual(asked);
      expect(peer.memory?.('64M')?.[1]).toBe(against === undefined ? undefined : `${against},id=bench.ram,size=64M`);
    }
  });

  it('run some workloads unless others are named, under their own names', () => {
    const pair = BACKEND_PAIRS.find(({ name }) => name === 'memfd');
    if (!pair) throw new Error('no backends');
    const names = (workloads: readonly Workload[]) => backendWorkloads(workloads, pair).map(({ name }) => name);
    expect(names(WORKLOADS)).toEqual(['memfd integer', 'memfd random-walk', 'memfd boot']);
    expect(names(select(['sieve']))).toEqual(['memfd sieve']);
  });

  it('are those that were chosen, and that the host has pages for', () => {
    const chosen = (...args: string[]) =>
      chosenPairs(parseBenchOptions(['--backends', ...args])).map(({ name }) => name);
    expect(chosen('--pairs', 'shm,plain')).toEqual(['plain', 'shm']);
    expect(chosen()).toEqual(BACKEND_PAIRS.map(({ name }) => name));
    expect(() => chosen('--pairs', 'nope')).toThrow('--pairs nope: plain, memfd,');
    const huge = BACKEND_PAIRS.find(({ hugePages }) => hugePages !== undefined);
    if (!huge) throw new Error('no pair needs huge pages');
    const pages = (free: number): string =>
      `HugePages_Total:     200\nHugePages_Free:      ${free}\nHugepagesize:       2048 kB\n`;
    expect(missing(huge, pages(128))).toBeUndefined();
    expect(missing(huge, pages(127))).toBe('it needs 256 MiB of free huge pages, and there are 254 MiB');
    expect(missing(huge, '')).toContain('there are 0 MiB');
  });
});

describe('emulators', () => {
  it('that are missing are named, with the package', () => {
    const options = { ...parseBenchOptions(['--ours', import.meta.filename]) };
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      expect(() => findEmulators(options)).toThrow('qemu-system-riscv64 is not here (Debian: qemu-system-misc, from');
    } finally {
      process.env.PATH = path;
    }
    expect(() => findEmulators({ ...options, node: '/no/node' })).toThrow('--node /no/node: cannot be run');
    expect(() => findEmulators({ ...options, ours: '/no/script.js' })).toThrow('/no/script.js is not there');
    expect(() => findEmulators({ ...options, peer: 'no-such-peer' })).toThrow('the peer no-such-peer is not here');
  });

  it('mistakes are one line and status 1', async () => {
    expect(await main(['--runs', 'x'])).toBe(1);
    expect(await main(['--only', 'nothing'])).toBe(1);
  });
});

describe.skipIf(process.platform === 'win32')('a dialog', () => {
  const node = (script: string) => [process.execPath, '-e', script];
  const ECHO =
    'console.log("ready"); process.stdin.on("data", (d) => console.log("got " + d)); setInterval(() => {}, 9)';

  it('types and waits for what comes next', async () => {
    const dialog = new Dialog(node(ECHO), 20_000);
    await dialog.expect(/ready/);
    for (const text of ['1', '2']) {
      dialog.type(text);
      expect((await dialog.expect(/got (\d)/))[1]).toBe(text);
    }
    if (process.platform === 'linux') expect(dialog.cpu).toBeGreaterThan(0);
    dialog.end();
  });

  it('says what a program printed that ended, or never said it', async () => {
    const ended = new Dialog(node('console.log("panic")'), 20_000);
    await expect(ended.expect(/never/)).rejects.toThrow(/ended before .*never.*; its last output:\n {2}panic/);
    const late = new Dialog(node('setInterval(() => {}, 9)'), 300);
    await expect(late.expect(/never/)).rejects.toThrow('took too long');
    await expect(new Dialog(['/no/program'], 20_000).expect(/x/)).rejects.toThrow('ended before');
  });
});

describe.skipIf(process.platform === 'win32')('a watched process', () => {
  const node = (script: string) => [process.execPath, '-e', script];

  it('is timed and gives its output and status', async () => {
    const script = 'const end = Date.now() + 150; while (Date.now() < end); console.log("done"); process.exitCode = 7';
    const seen = await observe(node(script), { timeoutMs: 20_000 });
    expect(seen).toMatchObject({ status: 7, output: 'done\n' });
    expect(seen.wall).toBeGreaterThan(0.15);
    expect(seen.cpu).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(seen.peak).toBeGreaterThan(10);
  });

  it('is typed to at its marks, and stopped at the last', async () => {
    const script =
      'console.log("ready"); process.stdin.on("data", (d) => console.log("got " + d)); setInterval(() => {}, 9)';
    const steps = [
      { name: 'ready', text: 'ready', type: 'text' },
      { name: 'got', text: 'got text' },
    ];
    const { marks } = await observe(node(script), { steps, stop: true, timeoutMs: 20_000 });
    expect([...marks.keys()]).toEqual(['ready', 'got']);
    expect(marks.get('got')?.wall).toBeGreaterThanOrEqual(marks.get('ready')?.wall ?? Infinity);
  });

  it('that ends before a mark, or never, is an error that shows what it said', async () => {
    const steps = [{ name: 'x', text: 'never' }];
    const early = observe(node('console.log("panic")'), { steps, timeoutMs: 20_000 });
    await expect(early).rejects.toThrow(/ended with status 0 before "never"; its last output:\n {2}panic/);
    const late = observe(node('setInterval(() => {}, 9)'), { timeoutMs: 300 });
    await expect(late).rejects.toThrow('did not end in time');
    await expect(observe(['/no/program'], { timeoutMs: 20_000 })).resolves.toMatchObject({ status: 127 });
  });

  it("has its time in the shell's second line", () => {
    expect(childrenTime('12\n0m0.01s 0m0.02s\n1m2.50s 0m0.25s\n')).toBeCloseTo(62.75);
    expect(childrenTime('12\n0m0,010s 0m0,020s\n0m1,500s 0m0,250s\n')).toBeCloseTo(1.75);
  });
});
