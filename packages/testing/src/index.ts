export * from './board-conformance.ts';
export * from './boot-machine.ts';
