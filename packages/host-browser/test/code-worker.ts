// Runs in a dedicated worker: boots the monitor several times, with the code that the boot before left in the origin's database.
import { Machine, PipeChar } from '@boardwalk/core';
import { virt } from '@boardwalk/riscv';
import { TranslatedCpu } from '@boardwalk/translator';
import { openCodeDatabase } from '../src/index.ts';

/** What the worker found. */
export interface CodeFindings {
  /** Of each boot: blocks taken from the one before and translated, and what the monitor printed. */
  readonly boots: readonly { readonly kept: number; readonly translated: number; readonly output: string }[];
  /** Keys in the database at the end. */
  readonly codes: number;
}

async function boot(firmware: Uint8Array, run: string): Promise<CodeFindings['boots'][number]> {
  const codeStore = await openCodeDatabase({ run });
  const serial = new PipeChar();
  const machine = await Machine.create(virt, { firmware, ramSize: 16 * 2 ** 20, serials: [serial], codeStore });
  serial.send('map\rpoweroff 7\r');
  await machine.run();
  const [cpu] = machine.cpus;
  const { kept = 0, translated = 0 } = cpu instanceof TranslatedCpu ? cpu.engine.stats : {};
  await machine.dispose();
  await codeStore.flush();
  return { kept, translated, output: serial.sent };
}

async function codesInDatabase(): Promise<number> {
  const open = indexedDB.open('boardwalk');
  await new Promise((resolve) => {
    open.onsuccess = resolve;
  });
  const count = open.result.transaction('code').objectStore('code').count();
  await new Promise((resolve) => {
    count.onsuccess = resolve;
  });
  open.result.close();
  return count.result;
}

globalThis.onmessage = async ({ data }: MessageEvent<{ readonly firmware: Uint8Array }>) => {
  try {
    const boots: CodeFindings['boots'][number][] = [];
    for (const run of ['a', 'a', 'b', 'a']) boots.push(await boot(data.firmware, run));
    for (let n = 0; n < 9; n++) await boot(data.firmware, `another ${n}`);
    globalThis.postMessage({ findings: { boots, codes: await codesInDatabase() } satisfies CodeFindings });
  } catch (error) {
    globalThis.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
