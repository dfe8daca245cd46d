// What every monitor is told: QMP events, from the machine and from the program around it (docs/interop/qmp-spec, qapi/run-state.json).
import type { Cause, ExitInfo, GuestActions, Machine, PanicInfo, PanicOutcome } from '@boardwalk/core';

/** Why a machine was reset or shut down (ShutdownCause of qapi/run-state.json). */
export type ShutdownReason =
  | 'host-error'
  | 'host-qmp-quit'
  | 'host-qmp-system-reset'
  | 'host-signal'
  | 'host-ui'
  | 'guest-shutdown'
  | 'guest-reset'
  | 'guest-panic';

/** What is known of a panic (GuestPanicInformation of qapi/run-state.json). Numbers of 64 bits are unsigned. */
export interface GuestPanicInformation {
  readonly type: PanicInfo['type'];
  readonly core: number;
  readonly 'psw-mask': bigint;
  readonly 'psw-addr': bigint;
  readonly reason: PanicInfo['reason'];
}

/** How far a migration is (MigrationStatus of qapi/migration.json). */
export type MigrationState = 'setup' | 'active' | 'completed' | 'failed' | 'cancelled';

/** How far a dump of guest memory is, in bytes (DumpQueryResult of qapi/dump.json). */
export interface DumpResult {
  readonly status: 'none' | 'active' | 'completed' | 'failed';
  readonly completed: number;
  readonly total: number;
}

/** Events and what comes with them. */
export interface MonitorEventData {
  readonly RESET: { readonly guest: boolean; readonly reason: ShutdownReason };
  readonly STOP: undefined;
  readonly RESUME: undefined;
  readonly SHUTDOWN: { readonly guest: boolean; readonly reason: ShutdownReason };
  readonly MIGRATION: { readonly status: MigrationState };
  readonly JOB_STATUS_CHANGE: { readonly id: string; readonly status: string };
  readonly DUMP_COMPLETED: { readonly result: DumpResult; readonly error?: string };
  readonly POWERDOWN: undefined;
  readonly GUEST_PANICKED: { readonly action: PanicOutcome; readonly info: GuestPanicInformation };
  readonly WATCHDOG: { readonly action: GuestActions['watchdog'] };
  /** `device` is the id, for a device that had one. */
  readonly DEVICE_DELETED: { readonly device?: string; readonly path: string };
  /** Bytes of RAM that the guest has, its balloon taken off. */
  readonly BALLOON_CHANGE: { readonly actual: number };
  /** Bytes that the guest has of a memory device now. */
  readonly MEMORY_DEVICE_SIZE_CHANGE: { readonly id?: string; readonly size: number; readonly 'qom-path': string };
}

/** Name of an event. */
export type MonitorEventName = keyof MonitorEventData;

/** An event with the time at which it happened. */
export interface MonitorEvent {
  readonly event: MonitorEventName;
  readonly data: MonitorEventData[MonitorEventName];
  /** Of the host's clock, since 1970 UTC. */
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
}

const SECOND_MS = 1000;

/** Events that a guest can cause at will: of each kind one a second is told. The value says which are of a kind. */
const LIMITED: { readonly [N in MonitorEventName]?: (data: object) => string } = {
  BALLOON_CHANGE: () => '',
  WATCHDOG: () => '',
  MEMORY_DEVICE_SIZE_CHANGE: (data) => String('qom-path' in data && data['qom-path']),
};

/** Tells monitors what happens. One belongs to each {@link Emulator}. */
export class MonitorEvents {
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  /** Kinds of events that were told less than a second ago, and what happened since. */
  readonly #limited = new Map<string, { next: MonitorEvent | undefined }>();
  #shutDown = false;

  /** Calls back at each event. Returns how to end that. */
  listen(callback: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  emit<N extends MonitorEventName>(
    event: N,
    ...[data]: MonitorEventData[N] extends undefined ? [] : [data: MonitorEventData[N]]
  ): void {
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const timestamp = { seconds: Math.floor(microseconds / 1e6), microseconds: microseconds % 1e6 };
    const told = { event, data, timestamp };
    const place = LIMITED[event]?.(data as object);
    if (place === undefined) this.#tell(told);
    else this.#tellLimited(`${event} ${place}`, told);
  }

  #tell(event: MonitorEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** At once, if none of the kind was told for a second; otherwise the last one of that second, at its end. */
  #tellLimited(kind: string, event: MonitorEvent): void {
    const waiting = this.#limited.get(kind);
    if (waiting) {
      waiting.next = event;
      return;
    }
    this.#limited.set(kind, { next: undefined });
    this.#tell(event);
    this.#endSecond(kind);
  }

  #endSecond(kind: string): void {
    const timer: unknown = setTimeout(() => {
      const next = this.#limited.get(kind)?.next;
      this.#limited.delete(kind);
      if (next) this.#tellLimited(kind, next);
    }, SECOND_MS);
    // Node's timers keep the program alive, a browser's have no such thing.
    (timer as { unref?(): void }).unref?.();
  }

  /** The end of the machine, told once, whoever wanted it first. */
  shutdown(reason: ShutdownReason): void {
    if (this.#shutDown) return;
    this.#shutDown = true;
    this.emit('SHUTDOWN', { guest: reason.startsWith('guest-'), reason });
  }

  /** Passes on what a machine tells. Returns how to end that. */
  follow(machine: Machine): () => void {
    const ends = [
      machine.on('stop', () => this.emit('STOP')),
      machine.on('resume', () => this.emit('RESUME')),
      machine.on('powerdown', () => this.emit('POWERDOWN')),
      machine.on('reset', ({ cause }) => this.#reset(cause)),
      machine.on('panic', ({ outcome, ...info }) => this.#panic(info, outcome)),
      machine.on('watchdog', ({ action }) => this.emit('WATCHDOG', { action })),
      machine.on('shutdown', (info) => this.shutdown(shutdownReason(info))),
      // After the answer of the command that wanted it: clients wait for the one, then for the other.
      machine.on('unplugged', ({ id, path }) =>
        setTimeout(() => this.emit('DEVICE_DELETED', { ...(id === '' ? {} : { device: id }), path })),
      ),
      machine.on('memorySize', ({ id, path, size }) =>
        this.emit('MEMORY_DEVICE_SIZE_CHANGE', { ...(id === '' ? {} : { id }), size, 'qom-path': path }),
      ),
      machine.on('balloon', ({ actual }) => this.emit('BALLOON_CHANGE', { actual })),
      machine.on('error', () => this.emit('STOP')),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  #panic({ type, core, pswMask, pswAddress, reason }: PanicInfo, action: PanicOutcome): void {
    const info = { type, core, 'psw-mask': pswMask, 'psw-addr': pswAddress, reason };
    this.emit('GUEST_PANICKED', { action, info });
  }

  #reset(cause: Cause): void {
    // A machine that was reset lives again, and can end again.
    this.#shutDown = false;
    const guest = cause === 'guest';
    this.emit('RESET', { guest, reason: guest ? 'guest-reset' : 'host-qmp-system-reset' });
  }
}

function shutdownReason({ cause, reason }: ExitInfo): ShutdownReason {
  if (cause === 'host') return 'host-ui';
  return reason === 'reset' ? 'guest-reset' : reason === 'panic' ? 'guest-panic' : 'guest-shutdown';
}
