/** Linux switches the vector registers of its threads: a program of ours, compiled for the z14. */
import { itRunsAsInit } from '../init-program.ts';

itRunsAsInit('threads of Linux keep their vector registers over calls and signals', {
  name: 'vector-state',
  source: new URL('vector-state.c', import.meta.url),
  flags: ['-march=z14', '-mzvector', '-pthread'],
  cpus: 2,
  parts: 3,
});
