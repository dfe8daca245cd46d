// A machine: a board's devices, its RAM, its CPUs, its time, and what can be done with it as a whole.
import { type CharBackend, NullChar } from '../char/index.ts';
import type { Device } from '../device/device.ts';
import { devicesOf, resetTree } from '../device/tree.ts';
import { GuestLog } from '../log/index.ts';
import { AddressSpace, type MemoryBackend, MemoryRegion, type RamBlock, RamSpace } from '../memory/index.ts';
import { BwObject, Container, createObjectTree, UserError } from '../object/index.ts';
import { InputLog } from '../replay/replay.ts';
import { SharedClockSource } from '../threads/shared-clock.ts';
import type { VcpuTeam } from '../threads/team.ts';
import type { VcpuThread } from '../threads/vcpu-thread.ts';
import { HostClockSource, InstructionClockSource, ManualClock, VirtualClock } from '../time/index.ts';
import type { BoardDefinition } from './board.ts';
import { Cpu } from './cpu.ts';
import { type CpuModel, resolveCpuModel } from './cpu-model.ts';
import type { DebugStop } from './debug.ts';
import { DeviceMemory } from './device-memory.ts';
import { DriveTable } from './drives.ts';
import { type Cause, EventHub, type ExitInfo, type MachineEvents, type PanicInfo } from './events.ts';
import { applyGlobals } from './globals.ts';
import { EventLoopScheduler, type HostScheduler } from './host-scheduler.ts';
import { MainRam } from './main-ram.ts';
import { completeNuma, hmatProperty, type NumaConfiguration } from './numa.ts';
import type { MachineOptions } from './options.ts';
import { plugDevices } from './plug.ts';
import { chooseRam, type MemoryLimits, memoryLimits } from './ram.ts';
import { SeededRandom } from './random.ts';
import { type MachineLoop, RunLoop } from './run-loop.ts';
import { resolveSmp, type SmpTopology } from './smp.ts';
import { ThreadedLoop } from './threaded-loop.ts';
import { makeTeam } from './vcpu-team.ts';

/** What a machine does now. `prelaunch`: made, not started. `internal-error`: code of the host failed. */
export type RunState =
  | 'prelaunch'
  /** It waits for a snapshot to go on from. */
  | 'inmigrate'
  | 'running'
  | 'paused'
  /** Paused: a snapshot was taken of it, to go on elsewhere. */
  | 'postmigrate'
  | 'shutdown'
  | 'internal-error';

/** Things asked for while guest code or timers ran: they are done between slices. */
interface Requests {
  shutdown: ExitInfo | undefined;
  reset: Cause | undefined;
  pause: boolean;
  debug: { readonly cpu: Cpu; readonly stop: DebugStop } | undefined;
}

class Deferred<T> {
  resolve: (value: T) => void = () => {};
  reject: (error: Error) => void = () => {};
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** A whole computer. Made by {@link Machine.create}. */
export class Machine extends BwObject {
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
  readonly drives: DriveTable;
  #ram: MainRam | undefined;
  #deviceMemory: DeviceMemory | undefined;
  readonly #blocks = new Set<RamBlock>();
  #built = false;
  readonly #cpus: Cpu[] = [];
  readonly #events = new EventHub();
  readonly #loop: MachineLoop;
  /** Where each vCPU runs on a thread of its own. */
  readonly team: VcpuTeam | undefined;
  /** @internal on such a thread */
  readonly vcpuThread: VcpuThread | undefined;
  /** What came from outside, for those who go back in time. */
  readonly inputs = new InputLog();
  #stopsTo: ((stop: DebugStop) => void) | undefined;
  readonly #resetCallbacks: (() => void)[] = [];
  readonly #powerdownCallbacks: (() => void)[] = [];
  readonly #requests: Requests = { shutdown: undefined, reset: undefined, pause: false, debug: undefined };
  readonly #exit = new Deferred<ExitInfo>();
  #state: RunState = 'prelaunch';
  /** {@link resume} was called while the machine waited for a snapshot. */
  #goOn = false;
  /** By the host's clock. */
  readonly #madeAtMs = Date.now();
  #started = false;
  #timersHeld = false;
  readonly #random: SeededRandom | undefined;
  #disposed: Promise<void> | undefined;

