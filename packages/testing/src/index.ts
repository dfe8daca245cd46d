export * from './board-conformance.ts';
export * from './boot-machine.ts';
export * from './code-fuzz.ts';
export * from './store-program.ts';
