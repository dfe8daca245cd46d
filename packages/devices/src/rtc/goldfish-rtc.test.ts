import { describe, expect, it } from 'vitest';
import { place, probe, testMachine } from '../../test/machine.ts';
import { GoldfishRtc } from './goldfish-rtc.ts';

const BASE = 0x10_1000;
const START_MS = Date.UTC(2024, 1, 29, 12, 0, 0);

async function rtc() {
  let device = new GoldfishRtc();
  const test = await testMachine(
    (machine) => {
      device = place(machine, BASE, new GoldfishRtc());
    },
    { rtcBaseMs: START_MS },
  );
  const now = (): bigint => {
    const low = BigInt(test.r32(BASE));
    return (BigInt(test.r32(BASE + 4)) << 32n) | low;
  };
  const alarmAt = (date: bigint): void => {
    test.w32(BASE + 0x0c, Number(date >> 32n));
    test.w32(BASE + 0x08, Number(date & 0xffffffffn));
  };
  return { ...test, device, irq: probe(device, device.irq), now, alarmAt };
}

const START = BigInt(START_MS) * 1_000_000n;

describe('Goldfish RTC', () => {
  it('shows the date in nanoseconds and goes on with the machine', async () => {
    const { clock, now } = await rtc();
    expect(now()).toBe(START);
    clock.advance(5_000_000_000);
    expect(now()).toBe(START + 5_000_000_000n);
  });

  it('latches the high half when the low half is read', async () => {
    const { clock, r32, now } = await rtc();
    const high = Number(now() >> 32n);
    clock.advance(10e9);
    expect(r32(BASE + 4)).toBe(high);
  });

  it('can be set', async () => {
    const { clock, now, w32 } = await rtc();
    w32(BASE + 4, 5);
    w32(BASE, 7);
    clock.advance(1000);
    expect(now()).toBe((5n << 32n) + 1007n);
  });

  it('rings its alarm once, when interrupts are enabled', async () => {
    const { clock, irq, r32, w32, alarmAt } = await rtc();
    w32(BASE + 0x10, 1);
    alarmAt(START + 1_000_000n);
    expect(r32(BASE + 0x18)).toBe(1);
    clock.advance(999_000);
    expect(irq.level).toBe(false);
    clock.advance(1000);
    expect([irq.level, r32(BASE + 0x18)]).toEqual([true, 0]);
    w32(BASE + 0x1c, 1);
    expect(irq.level).toBe(false);
  });

  it('rings at once for a date that has passed, and not at all when it is cleared', async () => {
    const { clock, irq, w32, alarmAt } = await rtc();
    w32(BASE + 0x10, 1);
    alarmAt(START - 1n);
    expect(irq.level).toBe(true);
    w32(BASE + 0x1c, 1);
    alarmAt(START + 1_000_000n);
    w32(BASE + 0x14, 1);
    clock.advance(2_000_000);
    expect(irq.level).toBe(false);
  });

  it('restores a set date and a running alarm', async () => {
    const { clock, device, irq, machine, w32, now, alarmAt } = await rtc();
    w32(BASE + 4, 5);
    w32(BASE, 0);
    w32(BASE + 0x10, 1);
    alarmAt((5n << 32n) + 1_000_000n);
    const state = structuredClone(device.save());
    machine.reset();
    device.restore(state);
    clock.advance(1_000_000);
    expect([irq.level, now()]).toEqual([true, (5n << 32n) + 1_000_000n]);
  });
});
