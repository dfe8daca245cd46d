// -icount, -seed, -rtc: what time is for the guest, and what is left to chance.

import { type MachineOptions, UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import type { Accelerator } from './machine-settings.ts';

/** Virtual time counted in instructions. */
export interface InstructionCounting {
  readonly nsPerInstruction: number;
  /** A guest that waits for a timer waits for the host's clock too; otherwise time jumps there. */
  readonly sleep: boolean;
}

/** 2^10 ns for an instruction: a guest of one MHz. */
const LARGEST_SHIFT = 10;

/** @throws UserError for a clock that is not to be had */
export function readInstructionCounting(line: CommandLine, accel: Accelerator): InstructionCounting | undefined {
  if (!line.has('icount')) return undefined;
  return forOption('icount', () => {
    const options = new KeyValues('');
    for (const text of line.all('icount')) options.merge(new KeyValues(text, 'shift'));
    for (const key of ['rr', 'rrfile', 'rrsnapshot']) {
      if (options.take(key) === undefined) continue;
      throw new UserError(`${key}= is not supported: runs are not recorded; with -seed and -rtc clock=vm they repeat`);
    }
    const shift = options.take('shift');
    const sleep = options.bool('sleep');
    const align = options.bool('align');
    options.finish();
    for (const [key, value] of Object.entries({ align, sleep })) {
      if (shift === undefined && value !== undefined)
        throw new UserError(`Please specify shift option when using ${key}`);
    }
    if (align === true && sleep === false) throw new UserError('align=on and sleep=off are incompatible');
    if (align === true) {
      throw new UserError("align=on is not supported: virtual time is not held back to the host's; only align=off is");
    }
    if (shift === 'auto') {
      throw new UserError(
        "shift=auto is not supported: it follows the host's speed, so no run is like another; 0 to 10 are",
      );
    }
    const power = shift === undefined || !/^(?:\d+|0x[\da-f]+)$/i.test(shift) ? -1 : Number(shift);
    if (power < 0 || power > LARGEST_SHIFT) throw new UserError('icount: Invalid shift value: 0 to 10 are');
    if (accel !== 'tcg') throw new UserError('only with -accel tcg: no instructions are executed otherwise');
    return { nsPerInstruction: 2 ** power, sleep: sleep ?? true };
  });
}

/** @throws UserError for what is no number of 64 bits */
export function readSeed(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  return forOption('seed', () => {
    const seed = /^(?:\d+|0x[\da-f]+)$/i.test(text) ? BigInt(text) : -1n;
    if (seed < 0n || seed >= 2n ** 64n) throw new UserError(`Invalid seed number: ${text}`);
    return seed;
  });
}

/** QEMU's names of what the real-time clock goes on with. */
const CLOCKS = { host: 'host', rt: 'steady', vm: 'virtual' } as const;

/**
 * The real-time clock. On virtual time it needs a base: the time it is, where none is given.
 * @param texts those of -rtc; later ones add to earlier ones
 */
export function readRtc(texts: readonly string[], now: Date): Pick<MachineOptions, 'rtcBaseMs' | 'rtcClock'> {
  if (texts.length === 0) return {};
  return forOption('rtc', () => {
    const options = new KeyValues('');
    for (const text of texts) options.merge(new KeyValues(text, 'base'));
    const base = options.take('base') ?? 'utc';
    const clock = CLOCKS[options.choice('clock', ['host', 'rt', 'vm']) ?? 'host'];
    options.choice('driftfix', ['none']);
    options.finish();
    const rtcBaseMs = parseBase(base, now) ?? (clock === 'host' ? undefined : now.getTime());
    return rtcBaseMs === undefined ? {} : { rtcBaseMs, rtcClock: clock };
  });
}

/** Milliseconds since 1970, UTC; undefined where the clock simply shows the host's. */
function parseBase(base: string, now: Date): number | undefined {
  if (base === 'utc') return undefined;
  // The time of day here, as if it were UTC.
  if (base === 'localtime') return now.getTime() - now.getTimezoneOffset() * 60_000;
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/.test(base)
    ? Date.parse(base.length > 10 ? `${base}Z` : base)
    : Number.NaN;
  if (Number.isNaN(time))
    throw new UserError(`base=${base} is neither utc, localtime nor a date such as 2026-11-23T08:30:00`);
  return time;
}
