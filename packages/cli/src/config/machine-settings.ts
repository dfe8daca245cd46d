// -machine, -smp, -cpu, -m, -mem-path, -mem-prealloc, -accel, -icount, -seed, -rtc: what the machine is, before anything of it is made.

import {
  type BoardDefinition,
  type BoardRegistry,
  guestRamProblem,
  has64BitMemory,
  type MachineOptions,
  memoryLimits,
  parseSmp,
  ramSizeProblem,
  resolveCpuModel,
  resolveSmp,
  type SmpOptions,
  standardRamSize,
  UserError,
} from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import { type InstructionCounting, readInstructionCounting, readRtc, readSeed } from './time.ts';

/** What these options say. */
export interface MachineSettings {
  readonly board: BoardDefinition;
  readonly accel: Accelerator;
  readonly tier1?: NonNullable<MachineOptions['tier1']>;
  /** Translated code is kept for the next run that starts like this one. */
  readonly keepsCode: boolean;
  /** Each vCPU runs on a thread of its own. */
  readonly isThreaded: boolean;
  readonly boardProps: Readonly<Record<string, string>>;
  readonly memoryBackend?: string;
  /** Guest memory is not in the host's core dumps of this program. */
  readonly dumpGuestCore?: false;
  /** The file that the machine's device tree is to be written to, and nothing else done. */
  readonly dumpTree?: string;
  readonly memPath?: string;
  readonly memPrealloc?: boolean;
  /** Bytes. */
  readonly ramSize?: number;
  readonly memorySlots?: number;
  /** Bytes. */
  readonly maxRamSize?: number;
  readonly smp?: SmpOptions;
  readonly cpu?: string;
  /** How time is counted in instructions; without it virtual time is the host's. */
  readonly icount?: InstructionCounting;
  readonly seed?: bigint;
  /** Milliseconds since 1970, UTC. */
  readonly rtcBaseMs?: number;
  readonly rtcClock?: NonNullable<MachineOptions['rtcClock']>;
}

/**
 * @param missing the package that has the boards, where it is not installed
 * @throws UserError for whatever of it cannot be
 */
