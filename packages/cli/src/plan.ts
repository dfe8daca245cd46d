// What a command line describes: read and checked as far as it can be without opening anything but boot files.

import {
  type ArchitecturePackage,
  type BootOptions,
  type DeviceOptions,
  type GlobalProperty,
  UserError,
} from '@boardwalk/core';
import type { CompatPolicy } from '@boardwalk/monitor';
import { type ActionOptions, readActions } from './config/actions.ts';
import { type BlockdevSpec, readBlockdevs } from './config/blockdevs.ts';
import { readBoot } from './config/boot.ts';
import { readCompat } from './config/compat.ts';
import { type ObjectSpec, parseDevice, parseGlobal, parseObject } from './config/devices.ts';
import { type DriveSpec, readDrives } from './config/drives.ts';
import { type FdSets, fdSets } from './config/fd-sets.ts';
import { type BootFiles, readBootFiles } from './config/files.ts';
import { type Incoming, readIncoming } from './config/incoming.ts';
import { type ChardevSpec, parseChardev } from './config/lines.ts';
import type { MachineSettings } from './config/machine-settings.ts';
import { type NetdevSpec, parseNetdev } from './config/netdevs.ts';
import { type ProfileSpec, readProfile } from './config/profile.ts';
import { readSemihosting, type SemihostingSpec } from './config/semihosting.ts';
import { type LinePlan, readLines } from './config/services.ts';
import { type CommandLine, forOption } from './options/command-line.ts';
import { KeyValues } from './options/key-values.ts';

/** Everything that the options say. */
export interface Plan {
  readonly settings: MachineSettings;
  readonly files: BootFiles;
  readonly lines: LinePlan;
  readonly chardevs: readonly ChardevSpec[];
  readonly netdevs: readonly NetdevSpec[];
  readonly drives: readonly DriveSpec[];
  readonly blockdevs: readonly BlockdevSpec[];
  readonly devices: readonly DeviceOptions[];
  readonly objects: readonly ObjectSpec[];
  /** Texts of -numa. */
  readonly numa: readonly string[];
  readonly globals: readonly GlobalProperty[];
  readonly actions: ActionOptions;
  readonly semihosting: SemihostingSpec | undefined;
  readonly boot: BootOptions | undefined;
  /** The machine is made, and stands still (-S). */
  readonly paused: boolean;
  /** The snapshot that the machine goes on from. */
  readonly incoming: Incoming | undefined;
  /** Where the guest spends its instructions is to be found out (-profile). */
  readonly profile: ProfileSpec | undefined;
  /** Open files in place of paths: `/dev/fdset/N`. */
  readonly fdSets: FdSets;
  /** What monitors do with what clients should not rely on. */
  readonly compat: CompatPolicy;
  /** The machine is made when a monitor says so (--preconfig). */
  readonly preconfig: boolean;
}

/** @throws UserError for whatever of it cannot be */
export function readPlan(
  line: CommandLine,
  architecture: ArchitecturePackage | undefined,
  settings: MachineSettings,
): Plan {
  checkOvercommit(line);
  return {
    settings,
    lines: readLines(line),
    chardevs: line.all('chardev').map((text) => forOption('chardev', () => withFile(parseChardev(text), fdSets(line)))),
    netdevs: line.all('netdev').map((text) => forOption('netdev', () => parseNetdev(text))),
    drives: readDrives(line),
    blockdevs: readBlockdevs(line),
    devices: line.all('device').map((text) => forOption('device', () => parseDevice(text))),
    objects: line.all('object').map((text) => forOption('object', () => parseObject(text))),
    numa: line.all('numa'),
    globals: line.all('global').map((text) => forOption('global', () => parseGlobal(text))),
    actions: readActions(line),
    semihosting: readSemihosting(line),
    boot: readBoot(line),
    paused: line.has('S'),
    incoming: readIncoming(line),
    profile: readProfile(line),
    fdSets: fdSets(line),
    compat: readCompat(line),
    preconfig: line.has('preconfig'),
    files: readBootFiles(line, architecture, settings),
  };
}

/** A file that the process was given takes the place of its number. */
export function withFile(spec: ChardevSpec, sets: FdSets): ChardevSpec {
  if (spec.line.kind !== 'file') return spec;
  return { ...spec, line: { ...spec.line, path: sets.resolve(spec.line.path, 'write') } };
}

/** -overcommit: only what is so anyway. @throws UserError */
function checkOvercommit(line: CommandLine): void {
  for (const text of line.all('overcommit')) {
    forOption('overcommit', () => {
      const values = new KeyValues(text);
      for (const name of ['mem-lock', 'cpu-pm']) {
        if (values.bool(name) === true) throw new UserError(`${name}=on is not supported; off is`);
      }
      values.finish();
    });
  }
}
