/** instret counts each instruction once, wherever translated blocks begin and end. */
import { machineBooter } from '@boardwalk/testing';
import { afterEach, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';

const boot = machineBooter(afterEach);

it('instret is exact within a slice, across blocks', async () => {
  const words = [
    0xc02022f3, // rdinstret t0
    0x00000013, // nop
    0x00000013, // nop
    0x0040006f, // j to the next instruction: another block
    0x00000013, // nop
    0xc0202373, // rdinstret t1
    0x40530533, // sub a0, t1, t0
    0x01051513, // slli a0, a0, 16
    0x000033b7, // lui t2, 3
    0x33338393, // addi t2, t2, 0x333
    0x00756533, // or a0, a0, t2
    0x00100e37, // lui t3, 0x100: the test finisher
    0x00ae2023, // sw a0, (t3): ends with the difference as the status
    0x0000006f, // j .
  ];
  const { exit } = await boot({ board: virt, firmware: new Uint8Array(Uint32Array.from(words).buffer) });
  expect((await exit()).status).toBe(5);
});
