export { Coverage, type Covered } from './coverage.ts';
export type { CodePlace, Counter, Instrument, MemoryAccess, Probe } from './instrument.ts';
export { addInstrument, makeCounter } from './machine.ts';
