// -compat: what QMP does with what is deprecated, of which there is nothing, and with what is unstable.

import type { CompatPolicy } from '@boardwalk/monitor';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

const INPUT = ['accept', 'reject', 'crash'] as const;
const OUTPUT = ['accept', 'hide'] as const;

/** @throws UserError for a policy that there is not */
export function readCompat(line: CommandLine): CompatPolicy {
  return forOption('compat', () => {
    const values = new KeyValues('');
    for (const text of line.all('compat')) values.merge(new KeyValues(text));
    values.choice('deprecated-input', INPUT);
    values.choice('deprecated-output', OUTPUT);
    // No answer has an unstable member.
    values.choice('unstable-output', OUTPUT);
    const unstableInput = values.choice('unstable-input', INPUT) ?? 'accept';
    values.finish();
    return { unstableInput };
  });
}
