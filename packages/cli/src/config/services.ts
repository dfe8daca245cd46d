// -monitor, -qmp, -mon, -qtest, -gdb, -s, and what is on the terminal when nothing is said: which lines are whose.

import { UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import type { ValueOption } from '../options/table.ts';
import { type LineChoice, type LineSpec, parseLine, TERMINAL } from './lines.ts';

/** What speaks on a line. */
export type Service =
  | { readonly kind: 'hmp' }
  | { readonly kind: 'qmp'; readonly pretty: boolean }
  | {
      readonly kind: 'qtest' /** A file's path; without it standard error, `none` for no log. */;
      readonly log: string | undefined;
    }
  | { readonly kind: 'gdb' };

/** A line with what speaks on it. */
export interface ServiceSpec {
  /** For messages, without the dash. */
  readonly option: string;
  /** Id of the line's chardev, if it is made for this. */
  readonly label: string;
  readonly choice: LineChoice;
  readonly service: Service;
}

/** The serial ports and the services of a program. */
export interface LinePlan {
  readonly serials: readonly LineChoice[];
  /** The user asked for the serial ports, rather than getting them. */
  readonly serialsAsked: boolean;
  readonly services: readonly ServiceSpec[];
}

/** @throws UserError for whatever of it cannot be */
export function readLines(line: CommandLine): LinePlan {
  const services = [...readMonitors(line), ...readQtest(line), ...readGdb(line)];
  const asked = line.all('serial').map((text) => forOption('serial', () => parseLine(text)));
  const monitorAsked = (['monitor', 'qmp', 'qmp-pretty', 'mon'] as const).some((name) => line.has(name));
  const monitorWanted = !monitorAsked && !line.has('nodefaults');
  const serialsAsked = asked.length > 0;
  // There is no window that a serial port could be in, so it is on the terminal, unless the user wants nothing there.
  const terminal = line.has('nographic') || !line.has('display');
  if (!terminal || line.has('daemonize')) return { serials: asked, serialsAsked, services };
  if (serialsAsked || line.has('nodefaults')) {
    // As on QEMU, -nographic with serial ports elsewhere leaves the terminal to the monitor.
    const alone = monitorWanted && line.has('nographic') && !asked.some(usesTerminal);
    return { serials: asked, serialsAsked, services: alone ? [...services, MONITOR_ON_TERMINAL] : services };
  }
  if (services.some(({ choice }) => usesTerminal(choice)) || chardevUsesTerminal(line)) {
    return { serials: [], serialsAsked, services };
  }
  return { serials: [monitorWanted ? TERMINAL : TERMINAL_ALONE], serialsAsked, services };
}

const MONITOR_ON_TERMINAL: ServiceSpec = {
  option: 'nographic',
  label: 'compat_monitor0',
  choice: { on: 'line', line: { kind: 'stdio', signals: true } },
  service: { kind: 'hmp' },
};

const TERMINAL_ALONE: LineChoice = { on: 'line', line: { kind: 'stdio', signals: true } };

function usesTerminal(choice: LineChoice): boolean {
  return 'line' in choice && choice.line.kind === 'stdio';
}

function chardevUsesTerminal(line: CommandLine): boolean {
  return line.all('chardev').some((text) => /^(?:backend=)?stdio\b/.test(text));
}

function readMonitors(line: CommandLine): ServiceSpec[] {
  const specs: ServiceSpec[] = [];
  const add = (option: ValueOption, text: string, service: Service): void => {
    const choice = forOption(option, () => parseLine(text));
    if (choice.on !== 'nothing') specs.push({ option, label: `compat_monitor${specs.length}`, choice, service });
  };
  for (const text of line.all('monitor')) add('monitor', text, { kind: 'hmp' });
  for (const text of line.all('qmp')) add('qmp', text, { kind: 'qmp', pretty: false });
  for (const text of line.all('qmp-pretty')) add('qmp-pretty', text, { kind: 'qmp', pretty: true });
  for (const text of line.all('mon')) specs.push(forOption('mon', () => parseMon(text, specs.length)));
  return specs;
}

/** `-mon [chardev=]ID,mode=readline|control,pretty=on`. */
function parseMon(text: string, number: number): ServiceSpec {
  const values = new KeyValues(text, 'chardev');
  const id = values.require('chardev');
  const mode = values.choice('mode', ['readline', 'control']) ?? 'readline';
  const pretty = values.bool('pretty');
  values.take('id');
  values.finish();
  if (mode === 'readline' && pretty === true) throw new UserError("'pretty' is not compatible with HMP monitors");
  return {
    option: 'mon',
    label: `compat_monitor${number}`,
    choice: { on: 'chardev', id },
    service: mode === 'control' ? { kind: 'qmp', pretty: pretty ?? false } : { kind: 'hmp' },
  };
}

function readQtest(line: CommandLine): ServiceSpec[] {
  const text = line.last('qtest');
  if (text === undefined) return [];
  const choice = forOption('qtest', () => parseLine(text));
  const service = { kind: 'qtest', log: line.last('qtest-log') } as const;
  return choice.on === 'nothing' ? [] : [{ option: 'qtest', label: 'qtest', choice, service }];
}

/** Whoever reaches the stub can do anything: without a host's name it is for this machine alone, and nobody is waited for. */
function readGdb(line: CommandLine): ServiceSpec[] {
  const asked = line.all('gdb').map((text) => ({ option: 'gdb', choice: forOption('gdb', () => parseGdb(text)) }));
  if (line.has('s')) asked.push({ option: 's', choice: parseGdb('tcp::1234') });
  return asked
    .filter(({ choice }) => choice.on !== 'nothing')
    .map((spec, number) => ({ ...spec, label: number === 0 ? 'gdb' : `gdb${number}`, service: { kind: 'gdb' } }));
}

/** The line of a `-gdb`. @throws UserError */
export function parseGdb(text: string): LineChoice {
  const choice = parseLine(text);
  if (!('line' in choice)) return choice;
  return { on: 'line', line: listening(choice.line) };
}

function listening(line: LineSpec): LineSpec {
  if (line.kind !== 'socket' || line.address.kind === 'fd') return line;
  const { address, options } = line;
  const local = address.kind === 'tcp' ? { ...address, host: address.host ?? 'localhost' } : address;
  return { ...line, address: local, options: { ...options, server: true, wait: false } };
}
