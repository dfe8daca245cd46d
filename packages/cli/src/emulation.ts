// The machine that a command line describes: first a plan, for which nothing is opened, then the machine with its files and lines.

import {
  type ArchitecturePackage,
  type BwObject,
  type CharBackend,
  type DeviceOptions,
  type DriveOptions,
  type GuestLog,
  type HostMemory,
  Machine,
  type MachineOptions,
  type NoHostMemory,
  type RamSpace,
  type TypeRegistry,
  UserError,
} from '@boardwalk/core';
import type { HostChar } from '@boardwalk/host-node';
import { Chardev } from './config/chardev-object.ts';
import { type ObjectSpec, parseDevice, parseObject } from './config/devices.ts';
import { closeDrives, type DriveSpec, openDrives, readDrives } from './config/drives.ts';
import { type BootFiles, nameFile, readBootFiles } from './config/files.ts';
import { endObjects } from './config/host-memory.ts';
import {
  type LineHost,
  type LineSpec,
  makeLine,
  parseChardev,
  parseSerial,
  type SerialSpec,
  TERMINAL,
} from './config/lines.ts';
import type { MachineSettings } from './config/machine-settings.ts';
import { readSemihosting } from './config/semihosting.ts';
import { type CommandLine, forOption, forOptionAsync } from './options/command-line.ts';

/** Everything that the options say, read and checked as far as it can be without opening anything but boot files. */
export interface Plan {
  readonly settings: MachineSettings;
  readonly files: BootFiles;
  readonly serials: readonly SerialSpec[];
  /** The user asked for the serial ports, rather than getting them. */
  readonly serialsAsked: boolean;
  readonly chardevs: readonly { readonly id: string; readonly line: LineSpec }[];
  readonly drives: readonly DriveSpec[];
  readonly devices: readonly DeviceOptions[];
  readonly objects: readonly ObjectSpec[];
  readonly noReboot: boolean;
  readonly semihosting: boolean;
  readonly noShutdown: boolean;
}

/** @throws UserError for whatever of it cannot be */
export function readPlan(line: CommandLine, architecture: ArchitecturePackage, settings: MachineSettings): Plan {
  const asked = line.all('serial').map((text) => forOption('serial', () => parseSerial(text)));
  return {
    settings,
    serials: asked.length > 0 ? asked : usualSerials(line),
    serialsAsked: asked.length > 0,
    chardevs: line.all('chardev').map((text) => forOption('chardev', () => parseChardev(text))),
    drives: readDrives(line),
    devices: line.all('device').map((text) => forOption('device', () => parseDevice(text))),
    objects: line.all('object').map((text) => forOption('object', () => parseObject(text))),
    noReboot: line.has('no-reboot'),
    semihosting: readSemihosting(line),
    noShutdown: line.has('no-shutdown'),
    files: readBootFiles(line, architecture, settings.board),
  };
}

/** There is no window that a serial port could be in, so it is on the terminal, unless the user wants nothing there. */
function usualSerials(line: CommandLine): readonly SerialSpec[] {
  const wanted = line.has('nographic') || !line.has('display');
  return wanted && !line.has('nodefaults') ? [TERMINAL] : [];
}

/** What a plan needs to become a machine. */
export interface BuildContext {
  readonly space: RamSpace;
  readonly hostMemory?: HostMemory | NoHostMemory;
  readonly types: TypeRegistry;
  /** The object tree. */
  readonly root: BwObject;
  readonly log: GuestLog;
  readonly lineHost: LineHost;
}

/** A machine with what belongs to it on the host. */
export interface Emulation {
  readonly machine: Machine;
  /** Opens the lines; a server waits for its client. @throws UserError if the host refuses one */
  beginLines(): Promise<void>;
  /** Ends everything and restores the terminal. */
  close(): Promise<void>;
}

