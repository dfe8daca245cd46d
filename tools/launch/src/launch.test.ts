import { DebianError } from '@boardwalk/debian';
import { describe, expect, it } from 'vitest';
import { OptionError, parseStartOptions } from './options.ts';
import { type DisplayStream, ProgressDisplay } from './progress.ts';
import { canFallBack, emulatorArguments } from './start.ts';

describe('the options of npm start', () => {
  it('have defaults', () => {
    expect(parseStartOptions([])).toMatchObject({
      guest: 'linux',
      append: 'console=ttyS0',
      memory: '256M',
      smp: '1',
      refresh: false,
      rest: [],
    });
  });

  it('are read, and the rest goes to the emulator', () => {
    const options = parseStartOptions('--kernel Image --initrd rd --smp 4 -m 1G --suite sid -- -d int -- x'.split(' '));
    expect(options).toMatchObject({ kernel: 'Image', initrd: 'rd', smp: '4', memory: '1G', suite: 'sid' });
    expect(options.rest).toEqual(['-d', 'int', '--', 'x']);
  });

  it.each([
    ['--bogus', "Unknown option '--bogus'; npm start -- --help"],
    ['--kernel', "Option '--kernel <value>' argument missing"],
    ['Image', "Unexpected argument 'Image'"],
    ['--guest windows', '--guest windows: use linux or monitor'],
    ['--guest monitor --kernel Image', 'leave out --kernel'],
    ['--initrd rd', '--initrd needs --kernel'],
    ['--arch vax', '--arch vax: use riscv64 or s390x'],
    ['--arch s390x --guest monitor', '--arch s390x boots a kernel without firmware'],
    ['--arch s390x --bios fw', '--arch s390x boots a kernel without firmware'],
  ])('%s is a mistake', (args, message) => {
    expect(() => parseStartOptions(args.split(' '))).toThrow(OptionError);
    expect(() => parseStartOptions(args.split(' '))).toThrow(message);
  });

  it('become an emulator command line', () => {
    const options = parseStartOptions(['--smp', '2', '--append', 'quiet', '--', '-d', 'int']);
    const machine = '-M virt -m 256M -smp 2 -nographic';
    const linux = { arguments: ['-bios', 'fw', '-kernel', 'Image'], notes: [] };
    expect(emulatorArguments(options, linux).join(' ')).toBe(`${machine} -bios fw -kernel Image -append quiet -d int`);
    const mainframe = emulatorArguments(parseStartOptions(['--arch', 's390x']), {
      arguments: ['-kernel', 'k'],
      notes: [],
    });
    expect(mainframe.join(' ')).toBe('-M s390-ccw-virtio -m 256M -smp 1 -nographic -kernel k -append console=ttysclp0');
    const monitor = { arguments: ['-bios', 'monitor'], notes: [] };
    expect(emulatorArguments(options, monitor).join(' ')).toBe(`${machine} -bios monitor -d int`);
  });
});

describe('without Linux', () => {
  const plain = parseStartOptions([]);

  it.each(['no-apt', 'no-mirror', 'network'] as const)('%s: the monitor boots instead', (reason) => {
    expect(canFallBack(new DebianError(reason, ''), plain)).toBe(true);
  });

  it.each(['untrusted', 'not-found', 'bad-option'] as const)('%s is an error', (reason) => {
    expect(canFallBack(new DebianError(reason, ''), plain)).toBe(false);
  });

  it('an error stays one when the user said where to take it from', () => {
    const failure = new DebianError('network', '');
    expect(canFallBack(failure, parseStartOptions(['--mirror', 'x:/y']))).toBe(false);
    expect(canFallBack(failure, parseStartOptions(['--kernel', 'Image']))).toBe(false);
    expect(canFallBack(new Error('a bug'), plain)).toBe(false);
  });
});

describe('ProgressDisplay', () => {
  const record = (stream: Partial<DisplayStream>) => {
    const written: string[] = [];
    const display = new ProgressDisplay({ ...stream, write: (text) => written.push(text) });
    display.show({ phase: 'download', percent: 0, detail: 'a kernel' });
    display.show({ phase: 'download', percent: 50, detail: 'a kernel' });
    display.show({ phase: 'unpack', percent: 0, detail: 'a kernel' });
    display.end();
    return written;
  };

  it('writes a line for each step to a file', () => {
    expect(record({})).toEqual(['Fetching a kernel\n', 'Unpacking a kernel\n']);
  });

  it('moves a bar on a terminal, within its width, and clears it', () => {
    const written = record({ isTTY: true, columns: 40 });
    expect(written[1]).toContain('[============            ]  50 %');
    expect(written.every((text) => text.length <= 1 + 39 + 3)).toBe(true);
    expect(written.at(-1)).toBe('\r\u001b[K');
  });
});
