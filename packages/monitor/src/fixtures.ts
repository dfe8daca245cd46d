// For tests: an emulator without a program around it, and monitors on pipes.
import {
  type BoardDefinition,
  type BwObject,
  createObjectTree,
  Device,
  Machine,
  type MachineOptions,
  noneBoard,
  PipeChar,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
  typeOfClass,
} from '@boardwalk/core';
import type { Emulator } from './emulator.ts';
import { MonitorEvents } from './events.ts';
import { serveHmp } from './hmp/index.ts';
import { type JsonObject, serveQmp } from './qmp/index.ts';

/** What tests look at besides what an {@link Emulator} has. */
export interface TestEmulator extends Emulator {
  readonly machine: Machine;
  /** Times that it was told to quit. */
  readonly quits: number;
  readonly space: RamSpace;
}

/** Types of objects: memory backends and the base of devices. */
export function testTypes(space: RamSpace): TypeRegistry {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  registerMemoryBackends(types, space);
  return types;
}

export interface TestOptions {
  readonly board?: BoardDefinition;
  readonly machine?: MachineOptions;
  /** Registers more types. */
  types?(types: TypeRegistry): void;
  /** Prepares the object tree. */
  tree?(root: BwObject, types: TypeRegistry): void;
  readonly emulator?: Partial<Omit<Emulator, 'machine'>>;
}

/** A machine with an emulator around it. */
export async function testEmulator(options: TestOptions = {}): Promise<TestEmulator> {
  const space = RamSpace.create();
  const types = testTypes(space);
  options.types?.(types);
  const root = createObjectTree();
  options.tree?.(root, types);
  const machine = await Machine.create(options.board ?? noneBoard('riscv64'), {
    root,
    space,
    types,
    accel: 'qtest',
    ...options.machine,
  });
  const events = new MonitorEvents();
  events.follow(machine);
  let quits = 0;
  return {
    name: 'boardwalk-system-riscv64',
    version: '1.2.3',
    arch: 'riscv64',
    root,
    types,
    machine,
    events,
    space,
    quit() {
      quits++;
    },
    get quits() {
      return quits;
    },
    ...options.emulator,
  };
}

/** A QMP client. */
export class QmpClient {
  readonly pipe = new PipeChar();
  readonly session;
  #seen = 0;

  constructor(emulator: Emulator) {
    this.session = serveQmp(emulator, this.pipe);
  }

  /** A client that has ended the negotiation. */
  static async ready(emulator: Emulator, enable: readonly string[] = []): Promise<QmpClient> {
    const client = new QmpClient(emulator);
    await client.ask({ execute: 'qmp_capabilities', arguments: { enable } });
    client.take();
    return client;
  }

  /** All messages that came and have not been taken yet. */
  take(): JsonObject[] {
    const lines = this.pipe.sent.split('\r\n').slice(this.#seen, -1);
    this.#seen += lines.length;
    return lines.map((line) => JSON.parse(line) as JsonObject);
  }

  /** Sends a message, or text, and gives what comes until everything has been answered. */
  async ask(message: object | string): Promise<JsonObject[]> {
    this.pipe.send(typeof message === 'string' ? message : JSON.stringify(message));
    await settled();
    return this.take();
  }

  /** The answer of a command. @throws Error for an error, or no answer */
  async execute(command: string, args?: object): Promise<unknown> {
    const answers = await this.ask({ execute: command, ...(args && { arguments: args }) });
    const answer = answers.find((message) => 'return' in message);
    if (!answer) throw new Error(`${command}: ${JSON.stringify(answers)}`);
    return answer.return;
  }

  /** The error of a command. */
  async fail(command: string, args?: object): Promise<{ readonly class: string; readonly desc: string }> {
    const answers = await this.ask({ execute: command, ...(args && { arguments: args }) });
    const error = answers.find((message) => 'error' in message)?.error;
    if (!error) throw new Error(`${command} did not fail: ${JSON.stringify(answers)}`);
    return error as unknown as { readonly class: string; readonly desc: string };
  }
}

/** A person at an HMP prompt. */
export class HmpClient {
  readonly pipe = new PipeChar();
  readonly session;

  constructor(emulator: Emulator) {
    this.session = serveHmp(emulator, this.pipe);
  }

  /** Enters a line; gives what is shown up to the next prompt, without the echo and with line feeds only. */
  async enter(line: string): Promise<string> {
    const before = this.pipe.sent.length;
    this.pipe.send(`${line}\r`);
    await settled();
    const shown = this.pipe.sent.slice(before).replace(/\(qemu\) $/, '');
    return shown.slice(shown.indexOf('\r\n') + 2).replaceAll('\r\n', '\n');
  }
}

/** When everything that is under way without a timer is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
