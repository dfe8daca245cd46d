import { afterEach, expect, it, vi } from 'vitest';
import { EventLoopScheduler } from './host-scheduler.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it.each(['with setImmediate', 'with messages only'])('yields to other tasks, %s', async (how) => {
  if (how === 'with messages only') vi.stubGlobal('setImmediate', undefined);
  const scheduler = new EventLoopScheduler();
  let timers = 0;
  const interval = setInterval(() => timers++, 1);
  const until = scheduler.now() + 2000;
  while (timers < 5 && scheduler.now() < until) await scheduler.yield();
  clearInterval(interval);
  expect(timers).toBe(5);
});

it('sleeps for a while, or until it is woken', async () => {
  const scheduler = new EventLoopScheduler();
  const started = scheduler.now();
  await scheduler.sleep(20);
  expect(scheduler.now() - started).toBeGreaterThan(18);
  const woken = scheduler.sleep(Infinity);
  scheduler.wake();
  await woken;
  scheduler.wake(); // nobody sleeps: no effect
});
