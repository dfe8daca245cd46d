// The version that monitors tell: clients choose what they do by QEMU's.
import type { Emulator } from './emulator.ts';

/** The QEMU whose monitors these are like. */
export const QEMU_VERSION = { major: 7, minor: 2, micro: 0 } as const;

/** `Boardwalk 0.3.1`, where a distribution has its name. */
export function packageText({ version }: Emulator): string {
  return `Boardwalk ${version}`;
}

/** `7.2.0`. */
export const QEMU_VERSION_TEXT = `${QEMU_VERSION.major}.${QEMU_VERSION.minor}.${QEMU_VERSION.micro}`;
