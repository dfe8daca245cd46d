export { type Happening, History, type Place } from './history.ts';
export { Replay, type ReverseEnd } from './replay.ts';
