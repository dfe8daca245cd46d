// -trace: what goes on inside the program, an event a line: `PID@SECONDS.MICROSECONDS:EVENT DETAILS`, as QEMU's log has them.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import { hostError } from '@boardwalk/host-node';
import { formatJson, type MonitorEvents } from '@boardwalk/monitor';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { helpTopic, KeyValues } from '../options/key-values.ts';

/** Every event there is. */
export const TRACE_EVENTS = [
  'host_memory_map',
  'host_memory_advise',
  'host_memory_bind',
  'host_memory_populate',
  'host_memory_attach',
  'host_memory_release',
  'monitor_protocol_event_emit',
] as const;

export type TraceEvent = (typeof TRACE_EVENTS)[number];

/** The text of `-trace help`. */
export const TRACE_HELP = `${TRACE_EVENTS.join('\n')}\n`;

const STDERR = 2;

/** Events that the user wants to hear of, and where they are told. */
export class Trace {
  readonly #enabled: ReadonlySet<string>;
  readonly #path: string | undefined;
  #fd = STDERR;

  /** @throws UserError for a pattern that fits no event, or a file that cannot be read */
  constructor(line: CommandLine) {
    const enabled = new Set<string>();
    let path: string | undefined;
    for (const text of line.all('trace')) {
      if (helpTopic(text) !== undefined) continue;
      forOption('trace', () => {
        const values = new KeyValues(text, 'enable');
        const pattern = values.take('enable');
        const list = values.take('events');
        path = values.take('file') ?? path;
        values.finish();
        for (const wanted of [
          ...(pattern === undefined ? [] : [pattern]),
          ...(list === undefined ? [] : readList(list)),
        ]) {
          for (const event of matching(wanted)) enabled.add(event);
        }
      });
    }
    this.#enabled = enabled;
    this.#path = path;
  }

  enabled(event: TraceEvent): boolean {
    return this.#enabled.has(event);
  }

  /** Makes the file. @throws UserError if the host refuses */
  open(): void {
    if (this.#path === undefined) return;
    try {
      this.#fd = openSync(this.#path, 'w');
    } catch (error) {
      throw hostError(this.#path, error);
    }
  }

  tell(event: TraceEvent, details: string): void {
    if (!this.#enabled.has(event)) return;
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const time = `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`;
    try {
      writeSync(this.#fd, `${process.pid}@${time}:${event} ${details}\n`);
    } catch {
      // Nobody reads, or the disk is full: the trace is lost, the machine goes on.
    }
  }

  /** Tells of what monitors are told. */
  follow(events: MonitorEvents): void {
    if (!this.enabled('monitor_protocol_event_emit')) return;
    events.listen(({ event, data }) => {
      this.tell('monitor_protocol_event_emit', `event=${event} data=${formatJson(data ?? {})}`);
    });
  }

  close(): void {
    if (this.#fd !== STDERR) closeSync(this.#fd);
    this.#fd = STDERR;
  }
}

/** One event or pattern a line; `#` begins a comment. */
function readList(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
  } catch (error) {
    throw hostError(path, error);
  }
}

function matching(pattern: string): TraceEvent[] {
  const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  const events = TRACE_EVENTS.filter((event) => expression.test(event));
  if (events.length === 0) throw new UserError(`trace event '${pattern}' does not exist`);
  return events;
}
