/** vCPUs of the x86-like test frontend on worker threads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { defineBoard, Machine, type MachineOptions, type VcpuThreads } from '@boardwalk/core';
import type { Slot } from '@boardwalk/translator';
import { build } from 'esbuild';
import { RAM_BYTES, TestCpu } from '../frontends/harness.ts';
import { x86ish } from '../frontends/x86ish.ts';

/** A CPU whose thread makes one of its own. */
class ThreadedCpu extends TestCpu {
  protected override threadDescription(): unknown {
    return {};
  }
}

/** A machine whose vCPUs run on threads. */
export interface ThreadedMachine {
  readonly machine: Machine;
  readonly cpus: readonly TestCpu[];
  /** What went wrong on a thread, or on this one. */
  readonly failure: unknown;
}

/** The program of the threads, bundled: Node cannot run it as it is. */
export class TestThreads implements VcpuThreads {
  readonly order = process.arch === 'x64' ? 'tso' : 'weak';
  readonly #folder = mkdtempSync(join(tmpdir(), 'boardwalk-vcpus-'));
  readonly #program = join(this.#folder, 'vcpu.mjs');

  async prepare(): Promise<void> {
    await build({
      entryPoints: [fileURLToPath(new URL('vcpu-program.ts', import.meta.url))],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['boardwalk-source'],
      logLevel: 'silent',
    });
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true });
  }

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  readonly start: VcpuThreads['start'] = (init, events) => {
    const worker = new Worker(this.#program, { workerData: init });
    worker.on('error', (error) => events.failed(error instanceof Error ? error : new Error(String(error))));
    const ready = new Promise<void>((resolve) => {
      worker.on('message', (message) => (message === 'call' ? events.called() : resolve()));
    });
    return { ready, threadId: undefined, end: async () => void (await worker.terminate()) };
  };

  /** RAM at 0 and so many vCPUs, which stand still. */
  async machine(count: number, tier1: MachineOptions['tier1']): Promise<ThreadedMachine> {
    const cpus: TestCpu[] = [];
    const board = defineBoard({
      name: 'test',
      description: 'CPUs and RAM',
      arch: 'test',
      defaultCpu: 'test',
      maxCpus: 8,
      defaultRamSize: RAM_BYTES,
      defaultRamId: 'ram',
      build(made) {
        made.map(0, made.ram);
        for (let n = 0; n < count; n++) cpus.push(made.add(new ThreadedCpu(n, x86ish, undefined), `cpu${n}`));
      },
    });
    const options = tier1 === undefined ? {} : { tier1 };
    const machine = await Machine.create(board, { smp: { cpus: count }, threads: this, ...options });
    let failure: unknown;
    machine.on('error', ({ error }) => {
      failure = error;
    });
    return {
      machine,
      cpus,
      get failure() {
        return failure;
      },
    };
  }
}

/** A register of the frontend by its name. */
export function slotOf(name: string): Slot {
  const field = x86ish.state.fields.find((f) => f.slot.name === name);
  if (field === undefined) throw new Error(`no register ${name}`);
  return field.slot;
}
