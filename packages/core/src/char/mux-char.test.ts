import { describe, expect, it, vi } from 'vitest';
import type { CharBackend, CharEvent } from './char-backend.ts';
import { EscapeFilter } from './escapes.ts';
import { MuxChar } from './mux-char.ts';
import { PipeChar } from './pipe-char.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

function listen(char: CharBackend): { text: string; events: CharEvent[] } {
  const heard = { text: '', events: [] as CharEvent[] };
  char.onData((data) => {
    heard.text += new TextDecoder().decode(data);
  });
  char.onEvent?.((event) => heard.events.push(event));
  return heard;
}

describe('EscapeFilter', () => {
  const feed = (...keys: string[]): string[] => {
    const filter = new EscapeFilter();
    return keys.flatMap((k) =>
      [...filter.feed(ascii(k))].map((i) => (typeof i === 'string' ? i : `"${new TextDecoder().decode(i)}"`)),
    );
  };

  it.each([
    [['hello'], ['"hello"']],
    [['a\x01xb'], ['"a"', 'quit', '"b"']],
    [['\x01', 'x'], ['quit']],
    [['\x01\x01'], ['"\x01"']],
    [
      ['a\x01', '\x01b'],
      ['"a"', '"\x01b"'],
    ],
    [['\x01h\x01?\x01b'], ['help', 'help', 'break']],
    [['\x01c\x01s\x01t'], ['switch', 'commit', 'timestamps']],
    [['a\x01zb'], ['"a"', '"b"']],
    [['\x01\x01x'], ['"\x01x"']],
  ])('makes %j into %j', (keys, items) => {
    expect(feed(...keys)).toEqual(items);
  });

  it('takes another key', () => {
    expect([...new EscapeFilter(0x02).feed(ascii('\x02x'))]).toEqual(['quit']);
  });
});

describe('MuxChar', () => {
  const setUp = (more: { escape?: number; now?: () => number } = {}) => {
    const line = new PipeChar();
    const onQuit = vi.fn();
    const onCommit = vi.fn();
    return { line, onQuit, onCommit, mux: new MuxChar(line, { onQuit, onCommit, ...more }) };
  };

  it('gives keys to the device that came last, and to a monitor at Ctrl-a c', () => {
    const { line, mux } = setUp();
    const first = listen(mux.attach('device'));
    const second = listen(mux.attach('device'));
    const monitor = listen(mux.attach('monitor'));
    line.send('a');
    line.send('\x01cb');
    line.send('\x01cc\x01c\x01cd');
    expect([first.text, second.text, monitor.text]).toEqual(['c', 'a', 'bd']);
  });

  it('gives keys to a monitor while there is nobody else', () => {
    const { line, mux } = setUp();
    const monitor = listen(mux.attach('monitor'));
    line.send('help');
    const device = listen(mux.attach('device'));
    line.send('x');
    expect([monitor.text, device.text]).toEqual(['help', 'x']);
    expect(monitor.events).toEqual(['mux-out']);
  });

  it('shows what devices say always, and what a monitor says when it has the keys', () => {
    const { line, mux } = setUp();
    const device = mux.attach('device');
    const monitor = mux.attach('monitor');
    const heard = listen(monitor);
    monitor.write(ascii('prompt'));
    device.write(ascii('boot '));
    expect(line.sent).toBe('boot ');
    line.send('\x01c');
    expect(line.sent).toBe('boot prompt');
    expect(heard.events).toEqual([]);
    device.write(ascii(' more'));
    line.send('\x01c\x01c');
    expect(line.sent).toBe('boot prompt more');
    expect(heard.events).toEqual(['mux-out', 'mux-in']);
  });

  it('keeps little of what a monitor says unseen', () => {
    const { line, mux } = setUp();
    mux.attach('device');
    const monitor = mux.attach('monitor');
    for (let i = 0; i < 1000; i++) monitor.write(ascii(`${i}`.padStart(1024)));
    line.send('\x01c');
    expect(line.sent.length).toBe(64 * 1024);
    expect(line.sent.endsWith('999')).toBe(true);
  });

  it('obeys keys of the program', () => {
    const { line, mux, onQuit, onCommit } = setUp();
    const heard = listen(mux.attach('device'));
    line.send('\x01b\x01s\x01h\x03');
    expect(heard).toEqual({ text: '\x03', events: ['break'] });
    expect(onCommit).toHaveBeenCalledOnce();
    expect(line.sent).toContain('C-a c    switch between console and monitor\r\n');
    line.send('\x01x');
    expect(onQuit).toHaveBeenCalledOnce();
  });

  it('puts times before lines on request', () => {
    let now = 1000;
    const { line, mux } = setUp({ now: () => now });
    const device = mux.attach('device');
    device.write(ascii('a\n'));
    line.send('\x01t');
    now += 3_723_004;
    device.write(ascii('b\nc\n'));
    device.write(ascii('d'));
    line.send('\x01t');
    device.write(ascii('e\nf'));
    expect(line.sent).toBe('a\nb\n[01:02:03.004] c\n[01:02:03.004] de\nf');
  });

  it('holds its line back for the user that has the keys', () => {
    const line = new PipeChar();
    const held: boolean[] = [];
    const mux = new MuxChar(Object.assign(line, { canReceive: (accepting: boolean) => held.push(accepting) }), {
      onQuit: () => {},
    });
    const device = mux.attach('device');
    mux.attach('monitor');
    held.length = 0;
    device.canReceive?.(false);
    line.send('\x01c');
    device.canReceive?.(true);
    device.canReceive?.(false);
    line.send('\x01c');
    expect(held).toEqual([false, true, false]);
  });

  it('has four users, and gives the keys on when one leaves', () => {
    const { line, mux } = setUp();
    const first = listen(mux.attach('device'));
    const second = mux.attach('device');
    second.close();
    line.send('x');
    expect(first.text).toBe('x');
    for (let i = 0; i < 3; i++) mux.attach('monitor');
    expect(() => mux.attach('monitor')).toThrow('a mux takes 4 users');
  });
});
