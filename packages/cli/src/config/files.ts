// -kernel, -initrd, -append, -dtb, -bios, -L: what the machine runs.

import {
  type ArchitecturePackage,
  type BoardDefinition,
  type MachineOptions,
  readFdt,
  UserError,
} from '@boardwalk/core';
import { readInputFile } from '@boardwalk/host-node';
import { type CommandLine, forOption } from '../options/command-line.ts';
import type { ValueOption } from '../options/table.ts';
import { fdSets } from './fd-sets.ts';
import { type Firmware, namedFirmware, usualFirmware } from './firmware.ts';
import type { MachineSettings } from './machine-settings.ts';

/** The files of a machine: their bytes, and their names for messages. */
export interface BootFiles {
  readonly options: Pick<MachineOptions, 'kernel' | 'initrd' | 'append' | 'dtb' | 'firmware'>;
  readonly paths: ReadonlyMap<string, string>;
}

/** @throws UserError for a file that cannot be read, and for options that make no sense together */
export function readBootFiles(
  line: CommandLine,
  architecture: ArchitecturePackage | undefined,
  { board, accel }: Pick<MachineSettings, 'board' | 'accel'>,
): BootFiles {
  const paths = new Map<string, string>();
  const read = (name: ValueOption): Uint8Array | undefined => {
    const path = line.last(name);
    if (path === undefined) return undefined;
    paths.set(name, path);
    return forOption(name, () => readInputFile(fdSets(line).resolve(path, 'read')));
  };
  const append = line.last('append');
  if (!line.has('kernel') && append !== undefined) throw new UserError('-append: only with -kernel');
  if (!line.has('kernel') && line.has('initrd')) throw new UserError('-initrd: only with -kernel');
  const kernel = read('kernel');
  const initrd = read('initrd');
  const dtb = read('dtb');
  if (dtb) forOption('dtb', () => checkDeviceTree(dtb, paths.get('dtb') ?? ''));
  const firmware = chooseFirmware(line, architecture, board, accel);
  if (firmware) paths.set('bios', firmware.path);
  return {
    options: {
      firmware: firmware?.bytes ?? 'none',
      ...(kernel && { kernel }),
      ...(initrd && { initrd }),
      ...(dtb && { dtb }),
      ...(append === undefined ? {} : { append }),
    },
    paths,
  };
}

function checkDeviceTree(bytes: Uint8Array, path: string): void {
  try {
    readFdt(bytes);
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${path}: ${error.message}`) : error;
  }
}

function chooseFirmware(
  line: CommandLine,
  architecture: ArchitecturePackage | undefined,
  board: BoardDefinition,
  accel: MachineSettings['accel'],
): Firmware | undefined {
  const bios = line.last('bios');
  const folders = line.all('L');
  if (bios === 'none') return undefined;
  if (bios !== undefined && bios !== 'default')
    return forOption('bios', () => namedFirmware(fdSets(line).resolve(bios, 'read'), folders));
  // Under qtest no CPU executes anything.
  if (architecture === undefined || (accel === 'qtest' && bios === undefined)) return undefined;
  return usualFirmware(architecture, board, folders);
}

/** A board's message about `-kernel` says which file it means. */
export function nameFile(error: unknown, paths: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof UserError)) return error;
  const [, option = '', rest = ''] = /^-([a-z]+): (.*)$/s.exec(error.message) ?? [];
  const path = paths.get(option);
  return path === undefined ? error : new UserError(`-${option}: ${path}: ${rest}`);
}
