export * from './fdt/index.ts';
export * from './loader/index.ts';
export * from './memory/index.ts';
export * from './object/index.ts';
