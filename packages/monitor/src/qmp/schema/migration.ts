// Saving machines to go on elsewhere (qapi/migration.json).
import { bool, command, enumeration, int, list, number, opt, size, str, struct } from './dsl.ts';

export const MigrationStatus = enumeration('MigrationStatus', ['setup', 'active', 'completed', 'failed', 'cancelled']);

export const MigrationCapabilityStatus = struct('MigrationCapabilityStatus', {
  capability: enumeration('MigrationCapability', ['events']),
  state: bool,
});

export const MigrationParameters = struct('MigrationParameters', { 'max-bandwidth': opt(size) });

export const MigrationInfo = struct('MigrationInfo', {
  status: opt(MigrationStatus),
  ram: opt(struct('MigrationStats', { transferred: int, remaining: int, total: int, mbps: number, 'page-size': int })),
  'total-time': opt(int),
  downtime: opt(int),
  'setup-time': opt(int),
  'error-desc': opt(str),
});

export const migrationCommands = {
  migrate: command({
    doc: 'Stops the machine and begins to save it to `file:PATH`, `exec:COMMAND`, `unix:PATH`, `tcp:HOST:PORT` or `fd:N`; `query-migrate` tells how far that is, and `-incoming` goes on from it.',
    args: { uri: str, detach: opt(bool) },
  }),
  migrate_cancel: command({ doc: 'Ends a migration that is under way: the machine goes on here.' }),
  'migrate-incoming': command({
    doc: 'Says from where the machine is to go on (`-incoming defer`).',
    args: { uri: str },
  }),
  'query-migrate': command({
    doc: 'How far the last `migrate` is, or how it ended; nothing before the first.',
    returns: MigrationInfo,
  }),
  'query-migrate-parameters': command({
    doc: 'What limits migrations: bytes a second, 0 without a limit.',
    returns: MigrationParameters,
  }),
  'migrate-set-parameters': command({
    doc: 'Limits migrations, one that is under way too. The machine stands still all the time, so that there is no `downtime-limit`.',
    args: { 'max-bandwidth': opt(size) },
  }),
  'query-migrate-capabilities': command({
    doc: 'What migrations can do besides, and whether it is switched on.',
    returns: list(MigrationCapabilityStatus),
  }),
  'migrate-set-capabilities': command({
    doc: 'Switches that on or off: `events` is telling by the event MIGRATION how far a migration is.',
    args: { capabilities: list(MigrationCapabilityStatus) },
  }),
} as const;
