import { afterEach, describe, expect, it } from 'vitest';
import { place, probe, type TestMachine, testMachine } from '../../../devices/test/machine.ts';
import { AclintSswi, SifiveClint } from './aclint.ts';

const BASE = 0x200_0000;
const MTIME = BASE + 0xbff8;
const mtimecmp = (hart: number): number => BASE + 0x4000 + 8 * hart;

let test: TestMachine | undefined;
afterEach(() => test?.machine.dispose());

async function clint(harts = 2, frequency = 10_000_000) {
  let device = new SifiveClint(1, 1);
  const made = await testMachine((machine) => {
    device = place(machine, BASE, new SifiveClint(harts, frequency));
  });
  test = made;
  const software = device.softwareIrqs.map((irq) => probe(device, irq));
  const timer = device.timerIrqs.map((irq) => probe(device, irq));
  const read64 = (address: number): bigint => made.machine.addressSpace.load64(address);
  const write64 = (address: number, value: bigint): void => void made.machine.addressSpace.store64(address, value);
  return { ...made, device, software, timer, read64, write64 };
}

describe('SiFive CLINT', () => {
  it('drives each software interrupt from bit 0 of its msip', async () => {
    const { software, r32, w32 } = await clint();
    w32(BASE + 4, 0xffff_ffff);
    expect(r32(BASE + 4)).toBe(1);
    expect(software.map((line) => line.level)).toEqual([false, true]);
    w32(BASE + 4, 0);
    expect(software[1]?.level).toBe(false);
    w32(BASE + 8, 1); // no such hart
    expect(r32(BASE + 8)).toBe(0);
  });

  it('finds its registers as the harts have left them that move their lines themselves', async () => {
    const { device, machine, software, r32 } = await clint();
    const lines = [false, true];
    device.mswi.follow((hart) => lines[hart] === true);
    expect([r32(BASE), r32(BASE + 4)]).toEqual([0, 1]);
    lines.reverse();
    expect(device.mswi.save().fields.msip).toEqual(Uint8Array.of(1, 0));
    expect(software.map((line) => line.level)).toEqual([true, false]);
    lines.fill(true);
    machine.reset();
    expect(software.map((line) => [line.level, line.rises])).toEqual([
      [false, 1],
      [false, 2],
    ]);
  });

  it('counts mtime at its frequency', async () => {
    const { clock, device, read64 } = await clint();
    clock.advance(1_000_000_099);
    expect(read64(MTIME)).toBe(10_000_000n);
    clock.advance(1);
    expect(device.mtime()).toBe(10_000_001n);
  });

  it('counts exactly at a frequency that does not divide 1 GHz, for years', async () => {
    const { clock, device } = await clint(1, 32_768);
    clock.advance(3 * 86_400 * 1e9 + 500_000_000);
    expect(device.mtime()).toBe(3n * 86_400n * 32_768n + 16_384n);
  });

  it('raises the timer interrupt when mtime reaches mtimecmp, and lowers it when that is moved on', async () => {
    const { clock, timer, write64 } = await clint();
    write64(mtimecmp(1), 100n);
    clock.advance(9_999);
    expect(timer[1]?.level).toBe(false);
    clock.advance(1);
    expect(timer.map((line) => line.level)).toEqual([false, true]);
    write64(mtimecmp(1), 200n);
    expect(timer[1]?.level).toBe(false);
    clock.advance(10_000);
    expect(timer[1]?.rises).toBe(2);
  });

  it('takes halves of its registers, and needs no timer for a date that never comes', async () => {
    const { clock, r32, w32, timer } = await clint(1);
    expect([r32(mtimecmp(0)), r32(mtimecmp(0) + 4)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    expect(clock.armedTimers).toBe(0);
    w32(mtimecmp(0), 5);
    expect(clock.armedTimers).toBe(0);
    w32(mtimecmp(0) + 4, 0);
    clock.advance(500);
    expect(timer[0]?.level).toBe(true);
  });

  it('lets software set mtime', async () => {
    const { clock, timer, read64, write64 } = await clint(1);
    write64(mtimecmp(0), 0x1_0000_0000n);
    write64(MTIME, 0xffff_ff00n);
    expect(read64(MTIME)).toBe(0xffff_ff00n);
    clock.advance(25_600);
    expect(timer[0]?.level).toBe(true);
  });

  it('starts anew at a reset', async () => {
    const { clock, device, machine, software, timer, w32, write64 } = await clint(1);
    w32(BASE, 1);
    write64(mtimecmp(0), 1n);
    clock.advance(1000);
    machine.reset();
    expect([software[0]?.level, timer[0]?.level, device.mtime()]).toEqual([false, false, 0n]);
  });

  it('restores a snapshot with its deadline', async () => {
    const { clock, device, machine, timer, write64 } = await clint(1);
    write64(mtimecmp(0), 1000n);
    const state = structuredClone(device.mtimer.save());
    machine.reset();
    device.mtimer.restore(state);
    clock.advance(100_000);
    expect(timer[0]?.level).toBe(true);
  });
});

describe('ACLINT SSWI', () => {
  it('makes an edge for each 1 written and reads as 0', async () => {
    let device = new AclintSswi(1);
    test = await testMachine((machine) => {
      device = place(machine, BASE, new AclintSswi(2));
    });
    const line = probe(device, device.irqs[1] ?? device.output());
    test.w32(BASE + 4, 1);
    test.w32(BASE + 4, 0);
    test.w32(BASE + 4, 1);
    expect(line.rises).toBe(2);
    expect(test.r32(BASE + 4)).toBe(0);
  });
});
