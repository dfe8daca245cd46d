// A program that runs on while others do: what it prints is waited for, and what it should do next is typed.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { BenchError } from './sample.ts';

const NS_PER_SECOND = 1e9;
const TAIL_LINES = 12;

export class Dialog {
  private readonly program: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly timeoutMs: number;
  private output = '';
  private searched = 0;
  private ended = false;
  private wake: () => void = () => {};

  /** @param timeoutMs what each wait may take */
  constructor([program = '', ...args]: readonly string[], timeoutMs: number) {
    this.program = program;
    this.timeoutMs = timeoutMs;
    this.child = spawn(program, args);
    const { stdin, stdout, stderr } = this.child;
    stdin.on('error', () => {}); // it ended while something was typed; the next wait tells
    for (const stream of [stdout, stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.wake();
      });
    }
    for (const event of ['error', 'close']) {
      this.child.on(event, () => {
        this.ended = true;
        this.wake();
      });
    }
    process.once('exit', this.end);
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  /**
   * Waits for what it prints next.
   *
   * @throws BenchError when it ends first, or the time is over.
   */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = performance.now() + this.timeoutMs;
    for (;;) {
      const found = pattern.exec(this.output.slice(this.searched));
      if (found) {
        this.searched += found.index + found[0].length;
        return found;
      }
      const left = deadline - performance.now();
      if (this.ended || left <= 0) throw this.failure(pattern);
      await this.more(left);
    }
  }

  private more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private failure(pattern: RegExp): BenchError {
    this.end();
    const what = this.ended ? 'ended' : 'took too long';
    const lines = this.output.trimEnd().replaceAll('\r', '').split('\n').slice(-TAIL_LINES);
    return new BenchError(
      `${this.program} ${what} before ${pattern}; its last output:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    );
  }

  /** Seconds of CPU time of the threads that it has now, finer than the kernel's ticks (Linux hosts only). */
  get cpu(): number | undefined {
    try {
      const tasks = `/proc/${this.child.pid}/task`;
      const ran = readdirSync(tasks).map((task) => parseInt(readFileSync(`${tasks}/${task}/schedstat`, 'latin1'), 10));
      return ran.reduce((sum, ns) => sum + ns, 0) / NS_PER_SECOND;
    } catch {
      return undefined; // a thread ended meanwhile, or this is not Linux
    }
  }

  readonly end = (): void => {
    process.off('exit', this.end);
    this.child.kill('SIGKILL');
  };
}
