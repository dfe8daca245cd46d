/** Linux steps through programs: ptrace of a program of ours. */
import { itRunsAsInit } from '../init-program.ts';

itRunsAsInit('a child is stepped through instruction by instruction, and from branch to branch', {
  name: 'single-step',
  source: new URL('single-step.c', import.meta.url),
  flags: ['-march=z10'],
  cpus: 1,
  parts: 3,
});
