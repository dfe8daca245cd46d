export { type BlockBackend, checkBlockRange } from './block-backend.ts';
export { type BlockNode, type BlockNodeOptions, BlockNodes } from './block-nodes.ts';
export { type BlockCount, CountedBlock } from './counted-block.ts';
export { MemoryBlock } from './memory-block.ts';
export { NullBlock } from './null-block.ts';
export { type CapacityTeller, isCapacityTeller } from './resizable.ts';
