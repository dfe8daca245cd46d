export * from './boot-machine.ts';
