// What a user says about a machine. Files have been read by the caller: here are bytes and backends.
import type { BlockBackend, BlockNodes } from '../block/index.ts';
import type { CharBackend } from '../char/index.ts';
import type { GuestLog, Tracer } from '../log/index.ts';
import type { HostMemory, NoHostMemory, RamSpace } from '../memory/index.ts';
import type { NetBackend } from '../net/index.ts';
import type { BwObject, TypeRegistry } from '../object/index.ts';
import type { VcpuThreads } from '../threads/host.ts';
import type { VcpuThread } from '../threads/vcpu-thread.ts';
import type { VirtualClock } from '../time/index.ts';
import type { GuestActions } from './actions.ts';
import type { GlobalProperty } from './globals.ts';
import type { NumaOption, NumaPlan } from './numa.ts';
import type { SmpOptions } from './smp.ts';

/** How a drive is attached: `none` waits for a device that names it. */
export type DriveInterface = 'none' | 'virtio' | 'pflash' | 'ide' | 'scsi' | 'sd' | 'mtd' | 'floppy';

/** One `-drive`. */
export interface DriveOptions {
  /** Name that a device refers to (`drive=ID`). */
  readonly id?: string;
  readonly if: DriveInterface;
  /** Position among the drives of its interface; without it the next free one. */
  readonly index?: number;
  readonly media?: 'disk' | 'cdrom';
  readonly backend: BlockBackend;
}

