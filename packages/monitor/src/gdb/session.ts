/**
 * One line to a debugger, in gdb's remote serial protocol. A debugger that connects stops the machine; one that detaches lets
 * it go on. The session outlives connections: the next debugger finds it as new.
 */
import type { CharBackend, Cpu, DebugStop, Machine, RunState } from '@boardwalk/core';
import type { Emulator } from '../emulator.ts';
import type { HmpContext } from '../hmp/command.ts';
import { DEFAULT_FORMAT } from '../hmp/format.ts';
import {
  changePoint,
  readMemory,
  readRegister,
  readRegisters,
  writeMemory,
  writeRegister,
  writeRegisters,
} from './access.ts';
import { encodePacket, PacketReader } from './packet.ts';
import { answerQuery, type QueryContext } from './query.ts';
import { resumeAll, resumeThreads, SIGNAL, stopReply } from './resume.ts';
import { ERROR, GdbState } from './state.ts';

/** Packets that may wait for one that takes long (a monitor command). */
const MOST_WAITING = 64;

/** How {@link serveGdb} serves. */
export interface GdbOptions {
  /** Performs a line of gdb's `monitor`, and gives what it printed; without it HMP does. */
  readonly monitorCommand?: (line: string) => string | Promise<string>;
}

const WATCH_REPLY = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

/** From these a machine goes on. */
const STANDING: ReadonlySet<RunState> = new Set(['paused', 'prelaunch', 'guest-panicked', 'watchdog'] as const);

export class GdbSession {
  readonly #char: CharBackend;
  readonly #options: GdbOptions;
  readonly #state: GdbState;
  readonly #monitor: HmpContext;
  readonly #reader: PacketReader;
  #connected = false;
  #acknowledges = true;
  #last: Uint8Array | undefined;
  /** The debugger waits for the machine to stop. */
  #waiting = false;
  #stop: { readonly cpu: Cpu; readonly stop: DebugStop } | undefined;
  #queue: (string | undefined)[] = [];
  #busy = false;
  #closed = false;
  #watched: Machine | undefined;
  #unwatch: (() => void)[] = [];

