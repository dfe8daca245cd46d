export { type BlockBackend, checkBlockRange } from './block-backend.ts';
export { MemoryBlock } from './memory-block.ts';
