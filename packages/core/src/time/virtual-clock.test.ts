import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostClockSource, InstructionClockSource } from './clock-source.ts';
import { ManualClock, type Timer, VirtualClock } from './virtual-clock.ts';

describe('timers', () => {
  it('fire at their deadlines, in order, and equal deadlines in the order of arming', () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    for (const [name, at] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
      ['b2', 20],
    ] as const) {
      clock.timer(() => fired.push(`${name}@${clock.now()}`)).arm(at);
    }
    expect(clock.nextDeadline()).toBe(10);
    expect(clock.advance(25)).toBe(25);
    expect(fired).toEqual(['a@10', 'b@20', 'b2@20']);
    clock.advance(5);
    expect(fired.at(-1)).toBe('c@30');
    expect(clock.nextDeadline()).toBe(Infinity);
  });

  it('arm again and cancel themselves and each other from callbacks', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const other = clock.timer(() => fired.push(-1));
    const periodic: Timer = clock.timer(() => {
      fired.push(clock.now());
      other.disarm();
      if (fired.length < 3) periodic.arm(clock.now() + 10);
    });
    periodic.arm(10);
    other.arm(15);
    clock.advance(100);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.armedTimers).toBe(0);
  });

  it('run once in a call even when they are due again at once', () => {
    const clock = new ManualClock();
    let count = 0;
    const timer: Timer = clock.timer(() => {
      count++;
      timer.arm(0);
    });
    timer.arm(0);
    expect(clock.runExpired()).toBe(true);
    expect(count).toBe(1);
    clock.runExpired();
    expect(count).toBe(2);
  });

  it('behave like a sorted list, whatever is armed, moved and cancelled', () => {
    const operation = fc.record({
      timer: fc.nat({ max: 9 }),
      at: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const clock = new ManualClock();
        const fired: number[] = [];
        const timers = Array.from({ length: 10 }, (_, i) => clock.timer(() => fired.push(i)));
        const model = new Map<number, number>();
        for (const { timer, at } of operations) {
          model.delete(timer); // a Map keeps the order of insertion, as equal deadlines must
          if (at === undefined) timers[timer]?.disarm();
          else {
            timers[timer]?.arm(at);
            model.set(timer, at);
          }
          expect(clock.nextDeadline()).toBe(Math.min(...model.values()));
        }
        clock.advance(50);
        expect(fired).toEqual([...model].sort((a, b) => a[1] - b[1]).map(([i]) => i));
      }),
    );
  });

  it('say when the next deadline becomes earlier, and only then', () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    clock.onEarlierDeadline = (deadline) => told.push(deadline);
    const timer = clock.timer(() => {});
    clock.timer(() => {}).arm(100);
    timer.arm(200);
    timer.arm(50);
    expect(told).toEqual([100, 50]);
  });

  it('refuse a deadline that is no number', () => {
    expect(() => new ManualClock().timer(() => {}).arm(Number.NaN)).toThrow(RangeError);
  });
});

describe('clock sources', () => {
  it('the host clock stands still while the machine does', () => {
    let hostMs = 1000;
    const source = new HostClockSource(() => hostMs);
    hostMs += 5;
    expect(source.now()).toBe(0);
    source.start();
    hostMs += 2.5;
    expect(source.now()).toBe(2_500_000);
    source.stop();
    hostMs += 1000;
    expect(source.now()).toBe(2_500_000);
    source.start();
    hostMs += 1;
    expect(source.now()).toBe(3_500_000);
    source.set(7);
    expect(source.now()).toBe(7);
  });

  it('the host clock never goes backwards', () => {
    let hostMs = 10;
    const source = new HostClockSource(() => hostMs);
    source.start();
    hostMs = 12;
    expect(source.now()).toBe(2_000_000);
    hostMs = 11;
    expect(source.now()).toBe(2_000_000);
  });

  it('the instruction clock counts what was executed, also within a slice', () => {
    let inSlice = 0;
    const source = new InstructionClockSource({ nsPerInstruction: 2, inSlice: () => inSlice });
    source.retire(100);
    inSlice = 5;
    expect(source.now()).toBe(210);
    expect(source.instructionsFor(5)).toBe(3);
  });

  it('an idle instruction clock jumps, or waits for the host', () => {
    const jumping = new InstructionClockSource({ sleep: false });
    expect(jumping.idle(500)).toBe(0);
    expect(jumping.now()).toBe(500);
    expect(jumping.idle(Infinity)).toBe(Infinity);
    const waiting = new InstructionClockSource();
    expect(waiting.idle(500)).toBe(500);
    waiting.idled(200, 500);
    expect(waiting.now()).toBe(200);
    waiting.idled(1000, 500);
    expect(waiting.now()).toBe(500);
  });
});