export function readMachineSettings(
  line: CommandLine,
  arch: string,
  boards: BoardRegistry,
  missing?: string,
): MachineSettings {
  const machine = new KeyValues('');
  for (const text of line.all('machine')) forOption('machine', () => machine.merge(new KeyValues(text, 'type')));
  const board = forOption('machine', () => chooseBoard(machine.take('type'), arch, boards, missing));
  const memoryBackend = machine.take('memory-backend');
  const dumpGuestCore = forOption('machine', () => machine.bool('dump-guest-core')) ?? true;
  const dumpTree = machine.take('dumpdtb');
  forOption('machine', () => refuseUsb(machine, board));
  const { accel, tier1, keepsCode, isThreaded } = chooseAccelerator(line, machine.take('accel'));
  const smp = readSmp(line, machine, board);
  const cpu = line.last('cpu');
  if (cpu !== undefined && board.name !== 'none') forOption('cpu', () => resolveCpuModel(cpu, board));
  const memory = readMemory(line, board, memoryBackend);
  const memPath = line.last('mem-path');
  const icount = readInstructionCounting(line, accel);
  if (icount !== undefined && isThreaded) {
    throw new UserError(
      '-accel: No MTTCG when icount is enabled: no order of the threads would repeat; thread=single is needed',
    );
  }
  const seed = readSeed(line.last('seed'));
  return {
    board,
    accel,
    keepsCode,
    isThreaded,
    boardProps: machine.rest(),
    ...(tier1 === undefined ? {} : { tier1 }),
    ...(dumpGuestCore ? {} : { dumpGuestCore: false as const }),
    ...(dumpTree === undefined ? {} : { dumpTree }),
    ...(memoryBackend === undefined ? {} : { memoryBackend }),
    ...(memPath === undefined ? {} : { memPath }),
    ...(line.has('mem-prealloc') ? { memPrealloc: true } : {}),
    ...memory,
    ...(smp === undefined ? {} : { smp }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(icount === undefined ? {} : { icount }),
    ...(seed === undefined ? {} : { seed }),
    ...readRtc(line.all('rtc'), new Date()),
  };
}

function chooseBoard(
  name: string | undefined,
  arch: string,
  boards: BoardRegistry,
  missing: string | undefined,
): BoardDefinition {
  if (missing !== undefined && name !== undefined && name !== 'none') {
    throw new UserError(
      `the architecture ${arch} is not installed, so it has no machine '${name}': npm install ${missing}`,
    );
  }
  const board = name === undefined ? boards.defaultBoard(arch) : boards.find(name, arch);
  if (!board) throw new UserError('no machine is named, and there is no default; -machine help lists them');
  return board;
}

/** `usb=off` is what all boards without USB have anyway. */
function refuseUsb(machine: KeyValues, board: BoardDefinition): void {
  if (board.properties?.some(({ name }) => name === 'usb')) return;
  if (machine.bool('usb') === true) throw new UserError(`machine '${board.name}' has no USB`);
}

/** Whether a command line is about the empty machine, and nothing in it is an architecture's. */
export function namesOnlyNone(line: CommandLine): boolean {
  const type = line.all('machine').flatMap((text) => new KeyValues(text, 'type').take('type') ?? []);
  const architectures = ['cpu', 'device', 'load', 'kernel', 'bios', 'L'] as const;
  const objects = line.all('object').every((text) => /^\{|memory-backend-/.test(text));
  return type.at(-1) === 'none' && objects && !architectures.some((name) => line.has(name));
}

/** -smp, and `-machine smp.cpus=8,smp.sockets=2`, which is the same. */
function readSmp(line: CommandLine, machine: KeyValues, board: BoardDefinition): SmpOptions | undefined {
  const options = { ...readNestedSmp(machine) };
  for (const text of line.all('smp'))
    Object.assign(
      options,
      forOption('smp', () => parseSmp(text)),
    );
  if (Object.keys(options).length === 0) return undefined;
  forOption('smp', () => resolveSmp(options, board));
  return options;
}

function readNestedSmp(machine: KeyValues): SmpOptions {
  const items = ['cpus', 'maxcpus', 'sockets', 'dies', 'clusters', 'cores', 'threads'].flatMap((key) => {
    const value = machine.take(`smp.${key}`);
    return value === undefined ? [] : [`${key}=${value}`];
  });
  return items.length === 0 ? {} : forOption('machine', () => parseSmp(items.join(',')));
}

/** RAM comes in whole pages of the largest size that guests have as their smallest. */
const RAM_UNIT = 8192;

/**
 * `-m`: the size rounded up to whole pages; 0 is the board's default. With a backend of the user's, which is not there yet, the machine
 * itself checks the rest.
 */
function readMemory(
  line: CommandLine,
  board: BoardDefinition,
  memoryBackend: string | undefined,
): Pick<MachineSettings, 'ramSize' | 'memorySlots' | 'maxRamSize'> {
  return forOption('m', () => {
    const memory = new KeyValues('');
    for (const text of line.all('m')) memory.merge(new KeyValues(text, 'size'));
    const asked = memory.size('size', 'M') ?? 0;
    const ramSize = asked === 0 ? undefined : Math.ceil(asked / RAM_UNIT) * RAM_UNIT;
    const memorySlots = memory.count('slots');
    const maxRamSize = memory.size('maxmem', 'M');
    memory.finish();
    const problem = ramSize === undefined ? undefined : (ramSizeProblem(board, ramSize) ?? guestRamProblem(ramSize));
    if (problem !== undefined) throw new UserError(problem);
    const settings = {
      ...(ramSize === undefined ? {} : { ramSize }),
      ...(memorySlots === undefined ? {} : { memorySlots }),
      ...(maxRamSize === undefined ? {} : { maxRamSize }),
    };
    if (memoryBackend === undefined) memoryLimits(board, ramSize ?? board.defaultRamSize ?? standardRamSize, settings);
    return settings;
  });
}

/** How guest code is executed. */
export type Accelerator = 'tcg' | 'qtest';

/** Those that need a host's own CPU to execute the guest's code. */
const UNUSABLE: readonly string[] = ['kvm', 'hvf', 'whpx', 'xen', 'nvmm', 'hax'];

/** The first accelerator that is usable. @throws UserError if none of those asked for is */
function chooseAccelerator(
  line: CommandLine,
  onMachine: string | undefined,
): Pick<MachineSettings, 'accel' | 'tier1' | 'keepsCode' | 'isThreaded'> {
  const asked = [...line.all('accel'), ...(onMachine?.split(':') ?? [])];
  if (asked.length === 0) return { accel: 'tcg', keepsCode: true, isThreaded: false };
  return forOption('accel', () => {
    const problems: string[] = [];
    for (const text of asked) {
      const options = new KeyValues(text, 'accel');
      const name = options.require('accel');
      const isThreaded = name === 'tcg' && readThread(options);
      const tier1 = name === 'tcg' ? readTier1(options) : undefined;
      const isKept = (name === 'tcg' ? options.bool('kept-code') : undefined) ?? true;
      checkRamIndex(options);
      if (name === 'tcg' || name === 'qtest') {
        options.finish();
        const keepsCode = name === 'tcg' && !isThreaded && isKept;
        return { accel: name, keepsCode, isThreaded, ...(tier1 === undefined ? {} : { tier1 }) };
      }
      if (!UNUSABLE.includes(name)) throw new UserError(`invalid accelerator '${name}'; tcg and qtest are there`);
      problems.push(`${name} is not usable: guest code is always translated here (tcg)`);
    }
    throw new UserError(problems.join('; '));
  });
}

/** `ram-index=64`: the RAM space was made by it. */
function checkRamIndex(options: KeyValues): void {
  if (options.choice('ram-index', ['32', '64']) === '64' && !has64BitMemory()) {
    throw new UserError(
      'ram-index=64 needs 64-bit WebAssembly memories, which this runtime does not have (Node.js 24 does)',
    );
  }
}

/** `thread=multi`: each vCPU on a thread of its own. */
function readThread(options: KeyValues): boolean {
  const thread = options.take('thread');
  if (thread === undefined || thread === 'single') return false;
  if (thread !== 'multi') throw new UserError(`Invalid 'thread' setting ${thread}: single and multi are`);
  return true;
}

/** `tier1=off`, and how often code runs before it is compiled: `tier1-threshold=N`. */
function readTier1(options: KeyValues): MachineOptions['tier1'] {
  const isOn = options.bool('tier1') ?? true;
  const threshold = options.count('tier1-threshold');
  if (!isOn) return 'off';
  if (threshold === undefined) return undefined;
  if (threshold < 1 || threshold >= 2 ** 18) throw new UserError('tier1-threshold is 1 to 262143');
  return { threshold };
}
