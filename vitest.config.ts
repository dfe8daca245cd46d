import { defineConfig } from 'vitest/config';

const conditions = ['boardwalk-source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'tools/*/src/**/*.test.ts',
      'tools/*/test/**/*.test.ts',
      'docs/examples/*.test.ts',
    ],
    testTimeout: 180_000,
    maxWorkers: 2,
  },
});
