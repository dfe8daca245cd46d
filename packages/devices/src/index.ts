export * from './block/index.ts';
export * from './memory/index.ts';
export * from './misc/index.ts';
export * from './registers.ts';
export * from './rtc/index.ts';
export * from './serial/index.ts';
export * from './types.ts';
export * from './virtio/index.ts';
