/** Debian's Linux with a shell on its console, and the devices that a test gives it. */
import { readFile } from 'node:fs/promises';
import { Device, type DeviceOptions, MiB, TypeRegistry, typeOfClass } from '@boardwalk/core';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import type { BootOptions, TestMachine } from '@boardwalk/testing';
import { architecture, s390CcwVirtio } from '../src/index.ts';

const MINUTES = 60_000;
const PROMPT = '~ # ';

/** This architecture's types of devices. */
function types(): TypeRegistry {
  const registry = new TypeRegistry();
  registry.register(typeOfClass(Device, { abstract: true }));
  architecture.registerTypes?.(registry);
  return registry;
}

/**
 * Boots it as far as its shell.
 * @returns undefined where Debian's packages cannot be had
 */
export async function bootToShell(
  bootMachine: (options: BootOptions) => Promise<TestMachine>,
  devices: readonly DeviceOptions[],
  { smp = { cpus: 1, maxcpus: 1 }, clock }: Pick<BootOptions, 'smp' | 'clock'> = {},
): Promise<TestMachine | undefined> {
  const files = await ifReachable(prepareMainframeLinux());
  if (files === undefined) return undefined;
  const guest = await bootMachine({
    board: s390CcwVirtio,
    ramSize: MiB(256),
    smp,
    ...(clock && { clock }),
    types: types(),
    kernel: await readFile(files.kernel),
    initrd: await readFile(files.initrd),
    append: 'console=ttysclp0 quiet',
    devices,
  });
  await guest.expectSerial(PROMPT, { timeoutMs: 8 * MINUTES });
  return guest;
}

/** Runs a command in the guest's shell. @returns what it printed */
export async function shell(guest: TestMachine, command: string): Promise<string> {
  // The end is not written as it is printed: the line is echoed.
  guest.send(`${command}; echo "EN""D $?"\n`);
  const { before } = await guest.expectSerial(/END (\d+)\r?\n/, { timeoutMs: 4 * MINUTES });
  return before;
}
