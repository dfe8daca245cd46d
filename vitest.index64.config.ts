// The suites that run guest code, on RAM spaces whose index has 64 bits: `npm run test:index64`, with Node.js 24.
import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default mergeConfig(base, defineConfig({ test: { setupFiles: ['./vitest.index64.setup.ts'] } }));
