export { cacheFolder, exists, writeFileAtomically } from './cache.ts';
export { DebianError, type DebianErrorReason } from './errors.ts';
export { type FetchOptions, fetchDebianFiles, type UnpackedPackage } from './fetch.ts';
export { type DebianKernel, rawKernelImage, readDebianKernel } from './kernel.ts';
export type { FetchProgress } from './progress.ts';
export { processRunner, type Runner, type RunOptions, type RunResult } from './runner.ts';
export { compareVersions } from './versions.ts';
export { unxz, XzError } from './xz.ts';
