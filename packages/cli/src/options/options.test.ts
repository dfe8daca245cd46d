import { describe, expect, it } from 'vitest';
import { CommandLine, forOption } from './command-line.ts';
import { helpTopic, KeyValues } from './key-values.ts';
import { helpText, OPTIONS } from './table.ts';

describe('CommandLine', () => {
  it('takes one dash or two, short and long names', () => {
    const line = new CommandLine(['--machine', 'virt', '-M', 'smp.cpus=2', '-nographic', '-append', '-x']);
    expect(line.all('machine')).toEqual(['virt', 'smp.cpus=2']);
    expect(line.last('append')).toBe('-x');
    expect(line.has('nographic')).toBe(true);
    expect(line.has('snapshot')).toBe(false);
    expect(line.last('kernel')).toBeUndefined();
  });

  it.each([
    [['-m'], '-m: requires an argument'],
    [['--frob'], '--frob: invalid option'],
    [['disk.img'], "unexpected argument 'disk.img'"],
    [['-'], "unexpected argument '-'"],
    [['---m', '1'], '---m: invalid option'],
    [['-constructor'], '-constructor: invalid option'],
  ])('refuses %j', (argv, message) => {
    expect(() => new CommandLine(argv)).toThrow(message);
  });

  it('names the option of an error once', () => {
    const fail = (): never => forOption('smp', () => forOption('m', () => new KeyValues('a=1').finish() as never));
    expect(fail).toThrow(/^-m: invalid parameter 'a'$/);
  });
});

describe('KeyValues', () => {
  const parse = (text: string, first?: string): Record<string, string> => new KeyValues(text, first).rest();

  it.each([
    ['virt,a=1,b', 'type', { type: 'virt', a: '1', b: 'on' }],
    ['a=1,', undefined, { a: '1' }],
    ['file=a,,b,x=,,', undefined, { file: 'a,b', x: ',' }],
    ['a=b=c', undefined, { a: 'b=c' }],
    ['a=1,a=2', undefined, { a: '2' }],
    ['', 'type', {}],
  ])('reads %j', (text, first, values) => {
    expect(parse(text, first)).toEqual(values);
  });

  it('refuses what nobody took, and values of the wrong kind', () => {
    const values = new KeyValues('a=1,b=x,c=maybe,d=-1,e=2.5M,f=zz');
    expect(values.count('a')).toBe(1);
    expect(() => values.count('b')).toThrow("parameter 'b' expects a number, not 'x'");
    expect(() => values.bool('c')).toThrow("Parameter 'c' expects 'on' or 'off'");
    expect(() => values.count('d')).toThrow("parameter 'd' expects a number");
    expect(values.size('e')).toBe(2.5 * 2 ** 20);
    expect(() => values.finish()).toThrow("invalid parameter 'f'");
    expect(() => new KeyValues('=1')).toThrow("'=1' has no name");
    expect(() => new KeyValues('a=').require('a')).toThrow("parameter 'a' is missing");
    expect(() => new KeyValues('if=ide').choice('if', ['virtio', 'none'])).toThrow(
      'if=ide is not supported; virtio, none are',
    );
  });

  it('sees a request for help', () => {
    expect(['help', '?', 'virt,help', 'type=virt,help', 'virt', 'help=1'].map(helpTopic)).toEqual([
      '',
      '',
      'virt',
      'virt',
      undefined,
      undefined,
    ]);
  });
});

it('the help shows every option', () => {
  const text = helpText('boardwalk-system-riscv64');
  for (const name of Object.keys(OPTIONS)) expect(text).toMatch(new RegExp(`^  .*-${name}\\b`, 'm'));
});
