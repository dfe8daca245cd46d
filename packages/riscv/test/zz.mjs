import { readFile } from 'node:fs/promises';
import { Machine, PipeChar } from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { prepareLinux } from '@boardwalk/launch';
import { virt } from '@boardwalk/riscv';
const f = await prepareLinux();
const o = { firmware: await readFile(f.firmware), kernel: await readFile(f.kernel), initrd: await readFile(f.initrd), append: 'console=ttyS0' };
const hostMemory = await openHostMemory();
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const show = async (w) => { for (let i = 0; i < 5; i++) { globalThis.gc(); await sleep(20); } const m = process.memoryUsage(); console.log(w, Object.fromEntries(Object.entries(m).map(([k, v]) => [k, Math.round(v / 2 ** 20)]))); };
await show('start');
for (let i = 0; i < 4; i++) {
  const serial = new PipeChar();
  const m = await Machine.create(virt, { ...o, hostMemory, ramSize: 256 * 2 ** 20, memPrealloc: i % 2 === 1, serials: [serial] });
  m.start();
  await serial.waitFor('Run /init', { timeoutMs: 200000 });
  await show('booted');
  await m.dispose();
  await show('disposed');
}
