// -trace: what goes on inside the program, an event a line: `PID@SECONDS.MICROSECONDS:EVENT DETAILS`, as QEMU's log has them.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type TraceEvent, Tracer, traceEvents, UserError } from '@boardwalk/core';
import { GatheredOutput, hostError } from '@boardwalk/host-node';
import { formatJson, type MonitorEvents } from '@boardwalk/monitor';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { helpTopic, KeyValues } from '../options/key-values.ts';

/** The text of `-trace help`. */
export const TRACE_HELP = `${Object.keys(traceEvents).join('\n')}\n`;

const STDERR = 2;

/** Events that the user wants to hear of, and where they are told. A monitor can switch others on. */
export class Trace {
  readonly tracer = new Tracer((event, details) => this.#write(event, details));
  readonly #path: string | undefined;
  #fd = STDERR;

  /** @throws UserError for a pattern that fits no event, or a file that cannot be read */
  constructor(line: CommandLine) {
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
          this.#switch(wanted);
        }
      });
    }
    this.#path = path;
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

  /** Tells of what monitors are told. */
  follow(events: MonitorEvents): void {
    events.listen(({ event, data }) => {
      if (!this.tracer.enabled('monitor_protocol_event_emit')) return;
      this.tracer.tell('monitor_protocol_event_emit', `event=${event} data=${formatJson(data ?? {})}`);
    });
  }

  close(): void {
    if (this.#fd !== STDERR) closeSync(this.#fd);
    this.#fd = STDERR;
  }

  /** @throws UserError for a pattern that fits none. A `-` before one switches off what earlier ones have switched on. */
  #switch(pattern: string): void {
    const isOff = pattern.startsWith('-');
    const events = Tracer.matching(isOff ? pattern.slice(1) : pattern);
    if (events.length === 0) throw new UserError(`trace event '${pattern}' does not exist`);
    this.tracer.set(events, !isOff);
  }

  #write(event: TraceEvent, details: string): void {
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const time = `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`;
    GatheredOutput.flush();
    try {
      writeSync(this.#fd, `${process.pid}@${time}:${event} ${details}\n`);
    } catch {
      // Nobody reads, or the disk is full: the trace is lost, the machine goes on.
    }
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