  /** @internal use {@link Machine.create} */
  private constructor(board: BoardDefinition, options: MachineOptions, scheduler: HostScheduler) {
    super(`${board.name}-machine`);
    this.board = board;
    this.options = options;
    this.smp = resolveSmp(options.smp ?? {}, board);
    this.cpuModel = resolveCpuModel(options.cpu, board);
    this.drives = new DriveTable(options.drives ?? [], options.blockNodes);
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
    this.space = options.space ?? RamSpace.create({ guestRam: size, maxGuestRam: this.memoryLimits.maximum });
    this.vcpuThread = options.vcpuThread;
    this.team = makeTeam(this, {
      serve: (index, access) => this.#serve(index, access),
      fail: (error) => this.#fail(error),
    });
    this.clock = options.clock ?? this.#makeClock();
    this.systemMemory = MemoryRegion.container('system', 2 ** 64);
    this.addressSpace = new AddressSpace('memory', this.systemMemory, this.space);
    this.ioMemory = MemoryRegion.container('io', 0x1_0000);
    this.ioSpace = new AddressSpace('I/O', this.ioMemory, this.space);
    this.addressSpace.onInvalidAccess = (...access) => this.#logInvalidAccess(...access);
    this.#loop =
      this.team === undefined
        ? new RunLoop(this.#loopOwner(), scheduler)
        : new ThreadedLoop(this.#loopOwner(), scheduler, this.team);
    this.#watchClock();
    // Somebody who only listens to the error event does not have to look at the promise too.
    this.#exit.promise.catch(() => {});
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
      machine.#performReset();
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
    return this.clock.source.kind === 'instructions' ? this.inputs.wrap(line) : line;
  }

  /** The real-time clock's time in ms since 1970 UTC: the host's, or `rtcBaseMs` and the time since then (`rtcClock`). */
  wallClockMs(): number {
    const { rtcBaseMs, rtcClock } = this.options;
    if (rtcBaseMs === undefined) return Date.now();
    return rtcBaseMs + (rtcClock === 'host' ? Date.now() - this.#madeAtMs : this.clock.now() / 1e6);
  }

  /** Fills `bytes` with random numbers for the guest: the host's, or the next of the sequence that `seed` began. */
  randomBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#random === undefined) crypto.getRandomValues(bytes);
    else this.#random.fill(bytes);
  }

  /**
   * Work of the host that a device waits for, such as a read of a disk. Where time is counted in instructions none are executed
   * until it is done, so that its end falls at the same instruction in every run; elsewhere the guest goes on.
   */
  holdFor(work: Promise<void>): void {
    if (this.clock.source.kind === 'instructions') this.#loop.holdFor(work);
  }

  /** Runs at each reset, the first one too, when devices have their reset values: load firmware, set start addresses. */
  onReset(callback: () => void): void {
    this.#resetCallbacks.push(callback);
  }

  /** Runs when somebody presses the power button. */
  onPowerdown(callback: () => void): void {
    this.#powerdownCallbacks.push(callback);
  }

  // --- life

  get state(): RunState {
    return this.#state;
  }

  /** @internal what a snapshot keeps of the machine besides its devices and its RAM */
  get runState(): { readonly turn: number; readonly random: bigint | undefined } {
    return { turn: this.#loop.turn, random: this.#random?.state };
  }

  set runState({ turn, random }) {
    this.#loop.turn = turn;
    if (this.#random !== undefined && random !== undefined) this.#random.state = random;
  }

  /** @internal a snapshot was put back: what had ended can go on */
  restored(): void {
    if (this.#state !== 'prelaunch') this.#state = 'paused';
  }

  /** A snapshot of a paused machine was taken, to go on elsewhere: its state tells so until it goes on here. */
  migrated(): void {
    if (this.#state === 'paused' || this.#state === 'prelaunch') this.#state = 'postmigrate';
  }

  /** Before the start: the machine will go on from a snapshot that is not there yet. Until then {@link resume} is only noted. */
  expectIncoming(): void {
    if (this.#state === 'prelaunch') this.#state = 'inmigrate';
  }

  /** The snapshot has been put back: the machine goes on, unless it is to start stopped. */
  goOnFromIncoming(): void {
    this.#started = true;
    if (this.#goOn || this.options.paused !== true) this.resume();
  }

  /** True while guest code or timers run: a reset, pause or shutdown that is asked for now is done when that has ended. */
  get busy(): boolean {
    return this.#loop.stepping || this.clock.dispatching;
  }

  /** The vCPU that executes now, for devices that answer to each CPU differently. */
  get currentCpu(): Cpu | undefined {
    return this.#loop.currentCpu;
  }

  /** Guest instructions per second, as measured lately. */
  get instructionsPerSecond(): number {
    return this.#loop.instructionsPerSecond;
  }

  /** Listens to an event; returns how to stop that. */
  on<K extends keyof MachineEvents>(name: K, listener: (event: MachineEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** @internal a user's device is gone */
  tellUnplugged(device: MachineEvents['unplugged']): void {
    this.#events.emit('unplugged', device);
  }

  /** @internal a memory device tells that its guest has another share of it */
  tellMemorySize(device: MachineEvents['memorySize']): void {
    this.#events.emit('memorySize', device);
  }

  /** @internal the balloon tells how many bytes the guest has */
  tellBalloon(actual: number): void {
    this.#events.emit('balloon', { actual });
  }

  /** Starts the machine, stopped if its options say so. No effect after the first time. */
  start(): void {
    if (this.#started || this.#state !== 'prelaunch') return;
    this.#started = true;
    if (this.options.paused === true) return;
    this.#go();
    this.#events.emit('resume', {});
  }

  /**
   * Starts the machine if that has not been done, and waits for its end.
   * Rejects with the error when code of a device or CPU throws.
   */
  run(): Promise<ExitInfo> {
    this.start();
    return this.#exit.promise;
  }

  /** Stops guest code and virtual time. */
  pause(): void {
    if (this.#state !== 'running') return;
    if (this.#defer()) this.#requests.pause = true;
    else this.#performPause();
  }

  /** A breakpoint, a watchpoint or the end of a step: the machine pauses when the slice of `cpu` has ended. */
  debugStop(cpu: Cpu, stop: DebugStop): void {
    if (this.#stopsTo !== undefined) {
      this.#stopsTo(stop);
      return;
    }
    this.#requests.debug ??= { cpu, stop };
    this.pause();
  }

  /** @internal who executes CPUs without the run loop hears of their stops, and nobody else; returns how to end that */
  interceptStops(to: (stop: DebugStop) => void): () => void {
    this.#stopsTo = to;
    return () => {
      this.#stopsTo = undefined;
    };
  }

  /**
   * Goes on after {@link pause}; with `holdTime` virtual time and timers stand still until the next pause (debuggers step so).
   * @throws UserError after a shutdown or an internal error, until a reset
   */
  resume(options: { readonly holdTime?: boolean } = {}): void {
    this.#requests.pause = false;
    this.#requests.debug = undefined;
    if (this.#state === 'running') return;
    if (this.#state === 'inmigrate') {
      this.#goOn = true;
      return;
    }
    if (this.#state === 'shutdown' || this.#state === 'internal-error') {
      throw new UserError('Resetting the Virtual Machine is required');
    }
    this.#timersHeld = options.holdTime ?? false;
    this.#go();
    this.#events.emit('resume', {});
  }

  /** Resets every device. A guest's own reset ends the run if `noReboot` is set. */
  reset(cause: Cause = 'host'): void {
    if (cause === 'guest' && this.options.noReboot === true) {
      this.#shutdown({ cause, reason: 'reset', status: 0 });
    } else if (this.#defer()) {
      this.#requests.reset ??= cause;
    } else {
      this.#performReset(cause);
    }
  }

  /** Ends the run. A guest's own shutdown only stops the machine if `noShutdown` is set. */
  shutdown(cause: Cause = 'host', status = 0): void {
    this.#shutdown({ cause, reason: 'shutdown', status });
  }

  /** The guest cannot go on: tells so, and ends the run as a shutdown of the guest's does. For boards whose hardware knows. */
  panic(info: PanicInfo): void {
    this.#events.emit('panic', info);
    this.#shutdown({ cause: 'guest', reason: 'panic', status: 0 });
  }

  /** Presses the power button: what happens is the guest's affair. */
  powerdown(): void {
    for (const callback of this.#powerdownCallbacks) callback();
    this.#events.emit('powerdown', {});
  }

  /** Tells the run loop that something outside has happened: a sleeping CPU may have an interrupt. */
  wake(): void {
    this.#loop.wake();
  }

  /**
   * Does something that needs every vCPU to stand still, its state complete: between slices they do; vCPUs on threads are
   * stopped for it, if they run. Not for device code.
   */
  whileStill<T>(use: () => T): T {
    let result: T | undefined;
    this.#loop.exclusively(() => {
      result = use();
    });
    return result as T;
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
    if (this.#loop instanceof ThreadedLoop) this.#loop.serve(this.#cpus[index], access);
  }

  #loopOwner() {
    const machine = this;
    return {
      clock: machine.clock,
      executingCpus: machine.options.accel === 'qtest' ? [] : machine.#cpus,
      get running(): boolean {
        return machine.#state === 'running';
      },
      get timersHeld(): boolean {
        return machine.#timersHeld;
      },
      performRequests: () => machine.#performRequests(),
      fail: (error: unknown) => machine.#fail(error),
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
      if (!this.#loop.stepping) this.#performRequests();
    };
  }

  /** Whether a request has to wait; then the slice that it waits for is made to end. */
  #defer(): boolean {
    if (!this.busy) return false;
    this.#loop.interrupt();
    return true;
  }

  #go(): void {
    this.#state = 'running';
    if (!this.#timersHeld) this.clock.source.start();
    this.#loop.start();
  }

  #halt(state: RunState): void {
    this.#state = state;
    this.#loop.halt();
    this.#timersHeld = false;
    this.clock.source.stop();
    this.#loop.wake();
  }

  #performRequests(): void {
    const { shutdown, reset, pause } = this.#requests;
    if (shutdown === undefined && reset === undefined && !pause) return;
    this.#requests.shutdown = undefined;
    this.#requests.reset = undefined;
    this.#requests.pause = false;
    if (shutdown !== undefined) {
      this.#performShutdown(shutdown);
      return;
    }
    if (reset !== undefined) this.#performReset(reset);
    if (pause) this.#performPause();
  }

  /** Without a cause: the first reset, which is nobody's news. */
  #performReset(cause?: Cause): void {
    this.#loop.exclusively(() => {
      resetTree(this, () => {
        for (const callback of this.#resetCallbacks) callback();
      });
    });
    if (this.#state === 'shutdown' || this.#state === 'internal-error') this.#state = 'paused';
    this.log.write('reset', cause === undefined ? 'machine: first reset' : `machine: reset by the ${cause}`);
    if (cause !== undefined) this.#events.emit('reset', { cause });
    this.#loop.wake();
  }

  #performPause(): void {
    if (this.#state !== 'running') return;
    const { debug } = this.#requests;
    this.#requests.debug = undefined;
    this.#halt('paused');
    if (debug !== undefined) this.#events.emit('debug', debug);
    this.#events.emit('stop', {});
  }

  #shutdown(info: ExitInfo): void {
    if (this.#defer()) this.#requests.shutdown ??= info;
    else this.#performShutdown(info);
  }

  #performShutdown(info: ExitInfo): void {
    if (this.#state === 'shutdown') return;
    this.#halt('shutdown');
    this.#events.emit('shutdown', info);
    if (info.cause === 'guest' && this.options.noShutdown === true) this.#events.emit('stop', {});
    else this.#exit.resolve(info);
  }

  #fail(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#halt('internal-error');
    this.#events.emit('error', { error });
    this.#exit.reject(error);
  }

  async #dispose(): Promise<void> {
    this.#state = 'shutdown';
    this.clock.source.stop();
    this.#loop.wake();
    await this.#loop.ended();
    await this.team?.stopThreads();
    this.#exit.resolve({ cause: 'host', reason: 'shutdown', status: 0 });
    await this.#disposeTree();
    this.team?.dispose();
    this.#releaseRam('dispose');
    for (const serial of this.options.serials ?? []) serial.close();
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