/** One `-device`. */
export interface DeviceOptions {
  readonly driver: string;
  readonly id?: string;
  /** Bus to plug it into; without it the first that fits. */
  readonly bus?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** What firmware is told about booting. Which device comes first is the devices' own property, `bootindex`. */
export interface BootOptions {
  /** It offers a menu. */
  readonly menu?: boolean;
  /** Devices without a `bootindex` are not tried. */
  readonly strict?: boolean;
  /** Milliseconds after a failure to try again; -1: never. */
  readonly rebootTimeout?: number;
  /** Milliseconds that a menu or picture is shown, 0 to 65535. */
  readonly splashTime?: number;
}

/** What programs that call the emulator find. */
export interface SemihostingOptions {
  /** Where they print; without it the first serial port. */
  readonly console?: CharBackend;
  /** Their command line. */
  readonly commandLine?: string;
}

/** Whether code is of the guest that runs, or the program's own and the same whatever guest runs. */
export type CodeOrigin = 'guest' | 'program';

/**
 * Where translators keep code from one run of a machine to the next. What they keep is plain data that may be cloned and that means
 * something to the very same version of the program only. A store may take all of it for the guest's.
 */
export interface CodeStore {
  /** What was saved for a shape, a text that says of what machine it is; undefined where that is nothing, or cannot be read. */
  load(shape: string, of: CodeOrigin): unknown;
  /** Puts something in its place; undefined takes it away. Never throws: a run is not to fail for it. */
  save(shape: string, code: unknown, of: CodeOrigin): void;
}

/** Everything that a machine is made from besides its board. The machine owns the backends and closes them. */
export interface MachineOptions {
  /** Bytes of main RAM; without it the backend's size, or the board's default. */
  readonly ramSize?: number;
  /** Places for memory modules (-m slots=); needs `maxRamSize`. */
  readonly memorySlots?: number;
  /** Bytes of main RAM and memory devices together, at most (-m maxmem=). */
  readonly maxRamSize?: number;
  /** Id of an object under `/objects` that provides the main RAM. */
  readonly memoryBackend?: string;
  /** A file, or a folder for a file without a name, that the main RAM is (-mem-path); not beside `memoryBackend`. */
  readonly memPath?: string;
  /** All pages of the main RAM are there from the start (-mem-prealloc); not beside `memoryBackend`. */
  readonly memPrealloc?: boolean;
  /** The host's real memory mappings, for the backend that the machine makes; without it plain memory. */
  readonly hostMemory?: HostMemory | NoHostMemory;
  /** The object tree that the machine joins, with the objects made by `-object`; without it a new one (see createObjectTree). */
  readonly root?: BwObject;
  readonly smp?: SmpOptions;
  /** NUMA nodes, and what is said of them (-numa); or a plan that has taken them already, made for the same board and options. */
  readonly numa?: readonly NumaOption[] | NumaPlan;
  /** CPU model with properties: `rv64,zbb=off`. */
  readonly cpu?: string;
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  /** Kernel command line. */
  readonly append?: string;
  readonly dtb?: Uint8Array;
  /** `none`: start without the board's firmware. */
  readonly firmware?: Uint8Array | 'none';
  readonly drives?: readonly DriveOptions[];
  /** Network backends by id, for devices that name them; they are closed with the machine. */
  readonly netdevs?: ReadonlyMap<string, NetBackend>;
  /** Block backends that devices name (-blockdev); without it there are only those of `drives`. */
  readonly blockNodes?: BlockNodes;
  readonly serials?: readonly CharBackend[];
  readonly devices?: readonly DeviceOptions[];
  /** What firmware is told about booting (-boot). */
  readonly boot?: BootOptions;
  /** Types that `devices` may name. */
  readonly types?: TypeRegistry;
  /** Values of properties for all devices of a type (-global). */
  readonly globals?: readonly GlobalProperty[];
  /** The board's own properties (`-machine virt,aclint=on`). */
  readonly boardProps?: Readonly<Record<string, unknown>>;
  readonly clock?: VirtualClock;
  readonly log?: GuestLog;
  /** What goes on inside is told there (-trace). */
  readonly trace?: Tracer;
  /** Where all RAM lies, the backends' under `root` too; without it one as large as the runtime gives, up to 4 GiB. */
  readonly space?: RamSpace;
  /** `qtest`: no vCPU executes. Default `tcg`. */
  readonly accel?: 'tcg' | 'qtest';
  /**
   * How guest code that runs often is compiled; `'off'`: not at all. Without it the translator decides. `codeBytes`: bytes of
   * WebAssembly that are kept.
   */
  readonly tier1?: 'off' | { readonly threshold: number; readonly codeBytes?: number };
  /** Where translated code is kept from one run to the next that starts alike; without it each run translates everything. */
  readonly codeStore?: CodeStore;
  /** Each vCPU runs on a thread of its own that these start (`thread=multi`); without it all take turns on this one. */
  readonly threads?: VcpuThreads;
  /** @internal the machine is a vCPU's thread's part of one that is elsewhere */
  readonly vcpuThread?: VcpuThread;
  /** Programs may call the emulator (-semihosting): print, ask the time, end with a status. */
  readonly semihosting?: boolean | SemihostingOptions;
  /** A guest's reset ends the run (-no-reboot). */
  readonly noReboot?: boolean;
  /** A guest's shutdown only stops the machine (-no-shutdown). */
  readonly noShutdown?: boolean;
  /** What happens when the guest cannot go on. Default `shutdown`. */
  readonly panicAction?: GuestActions['panic'];
  /** What happens when the guest does not tell its watchdog in time that it lives. Default `reset`. */
  readonly watchdogAction?: GuestActions['watchdog'];
  /** Start stopped (-S). */
  readonly paused?: boolean;
  /** Random numbers that the machine gives its guest are a sequence that starts here (-seed); without it the host's. */
  readonly seed?: number | bigint;
  /** What the real-time clock shows when the machine is made, in ms since 1970 UTC; without it the host's time, always. */
  readonly rtcBaseMs?: number;
  /**
   * How the real-time clock goes on from `rtcBaseMs`: with virtual time, which stands still with the machine; with the host's time
   * of day, which does not, and which somebody may set; or with the time since the machine was made (`steady`). Default `virtual`.
   */
  readonly rtcClock?: 'virtual' | 'host' | 'steady';
}
