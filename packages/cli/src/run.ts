// From a command line to the end of the machine that it describes.

import {
  type ArchitecturePackage,
  BoardRegistry,
  createObjectTree,
  Device,
  type HostMemory,
  type HostMemoryChoice,
  type NoHostMemory,
  RamSpace,
  registerArchitectureTypes,
  registerBoardTypes,
  registerMachineTypes,
  registerMemoryBackends,
  registerRngBackends,
  TypeRegistry,
  typeOfClass,
  UserError,
} from '@boardwalk/core';
import { hostMemoryOnDemand } from '@boardwalk/host-node';
import { findArchitecture, missingPackage } from './architectures.ts';
import { keepMemoryFromCoreDumps } from './config/core-dumps.ts';
import { optionHelp } from './config/help.ts';
import { type Identity, readIdentity } from './config/identity.ts';
import { keptCode } from './config/kept-code.ts';
import { LogOutput } from './config/log.ts';
import { type MachineSettings, namesOnlyNone, readMachineSettings } from './config/machine-settings.ts';
import { Messages } from './config/messages.ts';
import { PidFile } from './config/pid-file.ts';
import { loadPlugin, type MachineHook } from './config/plugins.ts';
import { ramSpaceOptions } from './config/ram-space.ts';
import { registerRngRandom } from './config/rng-random.ts';
import { registerSecret } from './config/secret.ts';
import { Trace } from './config/trace.ts';
import { CommandLine, forOption, forOptionAsync } from './options/command-line.ts';
import { helpText } from './options/table.ts';
import { readPlan } from './plan.ts';
import { type Program, programVersion, versionText } from './program.ts';
import { Quit } from './quit.ts';
import { Session, type SessionContext } from './session.ts';

/** Runs a command line. @returns the process's exit status: the guest's, or 1 after a mistake of the user's */
export async function run(arch: string, argv: readonly string[], out: Program): Promise<number> {
  const messages = new Messages(out);
  const { program } = messages;
  try {
    return await start(arch, argv, messages);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    program.err(`${program.name}: ${error.message}\n`);
    return 1;
  }
}

async function start(arch: string, argv: readonly string[], messages: Messages): Promise<number> {
  const { program } = messages;
  const line = new CommandLine(argv);
  messages.read(line);
  if (line.has('help') || line.has('version')) {
    program.out(line.has('help') ? helpText(program.name) : versionText());
    return 0;
  }
  if (line.has('daemonize') && program.ready === undefined) {
    const { daemonize } = await import('./daemonize.ts');
    return daemonize(line, argv, program);
  }
  const space = RamSpace.create(ramSpaceOptions(line));
  const trace = new Trace(line);
  const findHostMemory = hostMemoryOnDemand({
    trace: ({ step, name, detail }) => trace.tracer.tell(`host_memory_${step}`, `name=${name} detail=${detail ?? ''}`),
  });
  // The machine's own backend is plain memory unless something is asked of it.
  const hostMemory = line.has('mem-path') || line.has('mem-prealloc') ? findHostMemory() : undefined;
  const types = typeRegistry(space, findHostMemory);
  // The empty machine needs nothing of an architecture: a client is greeted before that is loaded.
  const loading = namesOnlyNone(line) ? undefined : await findArchitecture(arch, program.importModule);
  if (loading) registerTypes(types, loading, arch);
  const boards = new BoardRegistry(loading?.boards ?? []);
  const hooks: MachineHook[] = [];
  for (const path of line.all('load')) {
    const hook = await forOptionAsync('load', () => loadPlugin(path, boards, types));
    if (hook !== undefined) hooks.push(hook);
  }
  registerBoardTypes(types, boards.list(arch));
  const help = optionHelp(line, { arch, architecture: loading, boards, types });
  if (help !== undefined) {
    program.out(help);
    return 0;
  }

  return launch({ line, arch, program, architecture: loading, boards, types, space, hostMemory, trace, hooks });
}

/** What is known before the machine's own options are read. */
interface Launch {
  readonly line: CommandLine;
  readonly arch: string;
  readonly program: Program;
  /** Undefined until it is loaded, and where it is not installed. */
  architecture: ArchitecturePackage | undefined;
  readonly boards: BoardRegistry;
  readonly types: TypeRegistry;
  readonly space: RamSpace;
  readonly hostMemory: HostMemory | NoHostMemory | undefined;
  readonly trace: Trace;
  /** What modules do with the machine. */
  readonly hooks: readonly MachineHook[];
}

async function launch(launched: Launch): Promise<number> {
  const { line, arch, program, architecture, boards, trace } = launched;
  const settings = readMachineSettings(line, arch, boards, missingPackage(arch, architecture));
  refuseWhatIsMissing(line);
  const plan = readPlan(line, architecture, settings);
  const identity = readIdentity(line, program.name);
  const log = forOption('d', () => new LogOutput(line.all('d'), line.last('D')));
  const pidPath = line.last('pidfile');
  const pidFile = pidPath === undefined ? undefined : forOption('pidfile', () => new PidFile(pidPath));
  const quit = new Quit(program);
  const later = new Deferred();
  forOption('trace', () => trace.open());
  if (settings.dumpGuestCore === false) forOption('machine', keepMemoryFromCoreDumps);
  const session = await Session.open(plan, sessionContext(launched, settings, identity, log, quit, later.promise));
  trace.follow(session.events);
  if (!plan.preconfig) await session.build();
  try {
    if (settings.dumpTree !== undefined) return await dumpTree(session, settings.dumpTree, program);
    identity.apply();
    forOption('D', () => log.open());
    if (pidFile) forOption('pidfile', () => pidFile.write());
    quit.listen();
    return await emulate(session, quit, program, async () => {
      if (architecture === undefined) await completeTypes(launched);
      session.warnOfGlobals();
      later.resolve();
    });
  } finally {
    await session.close();
    quit.ended();
    log.close();
    trace.close();
    pidFile?.remove();
  }
}

