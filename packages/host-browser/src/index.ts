export * from './memory/opfs-file.ts';
export * from './memory/opfs-memory.ts';
