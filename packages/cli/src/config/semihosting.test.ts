import { expect, it } from 'vitest';
import { CommandLine } from '../options/command-line.ts';
import { readSemihosting } from './semihosting.ts';

it.each([
  [[], false],
  [['-semihosting'], true],
  [['-semihosting-config', 'enable=on,target=native'], true],
  [['-semihosting-config', 'enable=off'], false],
])('%j: %s', (args, enabled) => {
  expect(readSemihosting(new CommandLine(args)) !== undefined).toBe(enabled);
});

it.each([
  [['-semihosting', '-kernel', 'a.elf', '-append', 'b c'], 'a.elf b c'],
  [['-semihosting-config', 'arg=x,arg=y,,z', '-kernel', 'a.elf'], 'x y,z'],
])('%j: the command line %s', (args, commandLine) => {
  expect(readSemihosting(new CommandLine(args))).toEqual({ commandLine });
});

it('refuses what it does not know', () => {
  const line = new CommandLine(['-semihosting-config', 'enable=on,target=gdb']);
  expect(() => readSemihosting(line)).toThrow('semihosting-config: target=gdb');
});
