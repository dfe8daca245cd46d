/** What monitors act on: one emulated computer and the program around it. The command line, a page or a test supplies it. */
import type {
  BlockNodes,
  BoardDefinition,
  BwObject,
  CpuModelInfo,
  CpuModelQueries,
  Machine,
  NumaPlan,
  Tracer,
  TypeRegistry,
} from '@boardwalk/core';
import type { NumaOption } from '@boardwalk/numa';
import type { MonitorEvents } from './events.ts';

export interface Emulator {
  /** Name of the program (`boardwalk-system-riscv64`), for messages. */
  readonly name: string;
  /** The program's own version, such as `0.3.1`. */
  readonly version: string;
  /** Architecture, as in the program's name. */
  readonly arch: string;
  /** Root of the object tree: `/machine`, `/objects`, `/chardevs`. */
  readonly root: BwObject;
  /** Every type of object and device that can be made. */
  readonly types: TypeRegistry;
  /** The machine; undefined before it is made, under `--preconfig`. */
  readonly machine: Machine | undefined;
  /**
   * What monitors are told of. Whoever makes the machine lets it `follow` that, and tells of what only the program knows:
   * `shutdown('host-signal')`.
   */
  readonly events: MonitorEvents;
  /** What may be done while there is no machine; undefined once there is one. */
  readonly preconfig?: Preconfig | undefined;
  /** `-name`: the guest's. */
  readonly guestName?: string | undefined;
  /** `-uuid`, in lower case; without it a guest has the nil UUID. */
  readonly uuid?: string | undefined;
  /** The boards that this program can make (`query-machines`). */
  readonly boards?: readonly BoardDefinition[];
  /** The CPU models of the architecture (`query-cpu-definitions`). */
  readonly cpuModels?: readonly CpuModelInfo[];
  /** What is asked of them; not there where the architecture has no answers. */
  readonly cpuModelQueries?: CpuModelQueries | undefined;
  /** Number of the host's thread that guest code runs in; 0 where threads have none. */
  readonly threadId?: number;
  /** Makes a file of the host anew, for what a monitor saves; not there where there are no files. @throws UserError */
  createFile?(name: string): Promise<OutputFile>;
  /** As {@link createFile}, for a file that is there whole or not at all: one of that name stays as it was until then. @throws UserError */
  replaceFile?(name: string): Promise<ReplacementFile>;
  /**
   * Opens an image under a name (`blockdev-add`); not there where there are no files.
   * @param options as the schema's `BlockdevOptions`
   * @throws UserError
   */
  openBlockNode?(nodes: BlockNodes, options: Readonly<Record<string, unknown>>): Promise<void>;
  /** Opens what a migration is written to: `file:PATH`, `exec:COMMAND`, `unix:PATH`, `tcp:HOST:PORT`, `fd:N`. @throws UserError */
  openOutgoing?(uri: string): Promise<OutgoingTarget>;
  /** Says from where the machine is to go on that waits for that (`-incoming defer`). @throws UserError */
  takeIncoming?(uri: string): Promise<void>;
  /** Open files that clients have passed; not there where they cannot. */
  readonly descriptors?: PassedDescriptors;
  /** Makes and takes away character devices while the program runs; not there where it cannot. */
  readonly lines?: ChardevMaker;
  /** The network's cables, which come and go while the program runs; not there where they cannot. */
  readonly netdevs?: NetdevMaker;
  /** The options of the program (`query-command-line-options`). */
  readonly commandLineOptions?: readonly CommandLineOption[];
  /** The character devices, in the order in which they were made. */
  readonly chardevs?: readonly ChardevInfo[];
  /** What is done with commands that may change (`-compat`); without it they are taken. */
  readonly compat?: CompatPolicy;
  /** Writes the log (`-d`) to another file from now on (`logfile`). @throws UserError */
  logTo?(file: string): void;
  /** Where the host has a byte of this process, by its virtual address. Rejects with a UserError where the host does not tell. */
  physicalAddress?(virtual: bigint): Promise<bigint>;
  /** The debugger's service; not there where there is no line for it. */
  readonly debugging?: DebuggerService;
  /** What goes on inside, and where it is told (`trace-event`). */
  readonly trace?: Tracer;
  /** Ends the program at once, as after a failure of its own. */
  abort?(): never;
  /** Ends the program with status 0, after what was said is out. */
  quit(): void;
}

