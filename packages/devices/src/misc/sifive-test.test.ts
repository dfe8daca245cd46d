import { describe, expect, it } from 'vitest';
import { place, testMachine } from '../../test/machine.ts';
import { SifiveTest } from './sifive-test.ts';

const BASE = 0x10_0000;
const finisher = () => testMachine((machine) => void place(machine, BASE, new SifiveTest()));

describe('SiFive test finisher', () => {
  it.each([
    ['pass', 0x5555, 0],
    ['fail with a status', 0x0007_3333, 7],
  ])('%s ends the machine', async (_what, value, status) => {
    const { machine, w32 } = await finisher();
    w32(BASE, value);
    await expect(machine.run()).resolves.toEqual({ cause: 'guest', reason: 'shutdown', status });
  });

  it('resets the machine', async () => {
    const { machine, w32 } = await finisher();
    let resets = 0;
    machine.on('reset', () => resets++);
    w32(BASE, 0x7777);
    expect(resets).toBe(1);
  });

  it('takes 16-bit writes and reports what is no command', async () => {
    const { machine, errors, w32 } = await finisher();
    w32(BASE, 0x1234);
    w32(BASE + 4, 0x5555);
    expect(machine.state).toBe('prelaunch');
    expect(errors).toHaveLength(2);
    machine.addressSpace.store(BASE, 2, 0x5555);
    expect(machine.state).toBe('shutdown');
  });
});
