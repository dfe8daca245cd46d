// Commands about the events of the emulator itself.
import { traceEvents } from '@boardwalk/core';
import { setTraceEvents, traceEventsOf } from '../qmp/commands/trace.ts';
import { type HmpCommand, isOn } from './command.ts';

const complete = (): string[] => Object.keys(traceEvents);

export const traceInfoCommands: readonly HmpCommand[] = [
  {
    name: 'trace-events',
    args: [{ name: 'name', kind: 'word', optional: true, complete }],
    params: '[name]',
    help: 'show available trace-events & their state (name: event name pattern)',
    preconfig: true,
    run({ emulator: { trace } }, args) {
      const rows = traceEventsOf(args.text('name') ?? '*');
      return rows.map((name) => `${name} : state ${trace?.enabled(name) ? 1 : 0}\n`).join('');
    },
  },
];

export const traceCommands: readonly HmpCommand[] = [
  {
    name: 'trace-event',
    args: [
      { name: 'name', kind: 'word', complete },
      { name: 'option', kind: 'word', complete: () => ['on', 'off'] },
    ],
    params: 'name on|off',
    help: 'changes status of a specific trace event',
    preconfig: true,
    run({ emulator }, args) {
      setTraceEvents(emulator, args.requireText('name'), isOn(args.requireText('option')));
      return undefined;
    },
  },
];
