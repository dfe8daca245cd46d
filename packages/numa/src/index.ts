export type { HmatEntry, HmatMatrix } from '@boardwalk/core';
export * from './acpi.ts';
export * from './board.ts';
export * from './device-tree.ts';
export { defaultDistances } from './distance.ts';
export * from './info.ts';
export * from './limits.ts';
export * from './options.ts';
export * from './topology.ts';
