/** Instruments for all vCPUs of a machine. */
import type { Machine, TranslationInfo } from '@boardwalk/core';
import type { Engine } from '../engine/engine.ts';
import type { Counter, Instrument } from './instrument.ts';

/** By what they have: a module from outside may come with its own copy of this package. */
function isEngine(translation: TranslationInfo | undefined): translation is Engine {
  return translation !== undefined && 'instruments' in translation;
}

function enginesOf(machine: Machine): readonly [Engine, ...Engine[]] {
  const [first, ...others] = new Set(machine.cpus.map((cpu) => cpu.translation).filter(isEngine));
  if (first === undefined) throw new TypeError('the machine has no CPU that executes translated code');
  return [first, ...others];
}

/**
 * Lets an instrument look at all vCPUs of a machine, between slices; gives what ends it.
 * @throws TypeError for a machine that translates nothing
 */
export function addInstrument(machine: Machine, instrument: Instrument): () => void {
  const ends = enginesOf(machine).map((engine) => engine.instruments.add(instrument));
  return () => {
    for (const end of ends) end();
  };
}

/** A counter for probes, at 0; it lives as long as the machine. @throws TypeError for a machine that translates nothing */
export function makeCounter(machine: Machine): Counter {
  const [first] = enginesOf(machine);
  // Any engine's will do: counters lie in the memory that all share.
  return first.instruments.counter();
}
