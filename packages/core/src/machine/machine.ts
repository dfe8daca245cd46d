// A machine: a board's devices, its RAM, its CPUs, its time, and what can be done with it as a whole.
import { type CharBackend, NullChar } from '../char/index.ts';
import type { Device } from '../device/device.ts';
import { devicesOf } from '../device/tree.ts';
import { GuestLog, Tracer } from '../log/index.ts';
import { AddressSpace, type MemoryBackend, MemoryRegion, type RamBlock, RamSpace } from '../memory/index.ts';
import { NetTable } from '../net/index.ts';
import { type BwObject, Container, createObjectTree } from '../object/index.ts';
import { History } from '../replay/history.ts';
import { SharedClockSource } from '../threads/shared-clock.ts';
import type { VcpuTeam } from '../threads/team.ts';
import type { VcpuThread } from '../threads/vcpu-thread.ts';
import { HostClockSource, InstructionClockSource, ManualClock, VirtualClock } from '../time/index.ts';
import { type GuestActions, initialActions } from './actions.ts';
import type { BoardDefinition } from './board.ts';
import { Cpu } from './cpu.ts';
import { type CpuModel, resolveCpuModel } from './cpu-model.ts';
import { DeviceMemory } from './device-memory.ts';
import { DriveTable } from './drives.ts';
import type { MachineEvents } from './events.ts';
import { applyGlobals } from './globals.ts';
import { EventLoopScheduler, type HostScheduler } from './host-scheduler.ts';
import { MachineLife } from './life.ts';
import { MainRam } from './main-ram.ts';
import { completeNuma, hmatProperty, type NumaConfiguration, type PossibleCpu } from './numa.ts';
import type { MachineOptions } from './options.ts';
import { plugDevices } from './plug.ts';
import { chooseRam, type MemoryLimits, memoryLimits } from './ram.ts';
import { SeededRandom } from './random.ts';
import { type MachineLoop, RunLoop } from './run-loop.ts';
import { resolveSmp, type SmpTopology } from './smp.ts';
import { ThreadedLoop } from './threaded-loop.ts';
import { traceMachine } from './trace-machine.ts';
import { makeTeam } from './vcpu-team.ts';
import { WallClock } from './wall-clock.ts';

/** A whole computer. Made by {@link Machine.create}. */
export class Machine extends MachineLife {
  static override readonly typeName: string = 'machine';

  readonly board: BoardDefinition;
  readonly options: MachineOptions;
  /** Host memory that all guest RAM lies in. */
  readonly space: RamSpace;
  /** The root of what CPUs see. */
  readonly systemMemory: MemoryRegion;
  readonly addressSpace: AddressSpace;
  /** The root of the I/O ports, 64 KiB; on most boards nothing is there. */
  readonly ioMemory: MemoryRegion;
  readonly ioSpace: AddressSpace;
  /** Bytes of main RAM; 0 if there is none. */
  readonly ramSize: number;
  /** Of main RAM and memory devices together, and the places for modules. */
  readonly memoryLimits: MemoryLimits;
  readonly smp: SmpTopology;
  readonly cpuModel: CpuModel;
  /** The NUMA nodes, none if the user said none; undefined for a board that cannot have any. */
  readonly numa: NumaConfiguration | undefined;
  readonly clock: VirtualClock;
  readonly log: GuestLog;
  readonly trace: Tracer;
  readonly drives: DriveTable;
  readonly actions: GuestActions;
  /** The device tree that the guest is given, as a blob; not there on a board without one. The board says. */
  deviceTree: (() => Uint8Array) | undefined;
  /** The network backends that devices name. */
  readonly netdevs: NetTable;
  #ram: MainRam | undefined;
  #deviceMemory: DeviceMemory | undefined;
  readonly #blocks = new Set<RamBlock>();
  #built = false;
  readonly #cpus: Cpu[] = [];
  protected readonly loop: MachineLoop;
  /** Where each vCPU runs on a thread of its own. */
  readonly team: VcpuTeam | undefined;
  /** @internal on such a thread */
  readonly vcpuThread: VcpuThread | undefined;
  /** What came from outside, for those who go back in time. */
  readonly history = new History();
  readonly #random: SeededRandom | undefined;
  readonly #wallClock: WallClock;
  #disposed: Promise<void> | undefined;

