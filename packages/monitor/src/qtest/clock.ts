// qtest's hold on time: it stands still but for these commands, where the machine is executed by qtest.
import { ManualClock, UserError, type VirtualClock } from '@boardwalk/core';
import type { QtestCommand } from './memory.ts';

/** The commands; none where time goes by itself. */
export function clockCommands(clock: VirtualClock): Record<string, QtestCommand> {
  if (!(clock instanceof ManualClock)) return {};
  const exact = (ns: number): number => {
    if (ns > Number.MAX_SAFE_INTEGER) throw new UserError('time is too large');
    return ns;
  };
  return {
    /** By so many ns, or to the next timer. */
    clock_step(words) {
      const text = words.optional();
      if (text === undefined) return String(clock.advanceToNext());
      return String(clock.advanceTo(exact(clock.now() + numberOf(text))));
    },
    /** A time that has passed changes nothing. */
    clock_set: (words) => String(clock.advanceTo(Math.max(clock.now(), words.count('time')))),
  };
}

function numberOf(text: string): number {
  const ns = Number(text);
  if (!Number.isSafeInteger(ns) || ns < 0) throw new UserError(`time is no number: ${text.slice(0, 40)}`);
  return ns;
}
