import { expect, it } from 'vitest';
import { GuestLog } from './guest-log.ts';

it('writes the categories that are on', () => {
  const lines: string[] = [];
  const log = new GuestLog(GuestLog.parseCategories('guest_errors,unimp'), (category, text) =>
    lines.push(`${category}: ${text}`),
  );
  log.write('guest_errors', 'bad offset 0x8');
  log.write('int', 'not seen');
  expect(lines).toEqual(['guest_errors: bad offset 0x8']);
  expect(log.enabled('unimp')).toBe(true);
  expect(log.enabled('mmu')).toBe(false);
});

it('knows its categories', () => {
  expect(GuestLog.parseCategories('all')).toContain('in_asm');
  expect(() => GuestLog.parseCategories('int,nonsense')).toThrow(/unknown log category 'nonsense'/);
});