  /** @internal use {@link Machine.create} */
  private constructor(board: BoardDefinition, options: MachineOptions, scheduler: HostScheduler) {
    super(`${board.name}-machine`);
    this.board = board;
    this.options = options;
    this.smp = resolveSmp(options.smp ?? {}, board);
    this.cpuModel = resolveCpuModel(options.cpu, board);
    this.drives = new DriveTable(options.drives ?? [], options.blockNodes);
    this.netdevs = new NetTable(options.netdevs);
    const root = options.root ?? createObjectTree();
    const objects = root.children.get('objects') ?? root.addChild('objects', new Container());
    const { size, backend } = chooseRam(board, options, objects);
    for (const spec of board.properties ?? []) this.addProperty(spec);
    if (board.numa !== undefined) this.addProperty(hmatProperty);
    for (const [name, value] of Object.entries(options.boardProps ?? {}))
      this.setProperty(name, value, { scope: root });
    this.ramSize = size;
    this.memoryLimits = memoryLimits(board, size, options);
    this.numa = completeNuma(board, options, root, size);
    this.#random = options.seed === undefined ? undefined : new SeededRandom(BigInt(options.seed));
    this.log = options.log ?? new GuestLog();
    this.trace = options.trace ?? new Tracer();
    this.space = options.space ?? RamSpace.create({ guestRam: size, maxGuestRam: this.memoryLimits.maximum });
    this.vcpuThread = options.vcpuThread;
    this.team = makeTeam(this, {
      serve: (index, access) => this.#serve(index, access),
      fail: (error) => this.fail(error),
    });
    this.clock = options.clock ?? this.#makeClock();
    this.#wallClock = new WallClock(options, this.clock);
    this.actions = initialActions(options);
    this.systemMemory = MemoryRegion.container('system', 2 ** 64);
    this.addressSpace = new AddressSpace('memory', this.systemMemory, this.space);
    this.ioMemory = MemoryRegion.container('io', 0x1_0000);
    this.ioSpace = new AddressSpace('I/O', this.ioMemory, this.space);
    this.addressSpace.onInvalidAccess = (...access) => this.#logInvalidAccess(...access);
    this.loop =
      this.team === undefined
        ? new RunLoop(this.#loopOwner(), scheduler)
        : new ThreadedLoop(this.#loopOwner(), scheduler, this.team);
    this.#watchClock();
    traceMachine(this);
    // Somebody who only listens to the error event does not have to look at the promise too.
    this.ended.promise.catch(() => {});
    root.addChild('machine', this);
    try {
      this.addChild('system', this.systemMemory);
      this.addChild('io', this.ioMemory);
      this.#ram = this.#takeRam(backend, objects);
    } catch (error) {
      this.#leaveTree();
      throw error;
    }
  }

  /**
   * Makes a machine: checks the options, makes its RAM, lets the board add its devices, plugs in the user's, and resets
   * everything. Nothing is left behind when it fails; the backends in `options` are still the caller's then.
   * @throws UserError for whatever the user got wrong
   */
  static async create(
    board: BoardDefinition,
    options: MachineOptions = {},
    scheduler: HostScheduler = new EventLoopScheduler(),
  ): Promise<Machine> {
    const machine = new Machine(board, options, scheduler);
    try {
      await board.build(machine);
      plugDevices(machine, options.devices ?? []);
      machine.drives.checkAllUsed();
      machine.#built = true;
      await machine.team?.start();
      machine.performReset();
    } catch (error) {
      await machine.team?.stopThreads();
      await machine.#disposeTree();
      machine.team?.dispose();
      machine.#releaseRam('abandon');
      throw error;
    }
    return machine;
  }

  // --- parts

  /**
   * The main RAM, for the board to map wherever its hardware has it.
   * @throws Error if the board has none (no `defaultRamId`, or a size of 0)
   */
  get ram(): MemoryRegion {
    if (this.#ram === undefined) throw new Error(`machine '${this.board.name}' has no main RAM`);
    return this.#ram.region;
  }

  /** The objects that provide the main RAM, in the order in which they lie in it: one, or those of the NUMA nodes. */
  get memoryBackends(): readonly MemoryBackend[] {
    return this.#ram?.backends ?? [];
  }

  /** All places for CPUs, by their index; none where the board does not number them. */
  get possibleCpus(): readonly PossibleCpu[] {
    return this.numa?.cpus ?? this.board.cpuPlaces?.(this.smp, this.cpuModel) ?? [];
  }

  /** How many NUMA nodes the guest has; 1 where it knows of none. */
  get numaNodes(): number {
    return Math.max(1, this.numa?.nodes.length ?? 0);
  }

  /** The object that provides the main RAM, where it is one alone. */
  get memoryBackend(): MemoryBackend | undefined {
    return this.memoryBackends.length === 1 ? this.memoryBackends[0] : undefined;
  }

  /** Whether the board and the user's devices are complete: a device that comes now comes later. */
  get built(): boolean {
    return this.#built;
  }

  /** Where memory devices lie, on a board that has a place for them. */
  get deviceMemory(): DeviceMemory | undefined {
    return this.#deviceMemory;
  }

  /**
   * Makes the place for memory devices (`-m slots=,maxmem=`) and maps it; boards with `maxMemorySlots` call it once in `build`.
   * @param base the first address that is free for it; devices' own alignment is seen to
   */
  mapDeviceMemory(base: number): DeviceMemory {
    if (this.#deviceMemory) throw new Error(`machine '${this.board.name}' has its device memory already`);
    const { maximum, slots } = this.memoryLimits;
    const deviceMemory = new DeviceMemory(this, { base, limit: maximum - this.ramSize, slots });
    this.#deviceMemory = deviceMemory;
    if (deviceMemory.size > 0) this.map(base, this.addChild('device-memory[*]', deviceMemory.region));
    return deviceMemory;
  }

  /** The CPUs, in the order in which they were added. */
  get cpus(): readonly Cpu[] {
    return this.#cpus;
  }

  /** Adds a device and realizes it. Without a name it is called after its type. */
  add<T extends Device>(device: T, name = `${device.type}[*]`): T {
    this.addChild(name, device);
    this.adopt(device);
    return device;
  }

  /** @internal makes a device that is in the tree already part of the machine; a user's has its globals already */
  adopt(device: Device, from: 'board' | 'user' = 'board'): void {
    if (from === 'board' && this.options.globals) applyGlobals(this.options.globals, device);
    if (device instanceof Cpu) this.#cpus.push(device);
    device.attach(this);
  }

  /**
   * RAM that is not the main RAM: of a video card, a flash chip, a boot ROM. The machine gives it back at its end.
   * @throws UserError when there is no room
   */
  allocateRam(name: string, bytes: number): RamBlock {
    const block = this.space.allocateRam(name, bytes);
    this.#blocks.add(block);
    return block;
  }

  /** Gives back a block of {@link allocateRam} before the machine's end. */
  releaseRam(block: RamBlock): void {
    if (this.#blocks.delete(block)) this.space.releaseRam(block);
  }

  /** Maps a region at a physical address. Of regions that overlap, the higher priority is seen. */
  map(base: number, region: MemoryRegion, priority = 0): void {
    this.systemMemory.addSubregion(base, region, priority);
  }

  /** The backend of serial port `n`; nobody, if the user gave none. */
  serial(n: number): CharBackend {
    const line = this.options.serials?.[n] ?? new NullChar();
    return this.fromOutside(line);
  }

  /** A line whose input comes again at the same instruction, where time is that of instructions, for those who go back in time. */
  fromOutside(line: CharBackend): CharBackend {
    return this.clock.source.kind === 'instructions' ? this.history.wrap(line) : line;
  }

  /** @internal executes a vCPU outside of the run loop: up to so many instructions. @returns how many it were */
  executeSlice(cpu: Cpu, most: number): number {
    return this.loop instanceof RunLoop ? this.loop.execute(cpu, most) : 0;
  }

  /** The real-time clock's time in ms since 1970 UTC: the host's, or `rtcBaseMs` and the time since then (`rtcClock`). */
  wallClockMs(): number {
    return this.#wallClock.isVirtual ? this.#wallClock.now() : this.history.read(() => this.#wallClock.now());
  }

  /** Fills `bytes` with random numbers for the guest: the host's, or the next of the sequence that `seed` began. */
  randomBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#random === undefined)
      bytes.set(this.history.read(() => crypto.getRandomValues(new Uint8Array(bytes.length))));
    else this.#random.fill(bytes);
  }

  /**
   * Work of the host that a device waits for, such as a read of a disk. Where time is counted in instructions none are executed
   * until it is done, so that its end falls at the same instruction in every run; elsewhere the guest goes on.
   */
  holdFor(work: Promise<void>): void {
    if (this.clock.source.kind === 'instructions') this.loop.holdFor(work);
  }

  // --- life

  /** @internal what a snapshot keeps of the machine besides its devices and its RAM */
  get runState(): { readonly turn: number; readonly random: bigint | undefined } {
    return { turn: this.loop.turn, random: this.#random?.state };
  }

  set runState({ turn, random }) {
    this.loop.turn = turn;
    if (this.#random !== undefined && random !== undefined) this.#random.state = random;
  }

  /** The vCPU that executes now, for devices that answer to each CPU differently. */
  get currentCpu(): Cpu | undefined {
    return this.loop.currentCpu;
  }

  /** Guest instructions per second, as measured lately. */
  get instructionsPerSecond(): number {
    return this.loop.instructionsPerSecond;
  }

  /** @internal a user's device is gone */
  tellUnplugged(device: MachineEvents['unplugged']): void {
    this.events.emit('unplugged', device);
  }

  /** @internal a memory device tells that its guest has another share of it */
  tellMemorySize(device: MachineEvents['memorySize']): void {
    this.events.emit('memorySize', device);
  }

  /** @internal the balloon tells how many bytes the guest has */
  tellBalloon(actual: number): void {
    this.events.emit('balloon', { actual });
  }

  /** Ends the run, if it has not ended, and lets go of everything: devices, drives, serial backends. */
  override dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  // --- inside

  #takeRam(chosen: MemoryBackend | undefined, objects: BwObject): MainRam | undefined {
    const { defaultRamId } = this.board;
    if (defaultRamId === undefined || this.ramSize === 0) return undefined;
    const { memPath, memPrealloc, hostMemory: host } = this.options;
    const sugar = { ...(memPath === undefined ? {} : { memPath }), ...(memPrealloc === true ? { memPrealloc } : {}) };
    const made = { id: defaultRamId, size: this.ramSize, host, cpus: this.smp.cpus, ...sugar };
    return new MainRam({ space: this.space, objects, chosen, numa: this.numa, made }, this);
  }

  #makeClock(): VirtualClock {
    if (this.options.accel === 'qtest') return new ManualClock();
    const { team, space } = this;
    if (team === undefined) return new VirtualClock(new HostClockSource());
    return new VirtualClock(new SharedClockSource(space, team.at, () => team.threads.now()));
  }

  #serve(index: number, access: () => void): void {
    if (this.loop instanceof ThreadedLoop) this.loop.serve(this.#cpus[index], access);
  }

  #loopOwner() {
    const machine = this;
    return {
      clock: machine.clock,
      history: machine.history,
      executingCpus: machine.options.accel === 'qtest' ? [] : machine.#cpus,
      get running(): boolean {
        return machine.state === 'running';
      },
      get timersHeld(): boolean {
        return machine.timersHeld;
      },
      performRequests: () => machine.performRequests(),
      fail: (error: unknown) => machine.fail(error),
    };
  }

  #logInvalidAccess(address: number, size: number, write: boolean, region?: MemoryRegion): void {
    if (!this.log.enabled('guest_errors')) return;
    const where = region === undefined ? 'nothing is there' : `${region.name} takes no such access`;
    this.log.write(
      'guest_errors',
      `invalid ${write ? 'write' : 'read'} of ${size} bytes at 0x${address.toString(16)}: ${where}`,
    );
  }

  #watchClock(): void {
    const { source } = this.clock;
    if (source instanceof InstructionClockSource) source.inSlice = () => this.currentCpu?.instructionsInSlice() ?? 0;
    this.clock.onDispatched = () => {
      if (!this.loop.stepping) this.performRequests();
    };
  }

  async #dispose(): Promise<void> {
    this.endRun();
    await this.loop.ended();
    await this.team?.stopThreads();
    this.ended.resolve({ cause: 'host', reason: 'shutdown', status: 0 });
    await this.#disposeTree();
    this.team?.dispose();
    this.#releaseRam('dispose');
    for (const serial of this.options.serials ?? []) serial.close();
    this.netdevs.close();
    await this.drives.nodes.closeAll();
  }

  /** Done when every device has let go: what one still writes to its drive must be written before the drive is closed. */
  async #disposeTree(): Promise<void> {
    const pending = devicesOf(this)
      .reverse()
      .map((device) => device.dispose());
    this.#leaveTree();
    await Promise.allSettled(pending);
  }

  #leaveTree(): void {
    this.addressSpace.dispose();
    this.ioSpace.dispose();
    this.remove();
  }

  /** Last, when no device reads or writes it any more. */
  #releaseRam(end: 'dispose' | 'abandon'): void {
    for (const block of this.#blocks) this.releaseRam(block);
    this.#ram?.release(end);
    this.#ram = undefined;
  }
}
