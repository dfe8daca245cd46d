export { type DumpOptions, type DumpWriter, dumpGuestMemory } from './guest-memory.ts';
