// Runs in a dedicated worker of an isolated page: a machine whose two harts run on workers of their own, with this one as device thread.
import { Machine, PipeChar } from '@boardwalk/core';
import { virt } from '@boardwalk/riscv';
import { browserVcpuThreads } from '../src/index.ts';

/** What the worker found. */
export interface ThreadFindings {
  readonly output: string;
  readonly status: number;
  /** The word that both harts added to. */
  readonly sum: number;
  /** How far each hart of a second machine, which counts for ever, went on after it was stopped. */
  readonly stopped: readonly number[];
}

/** Both harts add one 20480 times to the word at 0x80002004; hart 0 waits for both, sends `k`, and ends with status 5. */
const PROGRAM = Uint32Array.of(
  0xf1402573, // csrr a0, mhartid
  0x00002297, // auipc t0, 2
  0x00100313, // li t1, 1
  0x000053b7, // lui t2, 5
  0x0062a02f, // amoadd.w zero, t1, (t0)
  0xfff38393, // addi t2, t2, -1
  0xfe039ce3, // bnez t2, -8
  0x02051663, // bnez a0, park
  0x0000ae37, // lui t3, 10
  0x0002ae83, // lw t4, 0(t0)
  0xffce9ee3, // bne t4, t3, -4
  0x10000437, // lui s0, 0x10000
  0x06b00593, // li a1, 'k'
  0x00b40023, // sb a1, 0(s0)
  0x001004b7, // lui s1, 0x100
  0x00053637, // lui a2, 0x53
  0x33360613, // addi a2, a2, 0x333
  0x00c4a023, // sw a2, 0(s1)
  0x10500073, // park: wfi
  0xffdff06f, // j park
);
const SUM = 0x8000_2004;

/** addi a0, a0, 1; j -4: counts for ever. */
const COUNTER = Uint32Array.of(0x00150513, 0xffdff06f);

const options = (program: Uint32Array) => ({
  firmware: new Uint8Array(program.buffer),
  ramSize: 16 * 2 ** 20,
  smp: { cpus: 2 },
  threads: browserVcpuThreads(() => new Worker('vcpu.js', { type: 'module' })),
});

async function run(): Promise<ThreadFindings> {
  const serial = new PipeChar();
  const machine = await Machine.create(virt, { ...options(PROGRAM), serials: [serial] });
  const { status } = await machine.run();
  const sum = machine.addressSpace.load(SUM, 4);
  await machine.dispose();

  const other = await Machine.create(virt, options(COUNTER));
  other.start();
  const count = (): number[] =>
    other.cpus.map((cpu) => Number.parseInt(/a0 +([0-9a-f]+)/.exec(cpu.formatRegisters())?.[1] ?? '0', 16));
  while (count().some((value) => value === 0)) await new Promise((resolve) => setTimeout(resolve, 5));
  other.pause();
  const seen = count();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopped = count().map((value, hart) => value - (seen[hart] ?? 0));
  await other.dispose();
  return { output: serial.sent, status, sum, stopped };
}

globalThis.onmessage = async () => {
  try {
    globalThis.postMessage({ findings: await run() });
  } catch (error) {
    globalThis.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
