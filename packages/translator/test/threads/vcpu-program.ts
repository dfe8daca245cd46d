/** The program of a thread that runs a vCPU of the x86-like test frontend. */
import { TranslatedCpu } from '@boardwalk/translator';
import { x86ish } from '../frontends/x86ish.ts';
import { serveThread } from './serve-thread.ts';

class ThreadCpu extends TranslatedCpu {
  static override readonly typeName = 'thread-cpu';
}

await serveThread({
  names: ['test'],
  boards: [],
  cpuModels: () => [],
  addThreadCpu: (machine, thread) => machine.add(new ThreadCpu(thread.init.index, x86ish), 'cpu'),
});
