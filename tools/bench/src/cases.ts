// What is run: a machine, what it boots, and what a run's sample is made of. Several workloads may look at one case.
import type { Emulator } from './emulators.ts';
import { compileProgram, initrdWith, parseResult } from './guest.ts';
import { type Observation, observe, type Step } from './process.ts';
import { BenchError, type Sample } from './sample.ts';
import type { Target } from './target.ts';

/** Something to run on either side. */
export interface Case {
  readonly name: string;
  /** Gets ready what a run needs, once. */
  prepare(context: Context): Promise<PreparedCase>;
}

export type PreparedCase = (emulator: Emulator) => Promise<Sample>;

export interface Context {
  readonly scale: number;
  readonly timeoutMs: number;
  readonly target: Target;
}

const LINUX_RAM_MIB = 256;
const PROGRAM_RAM = '64M';
const INIT_TEXT = 'Run /init as init process';
const PROMPT = '~ # ';

/** How many vCPUs a machine has, and on threads of the host or in turn on one. */
export interface Cpus {
  readonly count: number;
  /** Undefined: as the emulator has it by itself. */
  readonly thread?: 'multi' | 'single';
}

const ONE_CPU: Cpus = { count: 1 };

const cpuOptions = ({ count, thread }: Cpus): string[] => [
  ...['-smp', String(count)],
  ...(thread === undefined ? [] : ['-accel', `tcg,thread=${thread}`]),
];

const nameWith = (name: string, { thread }: Cpus): string => (thread === undefined ? name : `${name}-${thread}`);

/** A bare-metal program of guest/. */
export function programCase(name: string, cpus = ONE_CPU): Case {
  return {
    name: nameWith(name, cpus),
    prepare: async ({ scale, timeoutMs, target }) => {
      const elf = compileProgram(name, target, scale);
      return async (emulator) => {
        return programSample(await observe(programCommand(emulator, target, elf, cpus), { timeoutMs }), target);
      };
    },
  };
}

/** The command that runs a program. */
export function programCommand({ command, memory }: Emulator, target: Target, elf: string, cpus = ONE_CPU): string[] {
  const machine = [...target.machine, '-m', PROGRAM_RAM, '-nographic', '-kernel', elf];
  return [...command, ...(memory?.(PROGRAM_RAM) ?? []), ...machine, ...cpuOptions(cpus)];
}

/** What a program's run gives. */
export function programSample({ wall, cpu, peak, status, output }: Observation, target: Target): Sample {
  const result = parseResult(output, target);
  if (result === undefined || status !== 0) {
    throw new BenchError(`the guest ended with status ${status} and printed: ${output.trim() || 'nothing'}`);
  }
  const values = { wall, cpu, guest: result.seconds, ...(peak === undefined ? {} : { peak }) };
  const { checksum, instructions, allInstructions } = result;
  return { values, checksum, ...(target.countsInstructions ? { instructions, allInstructions } : {}) };
}

/** The empty machine, from the program's start to QMP's greeting: what every client that starts an emulator waits for. */
export function greetingCase(): Case {
  const machine = ['-M', 'none', '-display', 'none', '-qmp', 'stdio'];
  return {
    name: 'greeting',
    prepare: async ({ timeoutMs }) => {
      const options = { steps: [{ name: 'greeting', text: '{"QMP"' }], stop: true, timeoutMs };
      return async ({ command }) => greetingSample(await observe([...command, ...machine], options));
    },
  };
}

/** What a start of the empty machine gives. */
export function greetingSample({ wall, cpu, peak, marks }: Observation): Sample {
  const greeting = marks.get('greeting')?.wall;
  if (greeting === undefined) throw new BenchError('there was no greeting');
  return { values: { wall, cpu, greeting, ...(peak === undefined ? {} : { peak }) } };
}

/** A command for the guest's shell, whose output is compared. */
export interface Task {
  readonly name: string;
  readonly command: string;
  /** What its output must look like. */
  readonly expect: RegExp;
  /** A program of guest/linux that it needs. */
  readonly program?: string;
}

/** Debian's Linux to its shell's prompt, and a command there. */
export function linuxCase(cpus: Cpus, task?: Task): Case {
  return {
    name: nameWith(task?.name ?? `linux-${cpus.count}`, cpus),
    prepare: async ({ timeoutMs, target }) => {
      const program = task?.program;
      const prepare = (initrd: string) => (program === undefined ? initrd : initrdWith(program, initrd, target));
      const args = [...(await target.linux(prepare)), '-m', `${LINUX_RAM_MIB}M`, ...cpuOptions(cpus), '-nographic'];
      const options = { steps: linuxSteps(task), stop: true, timeoutMs };
      return async ({ command, memory }) => {
        const all = [...command, ...(memory?.(`${LINUX_RAM_MIB}M`) ?? []), ...args];
        return linuxSample(await observe(all, options), task);
      };
    },
  };
}

/** The end's text is put together by the guest's shell, so that the echo of what was typed is not taken for it. */
function linuxSteps(task: Task | undefined): Step[] {
  const init = { name: 'init', text: INIT_TEXT };
  if (task === undefined) return [init, { name: 'shell', text: PROMPT }];
  const type = `echo begin-$((6 * 7)); ${task.command}; echo end-$((6 * 7))\r`;
  return [
    init,
    { name: 'shell', text: PROMPT, type },
    { name: 'begin', text: 'begin-42' },
    { name: 'end', text: 'end-42' },
  ];
}

/** What a run of Linux gives. */
export function linuxSample({ wall, cpu, peak, output, marks }: Observation, task?: Task): Sample {
  const values: Record<string, number> = { wall, cpu };
  const set = (name: string, value: number | undefined) => {
    if (value !== undefined) values[name] = value;
  };
  const [init, shell, begin, end] = ['init', 'shell', 'begin', 'end'].map((name) => marks.get(name));
  set('init', init?.wall);
  set('shell', shell?.wall);
  set('peak', peak);
  set('resident', shell?.resident);
  if (shell?.resident !== undefined) set('overRam', shell.resident - LINUX_RAM_MIB);
  if (!begin || !end) return { values };
  set('task', end.wall - begin.wall);
  if (begin.cpu !== undefined && end.cpu !== undefined) set('taskCpu', end.cpu - begin.cpu);
  const checksum = between(output.replaceAll('\r', ''), 'begin-42', 'end-42');
  if (!(task?.expect.test(checksum) ?? true))
    throw new BenchError(`the guest's command printed: ${checksum || 'nothing'}`);
  return { values, checksum };
}

function between(text: string, from: string, to: string): string {
  const start = text.indexOf(from) + from.length;
  return text.slice(start, text.indexOf(to, start)).trim();
}
