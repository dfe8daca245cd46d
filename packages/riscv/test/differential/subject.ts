/** Runs an image on our `virt` board. */
import { Machine } from '@boardwalk/core';
import { TranslatedCpu } from '@boardwalk/translator';
import { virt } from '../../src/boards/virt.ts';
import { RAM_BASE, RAM_SIZE } from './layout.ts';
import { StoppedError } from './reference.ts';

/** The reference updates accessed and dirty bits in hardware, always; the executor turns that on here. */
const CPU = 'rv64';

const TIMEOUT_MS = 60_000;

/** The RAM after the run. `slides`: of blocks that are for all addresses. @throws StoppedError when it does not end by itself */
export async function runSubject(image: Uint8Array, slides: boolean): Promise<Uint8Array> {
  // What runs twice runs in a region.
  const tier1 = { threshold: 1 };
  const machine = await Machine.create(virt, { ramSize: RAM_SIZE, cpu: CPU, firmware: 'none', tier1 });
  try {
    for (const cpu of machine.cpus) if (cpu instanceof TranslatedCpu) cpu.engine.slidesAlways = slides;
    const host = machine.addressSpace.hostOffset(RAM_BASE, RAM_SIZE, true);
    const ram = machine.space.u8.subarray(host, host + RAM_SIZE);
    ram.set(image);
    machine.start();
    const timer = setTimeout(() => machine.shutdown('host', 1), TIMEOUT_MS);
    const { cause } = await machine.run();
    clearTimeout(timer);
    const result = ram.slice();
    if (cause !== 'guest') throw new StoppedError(result);
    return result;
  } finally {
    await machine.dispose();
  }
}
