export * from './builder.ts';
export type { FdtValue } from './format.ts';
export * from './node.ts';
export * from './parse.ts';
