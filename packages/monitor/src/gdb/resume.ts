/** How vCPUs go on: the packets c C s S and vCont. GDB manual, "Packets"; vCont. */
import type { Cpu } from '@boardwalk/core';
import { fromOutside } from './access.ts';
import { hexNumber } from './packet.ts';
import { ERROR, type GdbState, SSTEP } from './state.ts';
import { threadText } from './threads.ts';

/** What a vCPU does: goes on, makes one step, or stays as it is. */
type Action = 'go' | 'step' | 'stay';

const SIGNAL = { interrupt: 2, quit: 3, trap: 5 } as const;

/** Sets the vCPUs going; an error text instead where that cannot be. */
function start(state: GdbState, actions: ReadonlyMap<Cpu, Action>): string | undefined {
  const { machine } = state;
  if (machine === undefined || ![...actions.values()].some((action) => action !== 'stay')) return ERROR.invalid;
  if (machine.state === 'shutdown' || machine.state === 'internal-error') return stopReply(state, SIGNAL.quit);
  state.replay?.keep();
  state.applyPoints();
  let stepping = false;
  for (const cpu of state.cpus) {
    const action = actions.get(cpu) ?? 'stay';
    cpu.held = action === 'stay';
    stepping ||= action === 'step';
    if (cpu.debug !== undefined) {
      cpu.debug.step = action === 'step' ? { noIrq: (state.sstep & SSTEP.noIrq) !== 0 } : undefined;
    }
  }
  machine.resume({ holdTime: stepping && (state.sstep & SSTEP.noTimer) !== 0 });
  return undefined;
}

/** c and C, s and S: at an address, if there is one. Undefined: the answer is the next stop. */
export function resumeAll(state: GdbState, text: string, step: boolean, withSignal: boolean): string | undefined {
  const address = withSignal ? text.split(';')[1] : text;
  const cpu = state.cpu(state.running);
  if (address !== undefined && address !== '') {
    const pc = hexNumber(address);
    if (pc === undefined || cpu?.debug === undefined) return ERROR.invalid;
    const { debug } = cpu;
    fromOutside(state, () => {
      debug.pc = pc;
    });
  }
  return start(state, new Map(state.cpus.map((c) => [c, step && c === cpu ? 'step' : 'go'])));
}

/** vCont;ACTION[:THREAD]... The first action that a thread fits is its own. */
export function resumeThreads(state: GdbState, text: string): string | undefined {
  const actions = new Map<Cpu, Action>();
  for (const part of text.split(';').slice(1)) {
    const [, letter = '', thread] = /^([cCsSt])[0-9a-fA-F]{0,2}(?::(.+))?$/.exec(part) ?? [];
    const action = ({ c: 'go', C: 'go', s: 'step', S: 'step', t: 'stay' } as const)[letter];
    if (action === undefined) return ERROR.invalid;
    const id = thread === undefined ? ({ kind: 'all' } as const) : state.thread(thread);
    if (id === undefined) return ERROR.invalid;
    const current = state.cpu(state.running);
    const cpus = id.kind === 'cpu' ? [id.cpu] : id.kind === 'all' || current === undefined ? state.cpus : [current];
    for (const cpu of cpus) if (!actions.has(cpu)) actions.set(cpu, action);
  }
  return start(state, actions);
}

/** Says that the machine stopped, by a signal, with what more is to be said. */
export function stopReply(state: GdbState, signal: number, details = ''): string {
  const cpu = state.cpu(state.running);
  const thread = cpu === undefined ? '' : `thread:${threadText(cpu, state.multiprocess)};`;
  return `T${signal.toString(16).padStart(2, '0')}${thread}${details}`;
}

export { SIGNAL };
