// `info NAME`: what the machine and its parts are and do now.
import type { RunState } from '@boardwalk/core';
import { packageText, QEMU_VERSION_TEXT } from '../version.ts';
import type { HmpCommand, HmpContext } from './command.ts';

/** `info status`. */
export function formatStatus(state: RunState): string {
  if (state === 'running' || state === 'paused') return `VM status: ${state}\n`;
  return `VM status: paused (${state})\n`;
}

/** `info`'s own commands. */
export const infoCommands: readonly HmpCommand[] = [
  {
    name: 'status',
    help: 'show the current VM status (running|paused)',
    preconfig: true,
    run: ({ emulator }: HmpContext) => formatStatus(emulator.machine?.state ?? 'prelaunch'),
  },
  {
    name: 'version',
    help: 'show the version of the emulator',
    preconfig: true,
    run: ({ emulator }) => `${QEMU_VERSION_TEXT} ${packageText(emulator)}\n`,
  },
];
