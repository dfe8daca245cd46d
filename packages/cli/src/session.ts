// One emulated computer and the program around it: objects, lines and drives first, then the machine, at once or when a monitor says so.

import {
  addUserObject,
  BlockNodes,
  type BoardDefinition,
  type BwObject,
  type CharBackend,
  type CodeStore,
  type CpuModelInfo,
  type CpuModelQueries,
  type DriveOptions,
  devicesOf,
  type ExitInfo,
  type HostMemory,
  InstructionClockSource,
  Machine,
  type MachineOptions,
  type NoHostMemory,
  type NumaPlan,
  planNuma,
  type RamSpace,
  type SemihostingOptions,
  type Tracer,
  type TypeRegistry,
  UserError,
  VirtualClock,
} from '@boardwalk/core';
import { nodeVcpuThreads } from '@boardwalk/host-node';
import {
  type ChardevInfo,
  type ChardevMaker,
  type CommandLineOption,
  type CompatPolicy,
  type Emulator,
  MonitorEvents,
  type NetdevMaker,
  type OutgoingTarget,
  type OutputFile,
  type Preconfig,
  type ReplacementFile,
} from '@boardwalk/monitor';
import { architectureModule } from './architectures.ts';
import { openBlockdev, readBlockdev, resolveFiles } from './config/blockdevs.ts';
import { ChardevTable, LazyLine, type LineHost } from './config/chardevs.ts';
import { Descriptors } from './config/descriptors.ts';
import { closeDrives, openDrives } from './config/drives.ts';
import { nameFile } from './config/files.ts';
import { physicalAddress } from './config/host-address.ts';
import { takeIncoming } from './config/incoming.ts';
import { chardevOf } from './config/lines.ts';
import type { LogOutput } from './config/log.ts';
import { parseMigrationUri } from './config/migration-uri.ts';
import { Netdevs, readNetdev } from './config/netdevs.ts';
import { createOutputFile, replaceOutputFile } from './config/output-file.ts';
import type { MachineHook } from './config/plugins.ts';
import { Profile } from './config/profile.ts';
import type { SemihostingSpec } from './config/semihosting.ts';
import type { ServiceSpec } from './config/services.ts';
import { endObjects } from './config/user-objects.ts';
import { Debugging } from './debugging.ts';
import { forOption, forOptionAsync, forOptionNamed } from './options/command-line.ts';
import { commandLineOptions } from './options/describe.ts';
import { KeyValues } from './options/key-values.ts';
import { type Plan, withFile } from './plan.ts';
import { serve } from './serve.ts';

/** What a plan needs to become a machine. */
export interface SessionContext {
  /** Name of the program. */
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly space: RamSpace;
  /** Where translated code is kept for later runs. */
  readonly codeStore: CodeStore | undefined;
  readonly hostMemory?: HostMemory | NoHostMemory;
  readonly types: TypeRegistry;
  /** The object tree. */
  readonly root: BwObject;
  readonly log: LogOutput;
  readonly trace: Tracer;
  readonly lineHost: LineHost;
  readonly guestName: string | undefined;
  readonly uuid: string | undefined;
  /** Boards and CPU models of the architecture, as far as it is loaded. */
  boards(): readonly BoardDefinition[];
  cpuModels(): readonly CpuModelInfo[];
  cpuModelQueries(): CpuModelQueries | undefined;
  /** What loaded modules do with the machine once it is made. */
  readonly hooks: readonly MachineHook[];
  /** A monitor ends the program. */
  readonly quit: () => void;
  /** Done when every type is known; monitors wait for it with their answers. */
  readonly complete: Promise<void>;
}

/** An emulated computer with what belongs to it on the host. */
export class Session implements Emulator {
  readonly events = new MonitorEvents();
  readonly #plan: Plan;
  readonly #context: SessionContext;
  readonly #chardevs: ChardevTable;
  readonly #netdevs = new Netdevs();
  readonly #serials: LazyLine[] = [];
  readonly #services: { readonly spec: ServiceSpec; readonly line: CharBackend }[] = [];
  readonly #nodes = new BlockNodes();
  readonly descriptors: Descriptors;
  readonly debugging: Debugging;
  #drives: DriveOptions[] = [];
  #semihosting: SemihostingOptions | undefined;
  #numa: NumaPlan | undefined;
  #machine: Machine | undefined;
  #profile: Profile | undefined;
  /** What loaded modules want done at the end. */
  readonly #ends: (() => unknown)[] = [];
  #building: Promise<Machine> | undefined;
  #incoming: Promise<void> | undefined;
  #refuse: (error: unknown) => void = () => {};
  #waiting: ((machine: Machine) => void) | undefined;

