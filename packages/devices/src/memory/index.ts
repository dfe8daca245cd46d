export * from './memory-properties.ts';
export * from './pc-dimm.ts';
