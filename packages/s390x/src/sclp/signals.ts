/** Events that only say that something has happened. */
import type { StateField } from '@boardwalk/core';
import { eventBuffer, SclpEventDevice } from './event-device.ts';
import { EVENT, EVENT_HEADER, maskOf } from './event-types.ts';

/** A signal that waits until the program has heard of it; twice before that is once. */
abstract class Signal extends SclpEventDevice {
  static override readonly state: readonly StateField[] = [{ name: 'requested', type: 'bool', reset: false }];

  abstract override readonly sends: number;
  /** The type of the event, and its data. */
  protected abstract readonly event: number;
  protected abstract readonly data: readonly number[];
  readonly receives = 0;
  /** It was given, and the program has not heard of it. */
  requested = false;

  /** Gives the signal. */
  send(): void {
    this.requested = true;
    this.eventPending();
  }

  pending(mask: number): boolean {
    return (mask & this.sends) !== 0 && this.requested;
  }

  take(_mask: number, room: number): Uint8Array | undefined {
    if (EVENT_HEADER + this.data.length > room) return undefined;
    this.requested = false;
    return eventBuffer(this.event, this.data);
  }

  accept(): boolean {
    return false;
  }
}

/** The power button: the program is asked to end. Event after Linux drivers/s390/char/sclp_quiesce.c. */
export class SignalQuiesce extends Signal {
  static override readonly typeName: string = 'sclpquiesce';
  readonly sends = maskOf(EVENT.signalQuiesce);
  protected readonly event = EVENT.signalQuiesce;
  /** A limit of time in 16 bits, and its unit; 0 is none. */
  protected readonly data = [0, 0, 0];
}

/** CPUs have come: the program is to read CPU info again. Event after Linux drivers/s390/char/sclp_config.c. */
export class CpuChange extends Signal {
  static override readonly typeName: string = 'sclp-cpu-hotplug';
  readonly sends = maskOf(EVENT.configurationManagement);
  protected readonly event = EVENT.configurationManagement;
  /** A reserved byte, and the qualifier: a change of CPUs. */
  protected readonly data = [0, 1];
}
