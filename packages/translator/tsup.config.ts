import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/instrument/index.ts', 'src/profile/index.ts'],
  format: 'esm',
  target: 'es2023',
  sourcemap: true,
  clean: false,
  dts: false,
});
