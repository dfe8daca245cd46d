// The options as QMP's query-command-line-options lists them.

import type { CommandLineOption } from '@boardwalk/monitor';
import { OPTIONS, type OptionSpec } from './table.ts';

/** Every option under its group's name, or its own, with the properties of its group. */
export function commandLineOptions(): CommandLineOption[] {
  return Object.entries<OptionSpec>(OPTIONS).map(([name, { group, parameters = {} }]) => ({
    option: group ?? name,
    parameters: Object.entries(parameters).map(([parameter, type]) => ({ name: parameter, type })),
  }));
}
