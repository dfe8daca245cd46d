export * from './board-conformance.ts';
export * from './boot-machine.ts';
export * from './code-fuzz.ts';
export { CodeInMemory } from './code-in-memory.ts';
export * from './connect.ts';
export * from './gdb/core-file.ts';
export * from './gdb/gdb.ts';
export * from './gdb/symbols.ts';
export {
  box,
  doubleBits,
  interestingDouble,
  interestingExtended,
  interestingInteger,
  interestingSingle,
  Random,
  singleBits,
} from './random.ts';
export * from './store-program.ts';
