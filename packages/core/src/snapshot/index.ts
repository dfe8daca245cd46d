export { loadSnapshot } from './load.ts';
export { saveSnapshot } from './save.ts';
export { type Bytes, FORMAT_VERSION } from './sections.ts';
