export type { FunctionShare } from './call-tree.ts';
export { DEFAULT_SAMPLE_INSNS, Profiler, type ProfilerOptions } from './profiler.ts';
export { SymbolTable } from './symbols.ts';
