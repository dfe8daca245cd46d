export type { ChardevInfo, Emulator, Preconfig } from './emulator.ts';
