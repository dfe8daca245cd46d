// Commands about the monitor and the program.
import { UserError } from '@boardwalk/core';
import type { controlCommands } from '../schema/control.ts';
import { commandsOf, events } from '../schema/index.ts';
import { introspect } from '../schema/introspect.ts';
import { type Handlers, requireMachine } from './context.ts';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

export const controlHandlers: Handlers<keyof typeof controlCommands> = {
  'query-qmp-schema': ({ emulator }) => introspect(commandsOf(emulator), events, emulator.types),
  'query-command-line-options': ({ emulator: { commandLineOptions = [] } }, { option }) => {
    const found = commandLineOptions.filter((candidate) => option === undefined || candidate.option === option);
    if (option !== undefined && found.length === 0) throw new UserError(`invalid option name: ${option}`);
    return found;
  },
  'query-name': ({ emulator: { guestName } }) => (guestName === undefined ? {} : { name: guestName }),
  'query-uuid': ({ emulator: { uuid } }) => ({ UUID: uuid ?? NIL_UUID }),
  'query-target': ({ emulator: { arch } }) => ({ arch }),
  'query-kvm': () => ({ enabled: false, present: false }),
  'query-iothreads': () => [],
  'query-mice': () => [],
  'query-yank': () => [],
  yank: (_context, { instances }) => {
    if (instances.length > 0) throw new UserError('Instance not found', 'DeviceNotFound');
  },
  'human-monitor-command': async ({ emulator }, args) => {
    const cpu = Number(args['cpu-index'] ?? 0);
    if (args['cpu-index'] !== undefined && !requireMachine(emulator).cpus[cpu]) {
      throw new UserError("Parameter 'cpu-index' expects a CPU number");
    }
    const { DEFAULT_FORMAT, executeHmp } = await import('../../hmp/execute.ts');
    const context = { emulator, cpu, history: [], format: DEFAULT_FORMAT };
    const text = await executeHmp(context, args['command-line']);
    return text.replaceAll('\n', '\r\n');
  },
};
