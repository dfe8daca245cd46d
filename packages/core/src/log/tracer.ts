// What goes on inside the emulator, on request (-trace): events with names, each on or off; one that is off costs a test.

/** Every event, and what is told of it. Names are QEMU's where QEMU has such an event. */
export const traceEvents = {
  handle_hmp_command: 'a line of a monitor for people',
  handle_qmp_command: 'a message of a monitor for programs',
  host_memory_advise: 'the host was told how memory is used',
  host_memory_attach: 'memory of the host was put where guest RAM is',
  host_memory_bind: "memory was bound to the host's NUMA nodes",
  host_memory_map: 'memory of the host was mapped',
  host_memory_populate: 'pages of guest memory were made',
  host_memory_release: 'memory of the host was given back',
  irq_line_set: "an input of a device's changed its level",
  machine_reset: 'a machine was reset',
  memory_region_ops_read: 'a device was read',
  memory_region_ops_write: 'a device was written',
  monitor_protocol_event_emit: 'monitors were told of an event',
  runstate_set: 'a machine is in another state',
  snapshot_load_device: 'a device was put back from a snapshot',
  snapshot_save_device: 'a device was put into a snapshot',
  virtio_queue_notify: 'a driver told a virtio device to look at a queue',
  virtio_set_status: "a driver set a virtio device's status",
} as const;

/** Name of an event. */
export type TraceEvent = keyof typeof traceEvents;

/** Where events are told; `details` has no line end. */
export type TraceSink = (event: TraceEvent, details: string) => void;

/** The events of one program. */
export class Tracer {
  readonly #enabled = new Set<TraceEvent>();
  readonly #sink: TraceSink;
  readonly #watchers: (() => void)[] = [];

  constructor(sink: TraceSink = () => {}) {
    this.#sink = sink;
  }

  /** Ask before making a text that costs something. */
  enabled(event: TraceEvent): boolean {
    return this.#enabled.has(event);
  }

  tell(event: TraceEvent, details: string): void {
    if (this.#enabled.has(event)) this.#sink(event, details);
  }

  /** Switches events on or off. */
  set(events: Iterable<TraceEvent>, on: boolean): void {
    for (const event of events) {
      if (on) this.#enabled.add(event);
      else this.#enabled.delete(event);
    }
    for (const watcher of this.#watchers) watcher();
  }

  /** Calls back now and after each change of what is on: for what must cost nothing while it is off. */
  watch(callback: () => void): void {
    this.#watchers.push(callback);
    callback();
  }

  /** The events that a pattern names: `*` stands for anything, `?` for a character. Empty if there is none. */
  static matching(pattern: string): TraceEvent[] {
    const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    const expression = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
    return (Object.keys(traceEvents) as TraceEvent[]).filter((event) => expression.test(event));
  }
}
