// -action: what happens when the guest resets or shuts down the machine, panics, or forgets its watchdog.

import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** What the guest's own requests lead to. */
export interface Actions {
  readonly reboot: 'reset' | 'shutdown';
  readonly shutdown: 'poweroff' | 'pause';
}

/**
 * Nothing of the present boards tells of a panic or has a watchdog, so that of these only what happens anyway can be asked for.
 * @throws UserError for an action that there is not
 */
export function readActions(line: CommandLine): Actions {
  const values = new KeyValues('');
  return forOption('action', () => {
    for (const text of line.all('action')) values.merge(new KeyValues(text));
    values.choice('panic', ['shutdown']);
    values.choice('watchdog', ['reset']);
    const actions = {
      reboot: values.choice('reboot', ['reset', 'shutdown']) ?? 'reset',
      shutdown: values.choice('shutdown', ['poweroff', 'pause']) ?? 'poweroff',
    } as const;
    values.finish();
    return actions;
  });
}
