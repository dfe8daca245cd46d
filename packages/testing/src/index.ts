export * from './board-conformance.ts';
export * from './boot-machine.ts';
export * from './store-program.ts';
