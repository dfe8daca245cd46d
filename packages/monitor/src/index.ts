export type { Emulator } from './emulator.ts';
