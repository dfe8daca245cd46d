import { defineConfig, type Options } from 'tsup';

const common: Options = { format: 'esm', target: 'es2023', sourcemap: true, clean: false, dts: false };

/** Parts of the package name what is in its index: a program loads one module, and not one for each part that another entry has too. */
const throughTheIndex: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'through the index',
  setup(build) {
    build.onResolve({ filter: /^\.\// }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: '../index.js', external: true },
    );
  },
};

export default defineConfig([
  { ...common, entry: ['src/index.ts', 'src/registers.ts'] },
  { ...common, entry: ['src/*/index.ts'], esbuildPlugins: [throughTheIndex] },
]);
