import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/qmp/index.ts', 'src/hmp/index.ts', 'src/qtest/index.ts', 'src/gdb/index.ts'],
  format: 'esm',
  target: 'es2023',
  sourcemap: true,
  clean: false,
  dts: false,
});