/** What is done with what clients should not rely on. */
export interface CompatPolicy {
  readonly unstableInput: 'accept' | 'reject' | 'crash';
}

/** A file of the host that is written from its start. */
export interface OutputFile {
  /** Rejects with a UserError when the host cannot. */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A file that takes its name when it is closed. */
export interface ReplacementFile extends OutputFile {
  /** Leaves no trace of it. */
  discard(): Promise<void>;
}

/** What a migration is written to. */
export interface OutgoingTarget {
  /** There as soon as somebody answers, where that is needed. Rejects with a UserError when nobody does. */
  readonly opened: Promise<ReplacementFile>;
}

/** A machine that waits for its last options (`--preconfig`). */
export interface Preconfig {
  /** What was said of NUMA nodes so far; undefined for a board that can have none. */
  readonly numa?: NumaPlan | undefined;
  /** As one more `-numa`. @throws UserError for one that contradicts those there are */
  addNuma(option: NumaOption): void;
  /**
   * Makes the machine, and starts it unless `-S` says otherwise.
   * Rejects with a UserError for a machine that cannot be; then it waits on, as before.
   */
  exit(): Promise<void>;
}

/** Begins and ends the service for gdb while the program runs. */
export interface DebuggerService {
  /** Serves on a line as `-gdb` names it, in place of those that were served before. Rejects with a UserError. */
  start(device: string): Promise<void>;
  /** Serves nobody any more. */
  stop(): void;
}

/** Makes character devices, as options do. */
export interface ChardevMaker {
  /**
   * @param options of a `-chardev`, `backend` and `id` among them
   * @returns the pseudo-terminal, for one that is on one
   * @throws UserError
   */
  add(options: Readonly<Record<string, string>>): Promise<string | undefined>;
  /** One that nothing uses. */
  remove(id: string): void;
}

/** Makes what network cards are connected to, as options do. */
export interface NetdevMaker {
  /** In the order in which they were made. */
  list(): readonly NetdevInfo[];
  /**
   * @param options of a `-netdev`, `type` and `id` among them
   * @throws UserError
   */
  add(options: Readonly<Record<string, string>>): Promise<void>;
  /** A card that uses it stays, without a link. @returns false if there is none of that id */
  remove(id: string): boolean;
}

/** What a network card is connected to, as `info network` shows it. */
export interface NetdevInfo {
  readonly id: string;
  readonly type: string;
  /** Where it leads: `unix:/run/cable`; empty while nobody is at its other end. */
  readonly detail: string;
}

/** Open files that came over monitors' sockets. */
export interface PassedDescriptors {
  /** One has come that has no name yet. */
  readonly waiting: boolean;
  /** Gives the file that came last a name; one of that name is closed. */
  name(name: string): void;
  /** @returns false if there is none of that name */
  close(name: string): boolean;
  /** Files by the number of their set: `/dev/fdset/N` in place of a path. */
  readonly sets: readonly {
    readonly set: number;
    readonly files: readonly { readonly fd: number; readonly opaque: string | undefined }[];
  }[];
  /** Puts the file that came last into a set; without a number into a new one. */
  addToSet(set: number | undefined, opaque: string | undefined): { readonly set: number; readonly fd: number };
  /** Closes one file of a set, or all. @returns false if there is no such set or file */
  removeFromSet(set: number, fd: number | undefined): boolean;
}

/** An option that is a list of properties. */
export interface CommandLineOption {
  readonly option: string;
  readonly parameters: readonly { readonly name: string; readonly type: 'string' | 'boolean' | 'number' | 'size' }[];
}

/** A character device as `query-chardev` and `info chardev` show it. */
export interface ChardevInfo {
  readonly label: string;
  /** Where it is: `stdio`, `unix:/run/line,server=on`, `disconnected:tcp:...`. */
  readonly filename: string;
  /** A device or a monitor is on it. */
  readonly frontendOpen: boolean;
}