/** Makes the machine. When that fails, nothing is left open. @throws UserError for whatever the user got wrong */
export async function buildMachine(plan: Plan, context: BuildContext): Promise<Emulation> {
  const lines = new Lines(context);
  let drives: DriveOptions[] = [];
  try {
    for (const object of plan.objects) forOption('object', () => addObject(object, context));
    drives = await openDrives(plan.drives);
    for (const { id, line } of plan.chardevs) await forOptionAsync('chardev', () => lines.add(id, line));
    const serials: Chardev[] = [];
    for (const [port, spec] of plan.serials.entries()) {
      serials.push(await forOptionAsync('serial', () => lines.serial(port, spec)));
    }
    const machine = await Machine.create(plan.settings.board, machineOptions(plan, context, drives, serials));
    if (plan.serialsAsked) checkSerials(machine, serials);
    return {
      machine,
      beginLines: () => lines.begin(),
      async close() {
        await machine.dispose();
        endObjects(context.root, 'dispose');
        lines.close();
      },
    };
  } catch (error) {
    lines.close();
    await closeDrives(drives);
    endObjects(context.root, 'abandon');
    throw explain(error, plan);
  }
}

function machineOptions(
  plan: Plan,
  context: BuildContext,
  drives: readonly DriveOptions[],
  serials: readonly CharBackend[],
): MachineOptions {
  const { board: _, ...settings } = plan.settings;
  return {
    ...settings,
    ...plan.files.options,
    ...context,
    drives,
    serials,
    devices: plan.devices,
    noReboot: plan.noReboot,
    semihosting: plan.semihosting,
    noShutdown: plan.noShutdown,
  };
}

function addObject({ type, id, properties, json }: ObjectSpec, { types, root }: BuildContext): void {
  if (types.get(type) && !types.isA(type, 'user-creatable')) throw new UserError(`invalid object type: ${type}`);
  const parent = root.children.get('objects');
  types.create(type, properties, { json, id, scope: root, ...(parent && { parent }) });
}

/** A serial port that no board looked at would be an option without effect. */
function checkSerials(machine: Machine, serials: readonly Chardev[]): void {
  const unused = serials.findIndex((serial) => !serial.used && !serial.isNull);
  if (unused >= 0) throw new UserError(`-serial: machine '${machine.board.name}' has no serial port ${unused}`);
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
  if (message.startsWith('CPU ')) return new UserError(`-cpu: ${message}`);
  if (message.startsWith('cannot set up guest memory')) return new UserError(`-m: ${message}`);
  return nameFile(error, plan.files.paths);
}

/** The lines of a machine, by name in the object tree. */
class Lines {
  readonly #context: BuildContext;
  readonly #open: { readonly label: string; readonly backend: CharBackend }[] = [];

  constructor(context: BuildContext) {
    this.#context = context;
  }

  async add(label: string, spec: LineSpec): Promise<Chardev> {
    const backend = await makeLine(spec, this.#context.lineHost);
    this.#open.push({ label, backend });
    const chardev = new Chardev(backend, spec.kind === 'null');
    const place = this.#context.root.children.get('chardevs');
    if (place?.children.has(label)) throw new UserError(`duplicate id '${label}'`);
    return place?.addChild(label, chardev) ?? chardev;
  }

  async serial(port: number, spec: SerialSpec): Promise<Chardev> {
    if (spec.kind !== 'chardev') return this.add(`serial${port}`, spec);
    const chardev = this.#context.root.children.get('chardevs')?.children.get(spec.id);
    if (!(chardev instanceof Chardev)) throw new UserError(`there is no chardev '${spec.id}'`);
    return chardev;
  }

  async begin(): Promise<void> {
    for (const { label, backend } of this.#open) {
      if (!isHostChar(backend)) continue;
      await backend.begin();
      const place = backend.describe();
      if (place !== undefined) this.#context.lineHost.note(`char device redirected to ${place} (label ${label})`);
    }
  }

  close(): void {
    for (const { backend } of this.#open) backend.close();
  }
}

function isHostChar(backend: CharBackend): backend is HostChar {
  return 'begin' in backend;
}
