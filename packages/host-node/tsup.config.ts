import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', 'vcpu-worker': 'src/threads/vcpu-worker.ts' },
  format: 'esm',
  target: 'es2023',
  sourcemap: true,
  clean: false,
  dts: false,
  external: ['koffi'],
});
