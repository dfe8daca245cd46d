// What a command line describes: read and checked as far as it can be without opening anything but boot files.

import type { ArchitecturePackage, DeviceOptions } from '@boardwalk/core';
import { type ObjectSpec, parseDevice, parseObject } from './config/devices.ts';
import { type DriveSpec, readDrives } from './config/drives.ts';
import { type BootFiles, readBootFiles } from './config/files.ts';
import { type ChardevSpec, parseChardev } from './config/lines.ts';
import type { MachineSettings } from './config/machine-settings.ts';
import { readSemihosting } from './config/semihosting.ts';
import { type LinePlan, readLines } from './config/services.ts';
import { type CommandLine, forOption } from './options/command-line.ts';

/** Everything that the options say. */
export interface Plan {
  readonly settings: MachineSettings;
  readonly files: BootFiles;
  readonly lines: LinePlan;
  readonly chardevs: readonly ChardevSpec[];
  readonly drives: readonly DriveSpec[];
  readonly devices: readonly DeviceOptions[];
  readonly objects: readonly ObjectSpec[];
  /** Texts of -numa. */
  readonly numa: readonly string[];
  readonly noReboot: boolean;
  readonly semihosting: boolean;
  readonly noShutdown: boolean;
  /** The machine is made, and stands still (-S). */
  readonly paused: boolean;
  /** The machine is made when a monitor says so (--preconfig). */
  readonly preconfig: boolean;
}

/** @throws UserError for whatever of it cannot be */
export function readPlan(
  line: CommandLine,
  architecture: ArchitecturePackage | undefined,
  settings: MachineSettings,
): Plan {
  return {
    settings,
    lines: readLines(line),
    chardevs: line.all('chardev').map((text) => forOption('chardev', () => parseChardev(text))),
    drives: readDrives(line),
    devices: line.all('device').map((text) => forOption('device', () => parseDevice(text))),
    objects: line.all('object').map((text) => forOption('object', () => parseObject(text))),
    numa: line.all('numa'),
    noReboot: line.has('no-reboot'),
    semihosting: readSemihosting(line),
    noShutdown: line.has('no-shutdown'),
    paused: line.has('S'),
    preconfig: line.has('preconfig'),
    files: readBootFiles(line, architecture, settings),
  };
}
