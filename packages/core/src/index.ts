export * from './fdt/index.ts';
export * from './loader/index.ts';
export * from './object/user-error.ts';