/** -machine dumpdtb=FILE: a machine is made for its device tree, and does not run. @throws UserError where there is none */
async function dumpTree(session: Session, file: string, program: Program): Promise<number> {
  await forOptionAsync('machine', async () => {
    if (session.machine === undefined) throw new UserError('dumpdtb=FILE needs a machine, which --preconfig puts off');
    const { saveDeviceTree } = await import('@boardwalk/monitor/qmp');
    await saveDeviceTree(session, file);
  });
  program.err(`${program.name}: info: dtb dumped to ${file}. Exiting.\n`);
  return 0;
}

function sessionContext(
  launched: Launch,
  { keepsCode, dumpTree: treeFile }: MachineSettings,
  { guestName, uuid }: Identity,
  log: LogOutput,
  quit: Quit,
  complete: Promise<void>,
): SessionContext {
  const { line, arch, program, types, space, hostMemory, hooks, trace } = launched;
  const { codeFolder } = program;
  const isKept = codeFolder !== undefined && keepsCode && treeFile === undefined && launched.architecture !== undefined;
  return {
    codeStore: isKept ? keptCode(line, arch, codeFolder) : undefined,
    name: program.name,
    version: programVersion(),
    arch,
    space,
    types,
    ...(hostMemory && { hostMemory }),
    root: createObjectTree(),
    hooks,
    log,
    trace: trace.tracer,
    lineHost: {
      ...readEscape(line),
      onQuit: () => quit.byUser(),
      note: (text) => program.err(`${program.name}: ${text}\n`),
    },
    guestName,
    uuid,
    boards: () => launched.boards.list(arch),
    cpuModels: () => launched.architecture?.cpuModels(arch) ?? [],
    cpuModelQueries: () => launched.architecture?.cpuModelQueries,
    quit: () => quit.byMonitor(),
    complete,
  };
}

class Deferred {
  resolve: () => void = () => {};
  readonly promise = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });
}

/** After a greeting: everything that a monitor can be asked about. */
async function completeTypes(launched: Launch): Promise<void> {
  const architecture = await findArchitecture(launched.arch, launched.program.importModule);
  if (architecture) registerTypes(launched.types, architecture, launched.arch);
  for (const board of architecture?.boards ?? []) launched.boards.register(board);
  registerBoardTypes(launched.types, launched.boards.list(launched.arch));
  launched.architecture = architecture;
}

function typeRegistry(space: RamSpace, hostMemory: HostMemoryChoice): TypeRegistry {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  registerMemoryBackends(types, space, hostMemory);
  registerMachineTypes(types);
  registerRngBackends(types);
  registerRngRandom(types);
  registerSecret(types);
  return types;
}

function registerTypes(types: TypeRegistry, architecture: ArchitecturePackage, arch: string): void {
  architecture.registerTypes?.(types);
  registerArchitectureTypes(types, architecture, arch);
}

/** -echr: the key before commands. */
function readEscape(line: CommandLine): { readonly escape?: number } {
  const text = line.last('echr');
  if (text === undefined) return {};
  return forOption('echr', () => {
    const key = Number(text);
    if (text === '' || !Number.isInteger(key) || key < 1 || key > 255) {
      throw new UserError(`'${text}' is no character code: 1 to 255 are`);
    }
    return { escape: key };
  });
}

/** Options that other emulators have and that can only be switched off here. */
function refuseWhatIsMissing(line: CommandLine): void {
  const reasons = {
    display: 'there is no graphical display',
    parallel: 'there are no parallel ports',
    audiodev: 'there is no sound',
    net: 'there is no network',
    nic: 'there is no network',
  } as const;
  for (const [name, reason] of Object.entries(reasons)) {
    for (const value of line.all(name as keyof typeof reasons)) {
      if (value !== 'none' && !(name === 'audiodev' && isSilent(value)))
        throw new UserError(`-${name}: '${value}' is not supported: ${reason}; only none is`);
    }
  }
}

/** `-audiodev none,id=x`, as text or JSON: a place for sound that makes none. */
function isSilent(value: string): boolean {
  return /^(?:driver=)?none,id=[\w.-]+$/.test(value) || /^\{[^}]*"driver":\s*"none"[^}]*\}$/.test(value);
}

/**
 * Runs the machine to its end, or until the user, a monitor or a signal ends it.
 * @param greeted called when monitors have greeted their clients
 */
async function emulate(session: Session, quit: Quit, program: Program, greeted: () => Promise<void>): Promise<number> {
  // A machine that stands still holds nothing that keeps Node's event loop alive.
  const keepAlive = setInterval(() => {}, 0x7fff_ffff);
  try {
    const status = await Promise.race([runMachine(session, program, greeted), quit.asked]);
    if (typeof status === 'number') return status;
    session.events.shutdown(status);
    return 0;
  } catch (error) {
    if (error instanceof UserError) throw error;
    program.err(`${program.name}: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  } finally {
    clearInterval(keepAlive);
  }
}

async function runMachine(session: Session, program: Program, greeted: () => Promise<void>): Promise<number> {
  await session.begin();
  await greeted();
  program.ready?.();
  const machine = await session.made();
  return (await session.run(machine)).status;
}
