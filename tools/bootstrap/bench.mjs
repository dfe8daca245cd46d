// `npm run bench -- --only NAME --json`: workloads here and on qemu-system-riscv64, and their ratios (tools/bench).
import './node-version.mjs';
import { main } from './main.mjs';
import { run } from './steps.mjs';
import { prepare, ROOT } from './workspace.mjs';

await main(async () => {
  await prepare();
  return run([process.execPath, 'tools/bench/dist/index.js', ...process.argv.slice(2)], ROOT);
});
