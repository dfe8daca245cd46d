export { architecture } from './architecture.ts';
export * from './cpu/services.ts';
