import { readFile } from 'node:fs/promises';
import { GuestLog, Machine, PipeChar } from '@boardwalk/core';
import { readMonitor } from '@boardwalk/guest';
import { describe, expect, it } from 'vitest';
import { bootMonitor } from './boot-monitor.ts';
import { pocket } from './pocket-board.js';
import { run } from './repeatable.ts';
import { tallyBoard } from './tally-frontend.ts';
import { machineWithDevices } from './with-devices.ts';

const hello = async (): Promise<Uint8Array> => new Uint8Array(await readFile(new URL('hello.bin', import.meta.url)));

describe('boot-monitor', () => {
  it('boots the monitor, computes, and gets its exit status', async () => {
    const { answer, status } = await bootMonitor(await readMonitor());
    expect(answer).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    expect(status).toBe(7);
  });
});

describe('pocket-board', () => {
  it('runs a bare program', async () => {
    const serial = new PipeChar();
    const machine = await Machine.create(pocket, { firmware: await hello(), serials: [serial] });
    expect(await machine.run()).toEqual({ cause: 'guest', reason: 'shutdown', status: 0 });
    expect(serial.sent).toBe('Hello from the guest\n');
    await machine.dispose();
  });

  it('refuses what it cannot have', async () => {
    const firmware = await hello();
    await expect(Machine.create(pocket, {})).rejects.toThrow("the machine 'pocket' needs -bios");
    await expect(Machine.create(pocket, { firmware, ramSize: 2 ** 20 })).rejects.toThrow(
      'Invalid RAM size, should be 16 MiB or 32 MiB',
    );
    const boardProps = { rtc: 'perhaps' };
    await expect(Machine.create(pocket, { firmware, boardProps })).rejects.toThrow(/rtc/);
  });
});

describe('with-devices', () => {
  it('has what it was asked for', async () => {
    const machine = await machineWithDevices();
    const { addressSpace } = machine;
    expect(addressSpace.load(0x1000_8008, 4), 'DeviceID of the last virtio slot: a disk').toBe(2);
    expect(addressSpace.load(0x1000_7008, 4), 'of the one before: random numbers').toBe(4);
    addressSpace.store(0x3000_0004, 4, 0x1234_5678);
    expect(addressSpace.load(0x3000_0005, 1)).toBe(0x56);
    expect(machine.root.children.get('machine')?.children.get('peripheral')?.children.get('pad')?.type).toBe(
      'scratchpad',
    );
    await machine.dispose();
  });
});

describe('repeatable', () => {
  it('takes the same virtual time each time', async () => {
    const first = await run(await hello());
    expect(first.text).toBe('Hello from the guest\n');
    expect(await run(await hello())).toEqual(first);
  });
});

describe('tally-frontend', () => {
  const instruction = (operation: number, rd: number, rs: number, immediate: number): number[] => [
    operation,
    (rd << 4) | rs,
    immediate & 0xff,
    (immediate >> 8) & 0xff,
  ];
  const [WAIT, LI, ADD, ADDI, LW, SW, BNZ, EI, RFE] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  const at = (program: number[], address: number, code: number[][]): void => {
    for (const [i, byte] of code.flat().entries()) program[address + i] = byte;
  };

  /** Adds 10 to 1, stores and reads back the sum, prints it as a character, meets an undefined instruction. */
  function program(): Uint8Array {
    const bytes: number[] = Array(0x200).fill(0);
    at(bytes, 0, [
      instruction(LI, 1, 0, 10),
      instruction(ADD, 2, 1, 0),
      instruction(ADDI, 1, 1, -1),
      instruction(BNZ, 1, 0, -12),
      instruction(LI, 3, 0, 0x180),
      instruction(SW, 2, 3, 4),
      instruction(LW, 4, 3, 4),
      instruction(LI, 5, 0, 0x7000),
      instruction(SW, 4, 5, 0),
      instruction(EI, 0, 0, 0),
      [0xff, 0, 0, 0],
      instruction(SW, 6, 5, 4),
      instruction(WAIT, 0, 0, 0),
    ]);
    // The exception handler leaves 3 in r6 and goes on behind the instruction: it has no way to read savedPc but rfe.
    at(bytes, 0x100, [instruction(LI, 6, 0, 3), instruction(SW, 6, 5, 4), instruction(RFE, 0, 0, 0)]);
    return Uint8Array.from(bytes);
  }

  it('runs a program, takes an exception, and shows its instructions', async () => {
    const serial = new PipeChar();
    const lines: string[] = [];
    const log = new GuestLog(['in_asm'], (category, text) => lines.push(`${category}: ${text}`));
    const machine = await Machine.create(tallyBoard, { kernel: program(), serials: [serial], log });
    expect(await machine.run()).toEqual({ cause: 'guest', reason: 'shutdown', status: 3 });
    expect(serial.sent).toBe('7'); // 55
    expect(lines).toContain('in_asm: 0x0:  li r1, r0, 10');
    expect(lines).toContain('in_asm: 0x100:  li r6, r0, 3');
    await machine.dispose();
  });
});
