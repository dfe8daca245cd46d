// The workloads by name.
import { type Case, greetingCase, linuxCase, programCase, type Task } from './cases.ts';
import { type PacedCase, pacedProgram } from './paced.ts';
import type { Metric } from './sample.ts';

/** A number to report, from a case's runs. */
export interface Workload {
  readonly name: string;
  readonly description: string;
  readonly case: Case;
  /** The same in batches, where that can be. */
  readonly paced?: PacedCase;
  /** The number that the ratio is of. */
  readonly metric: Metric;
  /** The CPU time that goes with it. */
  readonly cpu: Metric;
  /** Whether more is better; otherwise less is. */
  readonly higherIsBetter?: boolean;
}

/** What an empty program takes is taken off the other programs' times. */
export const EMPTY = programCase('empty');

const linux1 = linuxCase({ count: 1 });
const integer = programCase('integer');

const PROGRAMS: readonly (readonly [string, string])[] = [
  ['sha256', 'SHA-256 of 64 KiB'],
  ['crc32', 'CRC-32 by a table'],
  ['memcpy', 'copies and fills of 64 KiB'],
  ['sieve', 'primes below a million'],
  ['recursion', 'Fibonacci, Ackermann, Hanoi'],
  ['switch', 'an interpreter with a switch'],
  ['indirect', 'calls through pointers'],
  ['random-walk', 'dependent loads all over 8 MiB'],
  ['linked-list', 'sorted lists: insert, find, reverse, remove'],
  ['linpack', 'Gaussian elimination in doubles'],
  ['matmul', 'product of matrices of doubles'],
  ['mandelbrot', 'doubles in registers'],
  ['string-search', 'words in a text'],
];

const FORK_LOOP = 'i=0; while [ $i -lt 100 ]; do /bin/echo $i | /bin/cat; i=$((i + 1)); done | /usr/bin/md5sum';
const GZIP = 'for i in 1 2 3; do /bin/gzip -c /bin/busybox | /bin/gunzip -c | /usr/bin/md5sum; done';
const MD5 = /^([0-9a-f]{32} {2}-\n?)+$/;

/** A compiler's work on so many files, each in a process of its own. */
export const compileTask = (files: number): Task => ({
  name: 'linux-compile',
  command: `/bin/compile ${files} | /usr/bin/md5sum`,
  expect: MD5,
  program: 'compile',
});

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'greeting',
    description: "from the program's start to QMP's greeting, machine none",
    case: greetingCase(),
    metric: 'greeting',
    cpu: 'cpu',
  },
  program('startup', 'start and end of a machine with an empty program', EMPTY, 'wall', 'cpu'),
  {
    ...program('integer', 'lists, matrices, a state machine, CRCs: CoreMark-like', integer),
    paced: pacedProgram('integer'),
  },
  {
    ...program('mips', 'million guest instructions a second in integer, after warm-up', integer, 'mips'),
    higherIsBetter: true,
  },
  ...PROGRAMS.map(([name, description]) => ({
    ...program(name, description, programCase(name)),
    paced: pacedProgram(name),
  })),
  ...(['single', 'multi'] as const).map((thread) =>
    program(
      thread === 'single' ? 'smp4' : 'smp4-multi',
      `4 processors that compute, thread=${thread} on both sides`,
      programCase('smp', { count: 4, thread }),
    ),
  ),
  { name: 'boot', description: 'Linux, from start to init', case: linux1, metric: 'init', cpu: 'cpu' },
  {
    name: 'boot-shell',
    description: "Linux, from start to the shell's prompt",
    case: linux1,
    metric: 'shell',
    cpu: 'cpu',
  },
  ...(['single', 'multi'] as const).map((thread) => ({
    name: thread === 'single' ? 'boot-smp4' : 'boot-smp4-multi',
    description: `Linux with 4 processors, to init, thread=${thread} on both sides`,
    case: linuxCase({ count: 4, thread }),
    metric: 'init' as const,
    cpu: 'cpu' as const,
  })),
  {
    name: 'memory',
    description: 'resident memory after boot, 256 MiB of RAM',
    case: linux1,
    metric: 'resident',
    cpu: 'cpu',
  },
  inLinux('200 programs started in pipes, in Linux', { name: 'linux-forkexec', command: FORK_LOOP, expect: MD5 }),
  inLinux('gzip and gunzip of 1.6 MB, three times, in Linux', { name: 'linux-gzip', command: GZIP, expect: MD5 }),
  inLinux('a small compiler, a process for each of 10 files, in Linux', compileTask(10)),
];

function program(
  name: string,
  description: string,
  of: Case,
  metric: Metric = 'run',
  cpu: Metric = 'runCpu',
): Workload {
  return { name, description, case: of, metric, cpu };
}

function inLinux(description: string, task: Task): Workload {
  return { name: task.name, description, case: linuxCase({ count: 1 }, task), metric: 'task', cpu: 'taskCpu' };
}
