import { BoardRegistry, defineBoard, MiB } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { CommandLine } from '../options/command-line.ts';
import { readMachineSettings } from './machine-settings.ts';

const base = { description: 'for tests', arch: 'test', defaultCpu: 'c', maxCpus: 1, build: () => {} };
const boards = new BoardRegistry([
  defineBoard({ ...base, name: 'plain' }),
  defineBoard({ ...base, name: 'sockets', maxMemorySlots: 256 }),
  defineBoard({ ...base, name: 'small', defaultRamSize: 16384, validRamSizes: [16384] }),
]);

const read = (text: string) => {
  const { ramSize, memorySlots, maxRamSize } = readMachineSettings(new CommandLine(text.split(' ')), 'test', boards);
  return { ramSize, memorySlots, maxRamSize };
};

// Sizes and, where they are quoted in full, texts are those of QEMU 7.2 for the same -m.
describe('-m', () => {
  it.each<[string, number | undefined]>([
    ['-M plain', undefined],
    ['-M plain -m 0', undefined],
    ['-M none -m 0', undefined],
    ['-M plain -m 64', MiB(64)],
    ['-M plain -m 128m', MiB(128)],
    ['-M plain -m 1.5G', MiB(1536)],
    ['-M plain -m 0x10', MiB(16)],
    ['-M plain -m 1k', 8192],
    ['-M plain -m 5000b', 8192],
    ['-M plain -m 8193B', 16384],
    ['-M none -m 1', MiB(1)],
    ['-M plain -m 128 -m 64', MiB(64)],
    ['-M plain -m size=64M -m maxmem=64M', MiB(64)],
    ['-M small -m 15k', 16384],
  ])('%s is %s bytes', (text, ramSize) => {
    expect(read(text).ramSize).toBe(ramSize);
  });

  it('promises slots and a maximum on a board that has a place for them', () => {
    expect(read('-M sockets -m 64M,slots=4,maxmem=1G')).toEqual({
      ramSize: MiB(64),
      memorySlots: 4,
      maxRamSize: MiB(1024),
    });
    expect(read('-M sockets -m slots=4,maxmem=1G').ramSize).toBeUndefined();
    expect(read('-M plain -m 64M,maxmem=64M').maxRamSize).toBe(MiB(64));
  });

  it.each([
    ['-M plain -m 0.5', "-m: Parameter 'size' expects a size value"],
    ['-M plain -m 128MB', "-m: Parameter 'size' expects a size value"],
    ['-M plain -m 1e3', "-m: Parameter 'size' expects a size value"],
    ['-M plain -m 16E', "-m: Value '16E' is out of range for parameter 'size'"],
    ['-M plain -m 64M,slots=x', "-m: parameter 'slots' expects a number, not 'x'"],
    ['-M small -m 8k', '-m: Invalid RAM size, should be 16 KiB'],
    ['-M sockets -m slots=1', '-m: slots specified but no max-size'],
    [
      '-M sockets -m 128M,maxmem=64M',
      '-m: invalid value of maxmem: maximum memory size (0x4000000) must be at least the initial memory size (0x8000000)',
    ],
    [
      '-M sockets -m 128M,maxmem=128M,slots=2',
      '-m: invalid value of maxmem: memory slots were specified but maximum memory size (0x8000000) is equal to the initial memory size (0x8000000)',
    ],
    ['-M sockets -m 128M,slots=257,maxmem=1G', '-m: unsupported amount of memory slots: 257'],
    ['-M sockets -m 128M,slots=2,maxmem=1000001k', '-m: maximum memory size must by aligned to multiple of 4096 bytes'],
    ['-M plain -m 128M,slots=3,maxmem=256M', `-m: "-memory 'slots|maxmem'" is not supported by: plain`],
    ['-M none -m 128M,slots=3,maxmem=256M', `-m: "-memory 'slots|maxmem'" is not supported by: none`],
  ])('%s: %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