  constructor(emulator: Emulator, char: CharBackend, options: GdbOptions) {
    this.#char = char;
    this.#options = options;
    this.#state = new GdbState(emulator);
    this.#monitor = { emulator, cpu: 0, history: [], format: DEFAULT_FORMAT };
    this.#reader = new PacketReader({
      packet: (data) => this.#enqueue(data),
      resend: () => this.#last !== undefined && this.#char.write(this.#last),
      interrupt: () => this.#interrupt(),
      acknowledge: (good) => this.#acknowledge(good),
    });
    char.onData((data) => this.#receive(data));
    char.onEvent?.((event) => {
      if (event === 'open') this.#connect(false);
      if (event === 'close') this.#disconnect();
    });
  }

  /** Ends the service; the machine goes on as if nobody had been there. */
  close(): void {
    this.#closed = true;
    this.#disconnect();
    for (const stop of this.#unwatch) stop();
  }

  #receive(data: Uint8Array): void {
    if (this.#closed) return;
    if (!this.#connected) this.#connect(true);
    // A debugger that talks to a running machine wants it stopped.
    if (this.#waiting && data.some((byte) => byte === 0x24)) this.#interrupt();
    this.#reader.feed(data);
  }

  #connect(speaks: boolean): void {
    if (this.#closed) return;
    const { machine } = this.#state;
    // Before there is a machine that could be stopped, nothing is settled: its first packet comes when there is one.
    this.#connected = speaks || (machine !== undefined && machine.state !== 'prelaunch');
    this.#acknowledges = true;
    this.#last = undefined;
    this.#waiting = false;
    this.#queue = [];
    this.#reader.reset();
    this.#state.reset();
    this.#watchMachine();
    if (this.#options.monitorCommand === undefined) void loadHmp();
    machine?.pause();
  }

  #disconnect(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#waiting = false;
    this.#state.letGo();
  }

  #watchMachine(): void {
    const { machine } = this.#state;
    if (machine === undefined || machine === this.#watched) return;
    this.#watched = machine;
    this.#unwatch.push(
      machine.on('debug', (event) => {
        this.#stop = event;
      }),
      machine.on('stop', () => this.#stopped()),
      machine.on('shutdown', ({ cause, status }) => this.#ended(cause === 'guest' ? status : 0)),
    );
  }

  #interrupt(): void {
    this.#state.machine?.pause();
  }

  /** The machine stopped: whoever waits is told why. */
  #stopped(): void {
    const stop = this.#stop;
    this.#stop = undefined;
    for (const cpu of this.#state.cpus) {
      cpu.held = false;
      if (cpu.debug !== undefined) cpu.debug.step = undefined;
    }
    if (!this.#waiting) return;
    this.#waiting = false;
    if (stop === undefined) {
      this.#send(stopReply(this.#state, SIGNAL.interrupt));
      return;
    }
    this.#state.general = this.#state.running = stop.cpu.index;
    this.#send(stopReply(this.#state, SIGNAL.trap, stopDetails(stop.stop)));
  }

  /** The machine has been turned off. Without `-no-shutdown` that is the end of the program. */
  #ended(status: number): void {
    if (!this.#connected || !this.#waiting) return;
    this.#waiting = false;
    if (this.#state.machine?.actions.shutdown === 'pause') this.#send(stopReply(this.#state, SIGNAL.quit));
    else this.#send(`W${(status & 0xff).toString(16).padStart(2, '0')}`);
  }

  #acknowledge(good: boolean): void {
    if (this.#acknowledges) this.#char.write(Uint8Array.of(good ? 0x2b : 0x2d));
  }

  #send(data: string): void {
    if (!this.#connected) return;
    this.#last = encodePacket(data);
    this.#char.write(this.#last);
  }

  #enqueue(data: string | undefined): void {
    // A peer that does not wait for answers gets none.
    if (this.#queue.length < MOST_WAITING) this.#queue.push(data);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue.length > 0) {
        const data = this.#queue.shift();
        const answer = data === undefined ? ERROR.invalid : this.#answer(data);
        // A promise that is broken is the host's failure: its debugger hears of an error, and goes on.
        const text =
          typeof answer === 'string' || answer === undefined ? answer : await answer.catch(() => ERROR.invalid);
        if (text !== undefined) this.#send(text);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** The answer to a packet; undefined where none is due now. */
  #answer(packet: string): string | undefined | Promise<string> {
    const state = this.#state;
    const text = packet.slice(1);
    switch (packet[0]) {
      case '?':
        state.clearPoints();
        return state.cpus.length === 0 ? 'W00' : stopReply(state, SIGNAL.trap);
      case 'g':
        return readRegisters(state);
      case 'G':
        return writeRegisters(state, text);
      case 'p':
        return readRegister(state, text);
      case 'P':
        return writeRegister(state, text);
      case 'm':
        return readMemory(state, text);
      case 'M':
        return writeMemory(state, text, false);
      case 'X':
        return writeMemory(state, text, true);
      case 'Z':
      case 'z':
        return changePoint(state, text, packet[0] === 'Z');
      case 'c':
      case 's':
      case 'C':
      case 'S':
        return this.#wait(() => resumeAll(state, text, /[sS]/.test(packet), /[CS]/.test(packet)));
      case 'H':
        return this.#chooseThread(text);
      case 'T':
        return state.thread(text)?.kind === 'cpu' ? 'OK' : ERROR.invalid;
      case 'D':
        return this.#detach();
      case 'k':
        state.emulator.quit();
        return undefined;
      case 'R':
        state.machine?.reset('host');
        return undefined;
      case 'b':
        return this.#goBack(packet);
      case 'v':
        return this.#answerLong(packet);
      case 'q':
      case 'Q':
        return answerQuery(this.#queryContext(), packet);
      default:
        return '';
    }
  }

  #answerLong(packet: string): string | undefined {
    if (packet === 'vCont?') return 'vCont;c;C;s;S;t';
    if (packet.startsWith('vCont;')) return this.#wait(() => resumeThreads(this.#state, packet));
    if (!packet.startsWith('vKill;')) return '';
    this.#send('OK');
    this.#state.emulator.quit();
    return undefined;
  }

  /** Sets the machine going. The stop may come before that returns. */
  #wait(resume: () => string | undefined): string | undefined {
    this.#waiting = true;
    const error = resume();
    if (error !== undefined) this.#waiting = false;
    return error;
  }

  /** bs and bc: a step or a run back in time. */
  #goBack(packet: string): string {
    const { replay } = this.#state;
    if (replay === undefined || (packet !== 'bs' && packet !== 'bc')) return '';
    const cpu = this.#state.cpu(this.#state.running);
    if (cpu === undefined) return ERROR.invalid;
    const end = packet === 'bs' ? replay.step(cpu) : replay.continue(this.#state.points());
    if (end.reason !== 'begin') this.#state.running = this.#state.general = end.cpu.index;
    return stopReply(this.#state, SIGNAL.trap, end.reason === 'begin' ? 'replaylog:begin;' : stopDetails(end));
  }

  /** Hg and Hc with a thread. */
  #chooseThread(text: string): string {
    const id = this.#state.thread(text.slice(1));
    if (id === undefined) return ERROR.invalid;
    if (id.kind !== 'cpu') return 'OK';
    if (text[0] === 'g') this.#state.general = id.cpu.index;
    else if (text[0] === 'c') this.#state.running = id.cpu.index;
    else return ERROR.invalid;
    return 'OK';
  }

  #detach(): string {
    const { machine } = this.#state;
    this.#state.letGo();
    if (machine !== undefined && STANDING.has(machine.state)) machine.resume();
    return 'OK';
  }

  async #humanMonitor(line: string): Promise<string> {
    const { executeHmp } = await loadHmp();
    this.#monitor.cpu = this.#state.general;
    return executeHmp(this.#monitor, line);
  }

  #queryContext(): QueryContext {
    return {
      state: this.#state,
      monitorCommand: this.#options.monitorCommand ?? ((line) => this.#humanMonitor(line)),
      send: (data) => this.#send(data),
      stopAcknowledging: () => {
        this.#acknowledges = false;
      },
      features: this.#state.replay === undefined ? [] : ['ReverseStep+', 'ReverseContinue+'],
    };
  }
}

/** The human monitor comes when a debugger does: later, gdb would lose its patience. */
function loadHmp(): Promise<typeof import('../hmp/execute.ts')> {
  return import('../hmp/execute.ts');
}

function stopDetails(stop: DebugStop): string {
  if (stop.reason !== 'watchpoint') return '';
  const { kind, address } = stop.watchpoint;
  return `${WATCH_REPLY[kind]}:${address.toString(16)};`;
}

/** Serves debuggers on a line, one after the other. */
export function serveGdb(emulator: Emulator, char: CharBackend, options: GdbOptions = {}): { close(): void } {
  return new GdbSession(emulator, char, options);
}
