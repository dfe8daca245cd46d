// Runs an emulator and watches it from outside: its console, wall and CPU time, resident memory.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { BenchError } from './sample.ts';

/** Wait for a text on the console, note when it came, and type something. */
export interface Step {
  readonly name: string;
  readonly text: string;
  readonly type?: string;
}

/** What was seen when a step's text came. */
export interface Mark {
  /** Seconds since the start. */
  readonly wall: number;
  /** Seconds of user and system time until then (Linux hosts only, to 10 ms). */
  readonly cpu: number | undefined;
  /** Resident memory, MiB (Linux hosts only). */
  readonly resident: number | undefined;
}

/** A run that is over. */
export interface Observation {
  readonly wall: number;
  /** Seconds of user and system time, to 10 ms. */
  readonly cpu: number;
  /** Largest resident memory, MiB (Linux hosts only). */
  readonly peak: number | undefined;
  /** Exit status; 128 and the signal's number when a signal ended it. */
  readonly status: number;
  readonly output: string;
  readonly marks: ReadonlyMap<string, Mark>;
}

export interface ObserveOptions {
  readonly steps?: readonly Step[];
  /** End the process when the last step was reached, which otherwise ends by itself. */
  readonly stop?: boolean;
  readonly timeoutMs: number;
}

// The shell waits for the program and says what its children took; Node has no such call. It gives a program in the
// background an empty standard input, hence the detour.
const WAITER =
  'exec 4<&0; "$@" <&4 4<&- 3>&- & exec 4<&-; echo "$!" >&3; wait "$!"; status=$?; times >&3; exit "$status"';
const MEMORY_POLL_MS = 20;
const TICKS_PER_SECOND = 100; // USER_HZ, of /proc
const KIB_PER_MIB = 1024;
const TAIL_LINES = 12;

/**
 * Runs a program to its end, or to its last step.
 *
 * @throws BenchError when it cannot be started, takes too long, or ends before its last step.
 */
export function observe(command: readonly string[], options: ObserveOptions): Promise<Observation> {
  return new Watch(command, options).result;
}

class Watch {
  readonly result: Promise<Observation>;
  private readonly command: readonly string[];
  private readonly options: ObserveOptions;
  private readonly start = performance.now();
  private readonly shell: ChildProcess;
  private readonly marks = new Map<string, Mark>();
  private readonly timers: NodeJS.Timeout[] = [];
  private output = '';
  private searched = 0;
  private report = '';
  private peak: number | undefined;
  private failure: string | undefined;
  private endedAt: number | undefined;

  constructor(command: readonly string[], options: ObserveOptions) {
    this.command = command;
    this.options = options;
    this.shell = spawn('sh', ['-c', WAITER, 'sh', ...command], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    const [stdin, stdout, stderr, report] = this.shell.stdio as unknown as [Writable, Readable, Readable, Readable];
    stdin.on('error', () => {}); // it ended while something was typed; the status tells
    for (const stream of [stdout, stderr]) stream.setEncoding('utf8').on('data', (text: string) => this.read(text));
    report.setEncoding('utf8').on('data', (text: string) => {
      if (this.report.includes('\n')) this.endedAt ??= performance.now();
      this.report += text;
    });
    this.timers.push(setTimeout(() => this.fail('did not end in time'), options.timeoutMs));
    this.timers.push(setInterval(() => this.notePeak(), MEMORY_POLL_MS));
    process.once('exit', this.kill);
    this.result = this.finish();
  }

  private async finish(): Promise<Observation> {
    const status = await new Promise<number>((resolve, reject) => {
      this.shell.on('error', (error) => reject(new BenchError(`cannot start sh: ${error.message}`)));
      this.shell.on('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    }).finally(() => {
      for (const timer of this.timers) clearTimeout(timer);
      process.off('exit', this.kill);
    });
    const wall = ((this.endedAt ?? performance.now()) - this.start) / 1000;
    const missing = this.nextStep();
    if (missing !== undefined) this.failure ??= `ended with status ${status} before ${JSON.stringify(missing.text)}`;
    if (this.failure !== undefined) throw new BenchError(`${this.command[0]} ${this.failure}${this.tail()}`);
    const { output, peak, marks } = this;
    return { wall, cpu: childrenTime(this.report), peak, status, output, marks };
  }

  private read(text: string): void {
    this.output += text;
    for (let step = this.nextStep(); step !== undefined; step = this.nextStep()) {
      const at = this.output.indexOf(step.text, this.searched);
      if (at < 0) return;
      this.searched = at + step.text.length;
      this.reach(step);
    }
  }

  private nextStep(): Step | undefined {
    return this.options.steps?.[this.marks.size];
  }

  private reach(step: Step): void {
    const wall = (performance.now() - this.start) / 1000;
    this.notePeak();
    this.marks.set(step.name, { wall, cpu: this.cpuSoFar(), resident: this.memory('VmRSS') });
    if (step.type !== undefined) this.shell.stdin?.write(step.type);
    // In an orderly way: an emulator may leave something for its next start.
    if (this.options.stop && this.nextStep() === undefined) this.signal('SIGTERM');
  }

  private fail(reason: string): void {
    this.failure = reason;
    this.kill();
  }

  /** The program's process number, which the shell tells first. */
  private get pid(): number | undefined {
    const [line] = /^\d+(?=\n)/.exec(this.report) ?? [];
    return line === undefined ? undefined : Number(line);
  }

  private readonly kill = (): void => this.signal('SIGKILL');

  private signal(signal: NodeJS.Signals): void {
    try {
      if (this.pid !== undefined) process.kill(this.pid, signal);
    } catch {
      // it ended by itself
    }
  }

  private notePeak(): void {
    const now = this.memory('VmHWM');
    if (now !== undefined) this.peak = Math.max(now, this.peak ?? 0);
  }

  /** A line of /proc's status in MiB. */
  private memory(field: 'VmHWM' | 'VmRSS'): number | undefined {
    const found = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(this.procFile('status'));
    return found?.[1] === undefined ? undefined : Number(found[1]) / KIB_PER_MIB;
  }

  private cpuSoFar(): number | undefined {
    // proc(5): the name in parentheses is field 2, utime field 14, stime field 15.
    const fields = this.procFile('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : undefined;
  }

  private procFile(name: string): string {
    try {
      return this.pid === undefined ? '' : readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
    } catch {
      return ''; // ended, or not Linux
    }
  }

  private tail(): string {
    const lines = this.output.trimEnd().replaceAll('\r', '').split('\n').slice(-TAIL_LINES);
    return lines.join('') === '' ? '' : `; its last output:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  }
}

/** Seconds in the second line of the shell's `times`: user and system time of its children. */
export function childrenTime(report: string): number {
  const times = report.trimEnd().split('\n').at(-1) ?? '';
  let seconds = 0;
  for (const [, minutes, rest] of times.matchAll(/(\d+)m([\d.,]+)s/g)) {
    seconds += Number(minutes) * 60 + Number(rest?.replace(',', '.'));
  }
  return seconds;
}
