export * from './soc/index.ts';
