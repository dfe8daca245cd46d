import { readMonitor } from '@boardwalk/guest';
import { virt } from '@boardwalk/riscv';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, expect, it } from 'vitest';

const boot = machineBooter(afterEach);

it('the monitor answers', async () => {
  const machine = await boot({ board: virt, firmware: await readMonitor() });
  await machine.expectSerial('\n> ');
  machine.send('echo some words\r');
  await machine.expectSerial('\nsome words');
  machine.send('poweroff 3\r');
  expect(await machine.exit()).toMatchObject({ cause: 'guest', status: 3 });
});
