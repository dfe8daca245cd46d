// Commands about the monitor itself and the life of the machine.
import { type Cpu, type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import { packageText, QEMU_VERSION } from '../../version.ts';
import { commandsOf } from '../schema/index.ts';
import type { runStateCommands } from '../schema/run-state.ts';
import { type Handlers, requireMachine } from './context.ts';

/** `query-version`, and the greeting's. */
export function versionInfo(emulator: Emulator) {
  return { qemu: QEMU_VERSION, package: packageText(emulator) };
}

export const runStateHandlers: Handlers<Exclude<keyof typeof runStateCommands, 'qmp_capabilities'>> = {
  'query-version': ({ emulator }) => versionInfo(emulator),
  'query-commands': ({ emulator }) => Object.keys(commandsOf(emulator)).map((name) => ({ name })),
  'query-status': ({ emulator: { machine } }) => {
    const status = machine?.state ?? 'prelaunch';
    return { status, singlestep: false, running: status === 'running' };
  },
  quit: ({ emulator }) => quit(emulator),
  stop: ({ emulator }) => requireMachine(emulator).pause(),
  cont: ({ emulator }) => requireMachine(emulator).resume(),
  system_reset: ({ emulator }) => requireMachine(emulator).reset('host'),
  'set-action': ({ emulator }, actions) => {
    Object.assign(requireMachine(emulator).actions, defined(actions));
  },
  'watchdog-set-action': ({ emulator }, { action }) => {
    requireMachine(emulator).actions.watchdog = action;
  },
  'inject-nmi': ({ emulator }) => injectNmi(requireMachine(emulator)),
  system_wakeup: () => {
    throw new UserError('wake-up from suspend is not supported by this guest');
  },
  system_powerdown: ({ emulator }) => requireMachine(emulator).powerdown(),
};

/** @throws UserError on a board without such an interrupt */
export function injectNmi(machine: Machine, cpu?: Cpu): void {
  if (!machine.injectNmi(cpu)) throw new UserError('this feature or command is not currently supported');
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Ends the emulator on a monitor's wish. The answer goes out before the event, and both before the end. */
export function quit(emulator: Emulator): void {
  queueMicrotask(() => {
    emulator.events.shutdown('host-qmp-quit');
    emulator.quit();
  });
}
