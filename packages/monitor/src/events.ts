// What every monitor is told: QMP events, from the machine and from the program around it (docs/interop/qmp-spec, qapi/run-state.json).
import type { Cause, ExitInfo, Machine, PanicInfo } from '@boardwalk/core';

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

/** Events and what comes with them. */
export interface MonitorEventData {
  readonly RESET: { readonly guest: boolean; readonly reason: ShutdownReason };
  readonly STOP: undefined;
  readonly RESUME: undefined;
  readonly SHUTDOWN: { readonly guest: boolean; readonly reason: ShutdownReason };
  readonly MIGRATION: { readonly status: MigrationState };
  readonly POWERDOWN: undefined;
  readonly GUEST_PANICKED: { readonly action: 'pause' | 'poweroff'; readonly info: GuestPanicInformation };
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

/** Tells monitors what happens. One belongs to each {@link Emulator}. */
export class MonitorEvents {
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
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
    for (const listener of [...this.#listeners]) listener({ event, data, timestamp });
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
      machine.on('panic', (info) => this.#panic(info, machine.options.noShutdown === true)),
      machine.on('shutdown', (info) => this.shutdown(shutdownReason(info))),
      machine.on('unplugged', ({ id, path }) =>
        this.emit('DEVICE_DELETED', { ...(id === '' ? {} : { device: id }), path }),
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

  #panic({ type, core, pswMask, pswAddress, reason }: PanicInfo, stops: boolean): void {
    const info = { type, core, 'psw-mask': pswMask, 'psw-addr': pswAddress, reason };
    this.emit('GUEST_PANICKED', { action: stops ? 'pause' : 'poweroff', info });
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
