export { type CodeDatabase, type CodeDatabaseOptions, openCodeDatabase } from './code/code-database.ts';
export * from './memory/opfs-file.ts';
export * from './memory/opfs-memory.ts';
export { browserVcpuThreads } from './threads/browser-vcpu-threads.ts';
export { serveVcpuWorker } from './threads/vcpu-worker.ts';
