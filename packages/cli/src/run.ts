// From a command line to the end of the machine that it describes.

import {
  type ArchitecturePackage,
  BoardRegistry,
  createObjectTree,
  Device,
  type HostMemory,
  type Machine,
  type NoHostMemory,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
  typeOfClass,
  UserError,
} from '@boardwalk/core';
import { loadArchitecture } from './architectures.ts';
import { optionHelp } from './config/help.ts';
import { hostMemoryFor } from './config/host-memory.ts';
import { LogOutput } from './config/log.ts';
import { readMachineSettings } from './config/machine-settings.ts';
import { PidFile } from './config/pid-file.ts';
import { loadPlugin } from './config/plugins.ts';
import { buildMachine, type Emulation, readPlan } from './emulation.ts';
import { CommandLine, forOption, forOptionAsync } from './options/command-line.ts';
import { KeyValues } from './options/key-values.ts';
import { helpText } from './options/table.ts';
import { type Program, versionText } from './program.ts';
import { Quit } from './quit.ts';

/** Runs a command line. @returns the process's exit status: the guest's, or 1 after a mistake of the user's */
export async function run(arch: string, argv: readonly string[], program: Program): Promise<number> {
  try {
    return await start(arch, argv, program);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    program.err(`${program.name}: ${error.message}\n`);
    return 1;
  }
}

async function start(arch: string, argv: readonly string[], program: Program): Promise<number> {
  const line = new CommandLine(argv);
  if (line.has('help') || line.has('version')) {
    program.out(line.has('help') ? helpText(program.name) : versionText());
    return 0;
  }
  const architecture = await loadArchitecture(arch, program.importModule);
  const boards = new BoardRegistry(architecture.boards);
  const space = RamSpace.create();
  const hostMemory = await hostMemoryFor(line);
  const types = typeRegistry(architecture, space, hostMemory);
  for (const path of line.all('load')) await forOptionAsync('load', () => loadPlugin(path, boards, types));
  const help = optionHelp(line, { arch, architecture, boards, types });
  if (help !== undefined) {
    program.out(help);
    return 0;
  }

  const settings = readMachineSettings(line, arch, boards);
  refuseWhatIsMissing(line);
  const plan = readPlan(line, architecture, settings);
  const setName = readName(line, program);
  const log = forOption('d', () => new LogOutput(line.all('d'), line.last('D')));
  const pidPath = line.last('pidfile');
  const pidFile = pidPath === undefined ? undefined : forOption('pidfile', () => new PidFile(pidPath));

  const quit = new Quit(program);
  const emulation = await buildMachine(plan, {
    space,
    types,
    ...(hostMemory && { hostMemory }),
    root: createObjectTree(),
    log: log.log,
    lineHost: { quit: () => quit.byUser(), note: (text) => program.err(`${program.name}: ${text}\n`) },
  });
  try {
    setName();
    forOption('D', () => log.open());
    if (pidFile) forOption('pidfile', () => pidFile.write());
    quit.listen();
    return await emulate(emulation, quit, program);
  } finally {
    await emulation.close();
    quit.ended();
    log.close();
    pidFile?.remove();
  }
}

function typeRegistry(
  architecture: ArchitecturePackage,
  space: RamSpace,
  hostMemory: HostMemory | NoHostMemory | undefined,
): TypeRegistry {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  registerMemoryBackends(types, space, hostMemory);
  architecture.registerTypes?.(types);
  return types;
}

/** Options that other emulators have and that can only be switched off here. */
function refuseWhatIsMissing(line: CommandLine): void {
  const reasons = {
    display: 'there is no graphical display',
    monitor: 'there is no monitor',
    parallel: 'there are no parallel ports',
    net: 'there is no network',
    nic: 'there is no network',
  } as const;
  for (const [name, reason] of Object.entries(reasons)) {
    for (const value of line.all(name as keyof typeof reasons)) {
      if (value !== 'none') throw new UserError(`-${name}: '${value}' is not supported: ${reason}; only none is`);
    }
  }
}

/** -name: what process lists show. Gives how to set it, when everything else is right. */
function readName(line: CommandLine, program: Program): () => void {
  const text = line.last('name');
  if (text === undefined) return () => {};
  return forOption('name', () => {
    const values = new KeyValues(text, 'guest');
    const guest = values.take('guest');
    const title = values.take('process') ?? `${program.name} ${guest ?? ''}`;
    values.finish();
    return () => {
      process.title = title;
    };
  });
}

/** Runs the machine to its end, or until the user or a signal ends it. */
async function emulate(emulation: Emulation, quit: Quit, program: Program): Promise<number> {
  const { machine } = emulation;
  const running = runMachine(emulation, machine);
  // A machine that stands still holds nothing that keeps Node's event loop alive.
  const keepAlive = setInterval(() => {}, 0x7fff_ffff);
  try {
    return await Promise.race([running, quit.asked.then(() => 0)]);
  } catch (error) {
    if (error instanceof UserError) throw error;
    program.err(`${program.name}: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  } finally {
    clearInterval(keepAlive);
  }
}

async function runMachine(emulation: Emulation, machine: Machine): Promise<number> {
  await emulation.beginLines();
  return (await machine.run()).status;
}
