// What a machine does when its guest resets or shuts it down, cannot go on, or forgets its watchdog: QEMU's -action.
import type { MachineOptions } from './options.ts';

export const REBOOT_ACTIONS = ['reset', 'shutdown'] as const;
export const SHUTDOWN_ACTIONS = ['poweroff', 'pause'] as const;
export const PANIC_ACTIONS = ['pause', 'shutdown', 'exit-failure', 'none'] as const;
export const WATCHDOG_ACTIONS = ['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none', 'inject-nmi'] as const;

/** What follows on what the guest does; a monitor can change it while the machine runs. */
export interface GuestActions {
  reboot: (typeof REBOOT_ACTIONS)[number];
  shutdown: (typeof SHUTDOWN_ACTIONS)[number];
  /** `exit-failure` is a shutdown whose status is 1; with `none` the guest is left to itself. */
  panic: (typeof PANIC_ACTIONS)[number];
  /** `shutdown` presses the power button; `debug` only tells of it. */
  watchdog: (typeof WATCHDOG_ACTIONS)[number];
}

/** How a machine begins. */
export function initialActions({ noReboot, noShutdown, panicAction, watchdogAction }: MachineOptions): GuestActions {
  return {
    reboot: noReboot === true ? 'shutdown' : 'reset',
    shutdown: noShutdown === true ? 'pause' : 'poweroff',
    panic: panicAction ?? 'shutdown',
    watchdog: watchdogAction ?? 'reset',
  };
}

/** What a panic leads to, as its event tells it. */
export type PanicOutcome = 'pause' | 'poweroff' | 'run';

export function panicOutcome({ panic, shutdown }: GuestActions): PanicOutcome {
  if (panic === 'pause' || (panic === 'shutdown' && shutdown === 'pause')) return 'pause';
  return panic === 'none' ? 'run' : 'poweroff';
}