  private constructor(plan: Plan, context: SessionContext) {
    this.#plan = plan;
    this.#context = context;
    this.descriptors = new Descriptors(plan.fdSets);
    this.#chardevs = new ChardevTable(context.root, { ...context.lineHost, onCommit: () => void this.#commit() });
    this.debugging = new Debugging(this.#chardevs, (service, line) => serve(service, this, line, context.complete));
  }

  /** Ctrl-a s: what the drives have kept in memory goes to their files. */
  async #commit(): Promise<void> {
    for (const { backend } of this.#drives) {
      try {
        await backend.commit?.();
      } catch (error) {
        this.#context.lineHost.note(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Takes what a machine is made from. When that fails, nothing is left open. @throws UserError for whatever the user got wrong */
  static async open(plan: Plan, context: SessionContext): Promise<Session> {
    const session = new Session(plan, context);
    try {
      await session.#open();
    } catch (error) {
      await session.#abandon();
      throw error;
    }
    return session;
  }

  get name(): string {
    return this.#context.name;
  }

  get version(): string {
    return this.#context.version;
  }

  get arch(): string {
    return this.#context.arch;
  }

  get root(): BwObject {
    return this.#context.root;
  }

  get types(): TypeRegistry {
    return this.#context.types;
  }

  get machine(): Machine | undefined {
    return this.#machine;
  }

  get guestName(): string | undefined {
    return this.#context.guestName;
  }

  get uuid(): string | undefined {
    return this.#context.uuid;
  }

  get boards(): readonly BoardDefinition[] {
    return this.#context.boards();
  }

  get cpuModels(): readonly CpuModelInfo[] {
    return this.#context.cpuModels();
  }

  get cpuModelQueries(): CpuModelQueries | undefined {
    return this.#context.cpuModelQueries();
  }

  /** All guest code runs in the one thread of Node's event loop, whose number is the process's. */
  get threadId(): number {
    return process.pid;
  }

  createFile(name: string): Promise<OutputFile> {
    return createOutputFile(this.#plan.fdSets.resolve(name, 'write'));
  }

  replaceFile(name: string): Promise<ReplacementFile> {
    return replaceOutputFile(this.#plan.fdSets.resolve(name, 'write'));
  }

  openBlockNode(nodes: BlockNodes, options: Readonly<Record<string, unknown>>): Promise<void> {
    return openBlockdev(nodes, resolveFiles(readBlockdev(options, true), this.#plan.fdSets));
  }

  get chardevs(): readonly ChardevInfo[] {
    return this.#chardevs.list;
  }

  async openOutgoing(uri: string): Promise<OutgoingTarget> {
    const { openOutgoing, there } = await import('./config/outgoing.ts');
    const [, name] = /^fd:(\D.*)$/s.exec(uri) ?? [];
    const [, file] = /^file:(.*)$/s.exec(uri) ?? [];
    if (file !== undefined) return there(await this.replaceFile(file));
    return openOutgoing(name === undefined ? uri : `fd:${this.descriptors.take(name)}`);
  }

  async takeIncoming(uri: string): Promise<void> {
    if (this.#incoming !== undefined) throw new UserError('The incoming migration has already been started');
    parseMigrationUri(uri);
    this.#incoming = this.#goOnFrom(uri);
    this.#incoming.catch((error: unknown) => this.#refuse(error));
  }

  /** Runs the machine to its end. Rejects when what it is to go on from does not come, or is not for it. */
  async run(machine: Machine): Promise<ExitInfo> {
    const { incoming } = this.#plan;
    const refused = new Promise<never>((_, reject) => {
      this.#refuse = reject;
    });
    if (incoming?.kind === 'stream') await this.takeIncoming(incoming.uri);
    return Promise.race([machine.run(), refused]);
  }

  async #goOnFrom(uri: string): Promise<void> {
    const machine = await this.made();
    const { takeIncomingStream } = await import('./config/incoming-stream.ts');
    await takeIncomingStream(machine, uri);
    machine.goOnFromIncoming();
  }

  readonly lines: ChardevMaker = {
    add: (options) => this.#chardevs.addNow(withFile(chardevOf(KeyValues.of(options)), this.#plan.fdSets)),
    remove: (id) => this.#chardevs.remove(id),
  };

  readonly netdevs: NetdevMaker = {
    list: () => this.#netdevs.list,
    add: (options) => this.#netdevs.addNow(readNetdev(KeyValues.of(options))),
    remove: (id) => {
      const backend = this.#netdevs.remove(id);
      if (backend) this.#machine?.netdevs.lose(backend);
      return backend !== undefined;
    },
  };

  /** Tells of each -global for a type that there is not; to be called when every type is known. */
  warnOfGlobals(): void {
    const made = this.#machine === undefined ? [] : devicesOf(this.#machine);
    for (const { driver, property } of this.#plan.globals) {
      if (this.types.get(driver) !== undefined || made.some((device) => device.isA(driver))) continue;
      this.#context.lineHost.note(`warning: global ${driver}.${property} has invalid class name`);
    }
  }

  get commandLineOptions(): readonly CommandLineOption[] {
    return commandLineOptions();
  }

  get preconfig(): Preconfig | undefined {
    if (this.#machine !== undefined) return undefined;
    return {
      numa: this.#numa,
      addNuma: (option) => {
        if (this.#numa === undefined) throw new UserError('NUMA is not supported by this machine-type');
        this.#numa.add(option);
      },
      exit: async () => {
        const machine = await this.#build();
        this.#waiting?.(machine);
      },
    };
  }

  get trace(): Tracer {
    return this.#context.trace;
  }

  logTo(file: string): void {
    this.#context.log.moveTo(file);
  }

  physicalAddress(virtual: bigint): Promise<bigint> {
    return physicalAddress(virtual);
  }

  get compat(): CompatPolicy {
    return this.#plan.compat;
  }

  abort(): never {
    process.abort();
  }

  quit(): void {
    this.#context.quit();
  }

  /** Makes the machine. When that fails, nothing is left open. @throws UserError for whatever the user got wrong */
  async build(): Promise<void> {
    try {
      await this.#build();
    } catch (error) {
      await this.#abandon();
      throw error;
    }
  }

  /** Opens the lines, where a server waits for its client, and begins to serve. @throws UserError if the host refuses one */
  async begin(): Promise<void> {
    await this.#chardevs.begin();
    await this.#netdevs.begin();
    for (const { spec, line } of this.#services) {
      if (spec.service.kind === 'gdb') await this.debugging.add(spec, line);
      else await forOptionNamed(spec.option, () => serve(spec.service, this, line, this.#context.complete));
    }
  }

  /** The machine, when there is one: at once, or when a monitor has ended the preconfiguration. */
  made(): Promise<Machine> {
    if (this.#machine) return Promise.resolve(this.#machine);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Ends everything and restores the terminal. */
  async close(): Promise<void> {
    // Monitors first: when the machine lets go of a shared line, they would take it.
    for (const { line } of this.#services) line.close();
    this.debugging.close();
    for (const end of this.#ends.splice(0)) await end();
    const profile = this.#profile;
    if (profile) this.#context.lineHost.note(await forOptionAsync('profile', () => profile.end()));
    if (this.#machine) await this.#machine.dispose();
    else await this.#closeImages();
    endObjects(this.#context.root, 'dispose');
    this.#netdevs.close();
    this.#chardevs.close();
  }

  async #open(): Promise<void> {
    const { plan, context } = { plan: this.#plan, context: this.#context };
    for (const object of plan.objects) forOption('object', () => addUserObject(context.root, context.types, object));
    this.#numa = await planNodes(plan, context.root);
    this.#drives = await openDrives(plan.drives);
    for (const spec of plan.blockdevs) await forOptionAsync('blockdev', () => openBlockdev(this.#nodes, spec));
    for (const spec of plan.chardevs) await forOptionAsync('chardev', () => this.#chardevs.add(spec, 'chardev'));
    this.#semihosting = this.#openSemihosting(plan.semihosting);
    for (const spec of plan.netdevs) await forOptionAsync('netdev', () => this.#netdevs.add(spec));
    for (const [port, choice] of plan.lines.serials.entries()) {
      const label = `serial${port}`;
      // Port without a line: the device is there, and nobody at its other end.
      const present = choice.on === 'nothing' ? ({ on: 'line', line: { kind: 'null' } } as const) : choice;
      const chardev = await forOptionAsync('serial', () => this.#chardevs.choose(label, present, 'serial'));
      if (!chardev) continue;
      this.#serials.push(new LazyLine(chardev, 'device'));
      if (choice.on === 'mon') this.#services.push(monitorOf(chardev.attach('monitor'), label));
    }
    for (const spec of plan.lines.services) {
      const line = await forOptionNamed(spec.option, async () =>
        (await this.#chardevs.choose(spec.label, spec.choice, spec.option))?.attach('monitor'),
      );
      if (line) this.#services.push({ spec, line });
      if (line && spec.service.kind === 'qmp')
        this.#chardevs.receiveDescriptors(spec, (fd) => this.descriptors.arrived(fd));
    }
  }

  #openSemihosting(spec: SemihostingSpec | undefined): SemihostingOptions | undefined {
    if (spec === undefined) return undefined;
    const { commandLine, chardev } = spec;
    if (chardev === undefined) return { commandLine };
    return {
      commandLine,
      console: forOption('semihosting-config', () => this.#chardevs.get(chardev)).attach('device'),
    };
  }

  #build(): Promise<Machine> {
    this.#building ??= this.#make().finally(() => {
      this.#building = undefined;
    });
    return this.#building;
  }

  async #make(): Promise<Machine> {
    const { settings, lines, incoming, profile } = this.#plan;
    try {
      const machine = await Machine.create(settings.board, this.#machineOptions());
      if (lines.serialsAsked) this.#checkSerials(machine);
      this.#machine = machine;
      if (incoming?.kind === 'file') await takeIncoming(machine, incoming.path);
      else if (incoming !== undefined) machine.expectIncoming();
      if (profile) this.#profile = await forOptionAsync('profile', () => Profile.begin(profile, machine));
      for (const hook of this.#context.hooks) this.#ends.push(await hook(machine));
      this.events.follow(machine);
      for (const warning of machine.numa?.warnings ?? []) this.#context.lineHost.note(`warning: ${warning}`);
      return machine;
    } catch (error) {
      throw explain(error, this.#plan);
    }
  }

  #machineOptions(): MachineOptions {
    const { settings, files, devices, globals, actions, boot, paused } = this.#plan;
    const { board: _, icount, isThreaded, keepsCode: __, dumpGuestCore: ___, dumpTree: ____, ...rest } = settings;
    const { space, hostMemory, types, root, trace, codeStore } = this.#context;
    const { log } = this.#context.log;
    return {
      ...rest,
      ...files.options,
      ...(isThreaded && { threads: nodeVcpuThreads(architectureModule(this.#context.arch)) }),
      ...(codeStore && { codeStore }),
      ...(icount && { clock: new VirtualClock(new InstructionClockSource(icount)) }),
      space,
      types,
      root,
      log,
      trace,
      ...(hostMemory && { hostMemory }),
      ...(this.#numa && { numa: this.#numa }),
      drives: this.#drives,
      blockNodes: this.#nodes,
      serials: this.#serials,
      netdevs: this.#netdevs.backends,
      devices,
      globals,
      ...actions,
      ...(this.#semihosting && { semihosting: this.#semihosting }),
      ...(boot && { boot }),
      paused,
    };
  }

  /** A serial port that no board looked at would be an option without effect. */
  #checkSerials(machine: Machine): void {
    const { serials } = this.#plan.lines;
    const isNull = (choice: (typeof serials)[number] | undefined): boolean =>
      choice?.on === 'nothing' || (choice !== undefined && 'line' in choice && choice.line.kind === 'null');
    const unused = this.#serials.findIndex((serial, port) => !serial.used && !isNull(serials[port]));
    if (unused >= 0) throw new UserError(`-serial: machine '${machine.board.name}' has no serial port ${unused}`);
  }

  async #abandon(): Promise<void> {
    await this.#machine?.dispose();
    this.#netdevs.close();
    this.#chardevs.close();
    await this.#closeImages();
    endObjects(this.#context.root, 'abandon');
  }

  /** Those of drives that no machine has made its nodes, too. */
  async #closeImages(): Promise<void> {
    await this.#nodes.closeAll();
    await closeDrives(this.#drives);
  }
}

function monitorOf(line: CharBackend, label: string): { spec: ServiceSpec; line: CharBackend } {
  return { spec: { option: 'serial', label, choice: { on: 'nothing' }, service: { kind: 'hmp' } }, line };
}

/** -numa; nothing of it for a board that has none. @throws UserError for an option that contradicts the board or another */
async function planNodes({ numa, settings }: Plan, root: BwObject): Promise<NumaPlan | undefined> {
  const { board } = settings;
  if (board.numa === undefined && numa.length === 0) return undefined;
  const { parseNuma } = numa.length > 0 ? await import('@boardwalk/numa') : { parseNuma: undefined };
  // The option says which of several it was.
  const forEach = <T>(text: string, part: () => T): T => forOption('numa', part, text);
  const plan = forEach(numa[0] ?? '', () => planNuma(board, { ...settings, root }));
  for (const text of numa) if (parseNuma) forEach(text, () => plan.add(parseNuma(text)));
  return plan;
}

/** The machine's own words do not know by which option and from which file it got something. */
function explain(error: unknown, plan: Plan): unknown {
  if (!(error instanceof UserError)) return error;
  const { message } = error;
  const { board, boardProps } = plan.settings;
  const aboutBoard = Object.keys(boardProps).some(
    (name) => message.includes(`'${name}'`) || message.includes(`'${board.name}-machine.${name}'`),
  );
  if (aboutBoard) return new UserError(`-machine: ${message}`);
  if (message.startsWith('thread=multi')) return new UserError(`-accel: ${message}`);
  if (message.startsWith('CPU ')) return new UserError(`-cpu: ${message}`);
  if (
    /^(cannot set up guest memory|slots specified|invalid value of maxmem|"-memory |unsupported amount of memory|maximum memory)/.test(
      message,
    )
  )
    return new UserError(`-m: ${message}`);
  return nameFile(error, plan.files.paths);
}
