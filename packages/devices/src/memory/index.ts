export * from './device-backend.ts';
export * from './pc-dimm.ts';
