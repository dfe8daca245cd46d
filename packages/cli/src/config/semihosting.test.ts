import { expect, it } from 'vitest';
import { CommandLine } from '../options/command-line.ts';
import { readSemihosting } from './semihosting.ts';

it.each([
  [[], false],
  [['-semihosting'], true],
  [['-semihosting-config', 'enable=on,target=native'], true],
  [['-semihosting-config', 'enable=off'], false],
])('%j: %s', (args, enabled) => {
  expect(readSemihosting(new CommandLine(args))).toBe(enabled);
});

it('refuses what it does not know', () => {
  const line = new CommandLine(['-semihosting-config', 'enable=on,target=gdb']);
  expect(() => readSemihosting(line)).toThrow('semihosting-config: target=gdb');
});
