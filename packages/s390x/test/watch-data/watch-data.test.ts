/** Linux watches a program's data: ptrace of a program of ours. */
import { itRunsAsInit } from '../init-program.ts';

itRunsAsInit('a child stops after each store into the bytes that are watched, and after no other', {
  name: 'watch-data',
  source: new URL('watch-data.c', import.meta.url),
  flags: ['-march=z10'],
  cpus: 1,
  parts: 3,
});
