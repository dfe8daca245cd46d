// What one run of an emulator gives.

/** Boardwalk, and the emulator that it is compared with. */
export type Side = 'ours' | 'peer';

export const SIDES: readonly Side[] = ['ours', 'peer'];

/**
 * What is measured:
 * - `wall`: the process from start to end; `cpu`: its user and system time;
 * - `run`, `runCpu`: the same less what an empty program takes (median);
 * - `guest`: a program's measured rounds by the guest's own clock (after its warm-up);
 * - `mips`: guest instructions a second in those rounds, by Boardwalk's exact count for both;
 *   `mipsCpu`: instructions of the whole program a second of CPU time, without start-up;
 * - `peak`: the largest resident memory; `resident`: resident memory when the shell's prompt stood;
 *   `overRam`: `resident` less the guest's RAM;
 * - `init`: from start to the kernel's handing over to init; `shell`: from start to the shell's prompt;
 * - `greeting`: from start to QMP's greeting;
 * - `batch`: a program's batch of rounds by the guest's own clock, after its warm-up; `batchCpu`: the CPU time of all
 *   of the emulator's threads for it;
 * - `task`, `taskCpu`: a command typed in the guest, from the return key to its end.
 */
export type Metric =
  | 'wall'
  | 'cpu'
  | 'run'
  | 'runCpu'
  | 'guest'
  | 'mips'
  | 'mipsCpu'
  | 'peak'
  | 'resident'
  | 'overRam'
  | 'init'
  | 'shell'
  | 'greeting'
  | 'batch'
  | 'batchCpu'
  | 'task'
  | 'taskCpu';

/** Units of metrics; times are seconds. */
export const UNITS: Readonly<Record<Metric, string>> = {
  wall: 's',
  cpu: 's',
  run: 's',
  runCpu: 's',
  guest: 's',
  mips: 'MIPS',
  mipsCpu: 'MIPS',
  peak: 'MiB',
  resident: 'MiB',
  overRam: 'MiB',
  init: 's',
  shell: 's',
  greeting: 's',
  batch: 's',
  batchCpu: 's',
  task: 's',
  taskCpu: 's',
};

export type Values = Readonly<Partial<Record<Metric, number>>>;

/** One run. */
export interface Sample {
  /** Metrics that this host and this case have. */
  readonly values: Values;
  /** The guest's result, which must be the same in every run on either side. */
  readonly checksum?: string;
  /** Guest instructions of the measured rounds, as the guest read them. */
  readonly instructions?: number;
  /** The same of everything that the program did. */
  readonly allInstructions?: number;
}

/** Runs of one case, in the order in which they were made. */
export type Samples = Readonly<Record<Side, readonly Sample[]>>;

/** A benchmark that cannot be made or gave something wrong: one line for the user. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
