export { InputLog, Replay, type ReverseEnd } from './replay.ts';
