// -action, -no-reboot, -no-shutdown: what happens when the guest resets or shuts down the machine, panics, or forgets its watchdog.

import {
  type MachineOptions,
  PANIC_ACTIONS,
  REBOOT_ACTIONS,
  SHUTDOWN_ACTIONS,
  WATCHDOG_ACTIONS,
} from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** What the guest's own doings lead to. */
export type ActionOptions = Pick<MachineOptions, 'noReboot' | 'noShutdown' | 'panicAction' | 'watchdogAction'>;

/** @throws UserError for an action that there is not */
export function readActions(line: CommandLine): ActionOptions {
  const values = new KeyValues('');
  return forOption('action', () => {
    for (const text of line.all('action')) values.merge(new KeyValues(text));
    const panicAction = values.choice('panic', PANIC_ACTIONS);
    const watchdogAction = values.choice('watchdog', WATCHDOG_ACTIONS) ?? oldWatchdogAction(line);
    const reboot = values.choice('reboot', REBOOT_ACTIONS);
    const shutdown = values.choice('shutdown', SHUTDOWN_ACTIONS);
    values.finish();
    return {
      noReboot: line.has('no-reboot') || reboot === 'shutdown',
      noShutdown: line.has('no-shutdown') || shutdown === 'pause',
      ...(panicAction === undefined ? {} : { panicAction }),
      ...(watchdogAction === undefined ? {} : { watchdogAction }),
    };
  });
}

/** -watchdog-action, as it was said before -action. */
function oldWatchdogAction(line: CommandLine): MachineOptions['watchdogAction'] {
  const text = line.last('watchdog-action');
  if (text === undefined) return undefined;
  return forOption('watchdog-action', () => new KeyValues(`action=${text}`).choice('action', WATCHDOG_ACTIONS));
}
