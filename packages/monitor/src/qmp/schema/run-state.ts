// What the monitor itself and the life of a machine are about (qapi/control.json, qapi/run-state.json).
import { PANIC_ACTIONS, REBOOT_ACTIONS, SHUTDOWN_ACTIONS, WATCHDOG_ACTIONS } from '@boardwalk/core';
import {
  bool,
  command,
  type EventSpec,
  enumeration,
  int,
  list,
  opt,
  size,
  str,
  struct,
  uint32,
  uint64,
  union,
} from './dsl.ts';
import { DumpQueryResult } from './dump.ts';
import { JobStatus } from './jobs.ts';
import { MigrationStatus } from './migration.ts';

export const QmpCapability = enumeration('QMPCapability', ['oob']);

export const VersionTriple = struct('VersionTriple', { major: int, minor: int, micro: int });
export const VersionInfo = struct('VersionInfo', { qemu: VersionTriple, package: str });
export const CommandInfo = struct('CommandInfo', { name: str });

export const RunStateEnum = enumeration('RunState', [
  'prelaunch',
  'inmigrate',
  'running',
  'paused',
  'postmigrate',
  'guest-panicked',
  'watchdog',
  'shutdown',
  'internal-error',
]);
export const StatusInfo = struct('StatusInfo', { running: bool, singlestep: bool, status: RunStateEnum });

export const ShutdownCause = enumeration('ShutdownCause', [
  'host-error',
  'host-qmp-quit',
  'host-qmp-system-reset',
  'host-signal',
  'host-ui',
  'guest-shutdown',
  'guest-reset',
  'guest-panic',
]);

export const WatchdogAction = enumeration('WatchdogAction', WATCHDOG_ACTIONS);

export const runStateCommands = {
  qmp_capabilities: command({
    doc: 'Ends the negotiation of capabilities: other commands are taken from now on.',
    args: { enable: opt(list(QmpCapability)) },
    preconfig: true,
  }),
  'query-version': command({ doc: 'The version.', returns: VersionInfo, preconfig: true }),
  'query-commands': command({ doc: 'The commands.', returns: list(CommandInfo), preconfig: true }),
  'query-status': command({ doc: 'What the machine does now.', returns: StatusInfo, preconfig: true }),
  quit: command({ doc: 'Ends the emulator.', preconfig: true }),
  stop: command({ doc: 'Stops guest code and virtual time.' }),
  cont: command({ doc: 'Lets the machine go on.' }),
  system_reset: command({ doc: 'Resets the machine.' }),
  'set-action': command({
    doc: 'What happens when the guest resets or shuts down the machine, cannot go on, or forgets its watchdog (`-action`).',
    args: {
      reboot: opt(enumeration('RebootAction', REBOOT_ACTIONS)),
      shutdown: opt(enumeration('ShutdownAction', SHUTDOWN_ACTIONS)),
      panic: opt(enumeration('PanicAction', PANIC_ACTIONS)),
      watchdog: opt(WatchdogAction),
    },
  }),
  'watchdog-set-action': command({
    doc: 'What happens when the guest forgets its watchdog.',
    args: { action: WatchdogAction },
  }),
  'inject-nmi': command({ doc: 'Raises an interrupt that CPUs cannot mask, on boards that have one.' }),
  system_wakeup: command({ doc: 'Wakes a machine that is suspended: none here can be.' }),
  system_powerdown: command({ doc: 'Presses the power button.' }),
} as const;

const causeData = { guest: bool, reason: ShutdownCause } as const;

export const GuestPanicAction = enumeration('GuestPanicAction', ['pause', 'poweroff', 'run']);
export const S390CrashReason = enumeration('S390CrashReason', [
  'disabled-wait',
  'extint-loop',
  'pgmint-loop',
  'opint-loop',
]);
export const GuestPanicInformation = union(
  'GuestPanicInformation',
  { type: enumeration('GuestPanicInformationType', ['s390']) },
  'type',
  {
    s390: struct('GuestPanicInformationS390', {
      core: uint32,
      'psw-mask': uint64,
      'psw-addr': uint64,
      reason: S390CrashReason,
    }),
  },
);

export const events = {
  RESET: { doc: 'After the machine was reset.', data: causeData },
  STOP: { doc: 'The machine has stopped.' },
  RESUME: { doc: 'The machine runs, or runs again.' },
  SHUTDOWN: { doc: 'The machine, or the emulator, ends.', data: causeData },
  MIGRATION: {
    doc: 'A migration has got further; told where the capability `events` is set.',
    data: { status: MigrationStatus },
  },
  JOB_STATUS_CHANGE: { doc: 'A job has got further.', data: { id: str, status: JobStatus } },
  DUMP_COMPLETED: {
    doc: 'A dump of guest memory has ended.',
    data: { result: DumpQueryResult, error: opt(str) },
  },
  POWERDOWN: { doc: 'The power button was pressed.' },
  GUEST_PANICKED: {
    doc: 'The guest cannot go on.',
    data: { action: GuestPanicAction, info: GuestPanicInformation },
  },
  WATCHDOG: { doc: 'The guest has forgotten its watchdog.', data: { action: WatchdogAction } },
  DEVICE_DELETED: { doc: 'A device is gone.', data: { device: opt(str), path: str } },
  MEMORY_DEVICE_SIZE_CHANGE: {
    doc: 'A guest has another share of a memory device.',
    data: { id: opt(str), size, 'qom-path': str },
  },
  BALLOON_CHANGE: { doc: 'A guest has given RAM back through its balloon, or taken some.', data: { actual: int } },
} as const satisfies Readonly<Record<string, EventSpec>>;
