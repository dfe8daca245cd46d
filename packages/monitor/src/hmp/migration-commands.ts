// Commands about migrations.
import { parseSize, UserError } from '@boardwalk/core';
import { descriptorHandlers } from '../qmp/commands/descriptors.ts';
import { migrationHandlers, migrationOf } from '../qmp/commands/migration.ts';
import { type HmpCommand, type HmpContext, isOn, machineOf } from './command.ts';

function describe({ emulator }: HmpContext): string {
  const { status, error, progress } = migrationOf(emulator);
  if (status === undefined) return '';
  const rows = [`Migration status: ${status}${error === undefined ? '' : ` (${error})`}`];
  if (status === 'active' || status === 'completed') {
    const { transferred, ms } = progress;
    rows.push(`total time: ${ms} ms`);
    if (status === 'completed') rows.push(`downtime: ${ms} ms`);
    rows.push(`transferred ram: ${Math.floor(transferred / 1024)} kbytes`);
  }
  return rows.map((row) => `${row}\n`).join('');
}

export const migrationInfoCommands: readonly HmpCommand[] = [
  { name: 'migrate', help: 'show migration status', run: describe },
  {
    name: 'migrate_parameters',
    help: 'show current migration parameters',
    run: ({ emulator }) => `max-bandwidth: ${migrationOf(emulator).maxBandwidth} bytes/second\n`,
  },
  {
    name: 'migrate_capabilities',
    help: 'show current migration capabilities',
    run: ({ emulator }) => `events: ${migrationOf(emulator).events ? 'on' : 'off'}\n`,
  },
];

/** `max-bandwidth`: the one parameter that there is. */
const MAX_BANDWIDTH = 'max-bandwidth';

const uri = { name: 'uri', kind: 'word' } as const;

/** A command about a descriptor that a client passed, as QMP has it. */
function descriptorCommand(name: 'getfd' | 'closefd', help: string): HmpCommand {
  return {
    name,
    args: [{ name: 'fdname', kind: 'word' }],
    params: `${name} name`,
    help,
    async run(context, args) {
      await descriptorHandlers[name](context, { fdname: args.requireText('fdname') });
      return undefined;
    },
  };
}

export const migrationCommands: readonly HmpCommand[] = [
  descriptorCommand('getfd', 'receive a file descriptor via SCM rights and assign it a name'),
  descriptorCommand('closefd', 'close a file descriptor previously passed via SCM rights'),
  {
    name: 'migrate',
    args: [{ name: 'd', kind: 'flag' }, uri],
    params: '[-d] uri',
    help: 'stop the machine and save it to file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT or fd:N, for -incoming (-d: do not wait for its end)',
    async run({ emulator }, args) {
      const migration = migrationOf(emulator);
      const { ended } = await migration.begin(args.requireText('uri'));
      if (args.flag('d')) return undefined;
      await ended;
      if (migration.status === 'failed') throw new UserError(migration.error ?? 'migration failed');
      return undefined;
    },
  },
  {
    name: 'migrate_cancel',
    help: 'cancel the current VM migration',
    run({ emulator }) {
      migrationOf(emulator).cancel();
      return undefined;
    },
  },
  {
    name: 'migrate_incoming',
    args: [uri],
    params: 'uri',
    help: 'continue an incoming migration from an -incoming defer',
    async run(context, args) {
      machineOf(context);
      await migrationHandlers['migrate-incoming'](context, { uri: args.requireText('uri') });
      return undefined;
    },
  },
  {
    name: 'migrate_set_parameter',
    args: [
      { name: 'parameter', kind: 'word', complete: () => [MAX_BANDWIDTH] },
      { name: 'value', kind: 'word' },
    ],
    params: 'parameter value',
    help: 'Set the parameter for migration: max-bandwidth, in megabytes a second unless it says otherwise',
    run({ emulator }, args) {
      const [name, value] = [args.requireText('parameter'), args.requireText('value')];
      if (name !== MAX_BANDWIDTH) throw new UserError(`invalid parameter value: ${name}`);
      migrationOf(emulator).maxBandwidth = parseSize(value, name, 'M');
      return undefined;
    },
  },
  {
    name: 'migrate_set_capability',
    args: [
      { name: 'capability', kind: 'word' },
      { name: 'state', kind: 'word' },
    ],
    params: 'capability state',
    help: 'enable/disable the usage of a capability: events',
    run({ emulator }, args) {
      const [name, state] = [args.requireText('capability'), args.requireText('state')];
      if (name !== 'events') throw new UserError(`Invalid parameter '${name}'`);
      migrationOf(emulator).events = isOn(state);
      return undefined;
    },
  },
];
