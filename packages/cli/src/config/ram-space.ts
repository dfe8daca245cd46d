// How large the machine's RAM space has to be: it is made before the options are read.

import { has64BitMemory, type RamSpaceOptions, UserError } from '@boardwalk/core';
import type { CommandLine } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import { parseObject } from './devices.ts';

/**
 * A RAM space for the RAM that -m and -object ask for, with the index that -accel asks for. What is wrong in these options is said
 * where they are read: here it counts for nothing.
 */
export function ramSpaceOptions(line: CommandLine): RamSpaceOptions {
  const indexBits = tolerant(() => askedIndex(line), undefined);
  const main = Math.max(...line.all('m').map(mainRam), 0);
  const backends = sum(line.all('object').map(backendSize));
  const space = { maxGuestRam: isMainRamNamed(line) ? Math.max(main, backends) : main + backends };
  return indexBits === undefined || (indexBits === 64 && !has64BitMemory()) ? space : { ...space, indexBits };
}

/** `-accel tcg,ram-index=64`. */
function askedIndex(line: CommandLine): 32 | 64 | undefined {
  const asked = line.all('accel').flatMap((text) => new KeyValues(text, 'accel').take('ram-index') ?? []);
  return asked.at(-1) === '64' ? 64 : asked.at(-1) === '32' ? 32 : undefined;
}

/** Whether main RAM is among the objects. */
function isMainRamNamed(line: CommandLine): boolean {
  return (
    line.all('machine').some((text) => text.includes('memory-backend=')) ||
    line.all('numa').some((text) => text.includes('memdev='))
  );
}

function mainRam(text: string): number {
  return tolerant(() => {
    const memory = new KeyValues(text, 'size');
    return Math.max(memory.size('size', 'M') ?? 0, memory.size('maxmem', 'M') ?? 0);
  }, 0);
}

function backendSize(text: string): number {
  return tolerant(() => {
    const { type, properties } = parseObject(text);
    if (!type.startsWith('memory-backend-')) return 0;
    const { size } = properties;
    return typeof size === 'number' ? size : (new KeyValues(`size=${String(size ?? 0)}`).size('size') ?? 0);
  }, 0);
}

function tolerant<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return otherwise;
    throw error;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
