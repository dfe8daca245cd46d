import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HmpClient, settled, testEmulator } from '../fixtures.ts';
import { Readline } from './readline.ts';

const ESC = String.fromCharCode(0x1b);
const SEQUENCE = new RegExp(`^${ESC}\\[(\\d*)([A-Z])$`);
const CONTROL = new RegExp(`${ESC}\\[\\d*[A-Z]|[\\s\\S]`, 'gu');

/** A terminal of one line: applies what an editor writes. */
class Terminal {
  line: string[] = [];
  cursor = 0;

  write(text: string): void {
    for (const [piece] of text.matchAll(CONTROL)) {
      const [, count = '1', letter] = SEQUENCE.exec(piece) ?? [];
      if (letter === 'C') this.cursor += Number(count);
      else if (letter === 'D') this.cursor -= Number(count);
      else if (letter === 'K') this.line.length = this.cursor;
      else if (piece === '\r') this.cursor = 0;
      else if (piece === '\n') this.line = [];
      else if (letter === undefined) this.line[this.cursor++] = piece;
    }
  }

  get text(): string {
    return this.line.join('');
  }
}

const WORDS = ['info', 'in', 'quit'];

function editor() {
  const terminal = new Terminal();
  const lines: string[] = [];
  const readline = new Readline({
    prompt: '> ',
    write: (text) => terminal.write(text),
    onLine: (line) => lines.push(line),
    complete: (text) => WORDS.filter((word) => word.startsWith(/\S*$/.exec(text)?.[0] ?? '')),
  });
  readline.start();
  const type = (keys: string): void => {
    for (let rest = keys; rest !== ''; ) {
      rest = readline.feed(rest);
      if (rest !== '' || /[\r\n]$/.test(keys)) readline.start();
    }
  };
  return { terminal, lines, readline, type };
}

const LEFT = '\x1b[D';
const RIGHT = '\x1b[C';
const UP = '\x1b[A';
const DOWN = '\x1b[B';

describe('the line editor', () => {
  it.each([
    ['inserts where the cursor is', `ac${LEFT}b`, 'abc', 2],
    ['moves by character, not by code unit', `a😀${LEFT}b`, 'ab😀', 2],
    ['erases before the cursor', 'abc\x7f\bx', 'ax', 2],
    ['erases at the cursor', `abc\x01\x1b[3~`, 'bc', 0],
    ['erases to the end and the beginning', `abcd${LEFT}${LEFT}\x0b${LEFT}\x15`, 'b', 0],
    ['erases a word', 'one two  \x17', 'one ', 4],
    ['goes to beginning and end', `bc\x1b[Ha\x1b[Fd`, 'abcd', 4],
    ['takes the keys of other terminals', `b\x1bOHa\x1bOFc\x1b[1~_\x1b[4~!`, '_abc!', 5],
    ['goes no further than the line', `ab${LEFT.repeat(5)}x${RIGHT.repeat(9)}y`, 'xaby', 4],
    ['leaves keys alone that it does not know', `a\x1b[15~\x1b[1;5Cb\x1bq`, 'ab', 2],
    ['completes a word that is the only one', 'q\t', 'quit ', 5],
    ['completes as far as words agree', 'i\t', 'in', 2],
  ])('%s', (_what, keys, line, cursor) => {
    const { terminal, type } = editor();
    type(keys);
    expect([terminal.text, terminal.cursor]).toEqual([`> ${line}`, 2 + cursor]);
  });

  it('shows the words that could be meant', () => {
    const shown: string[] = [];
    const readline = new Readline({
      prompt: '> ',
      write: (text) => shown.push(text),
      onLine: () => {},
      complete: () => ['one', 'other'],
    });
    readline.start();
    readline.feed('o\t');
    expect(shown.join('')).toBe('> o\r\none    other\r\n> o');
  });

  it('goes through the history and back to the line that was begun', () => {
    const { terminal, type, lines, readline } = editor();
    type('one\r');
    type('two\r');
    type('two\r');
    type(`thr${UP}`);
    expect(terminal.text).toBe('> two');
    type(`${UP}${UP}`);
    expect(terminal.text).toBe('> one');
    type(`${DOWN}${DOWN}${DOWN}ee\r`);
    expect(lines).toEqual(['one', 'two', 'two', 'three']);
    expect(readline.history).toEqual(['one', 'two', 'three']);
  });

  it('ends a line at CR, LF or both', () => {
    const { type, lines } = editor();
    type('a\rb\nc\r\nd\r');
    expect(lines).toEqual(['a', 'b', 'c', 'd']);
  });

  it('always shows the line that it would enter', () => {
    const keys = fc.constantFrom(
      LEFT,
      RIGHT,
      UP,
      DOWN,
      '\x7f',
      '\x01',
      '\x05',
      '\x0b',
      '\x17',
      '\x1b[3~',
      '\r',
      'a',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 60 }), (typed) => {
        const { terminal, type, lines } = editor();
        for (const key of typed) type(key);
        const shown = terminal.text;
        type('\r');
        expect(`> ${lines.at(-1)}`).toBe(shown);
      }),
    );
  });

  it('takes any bytes without an end to its lines, history or time', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 5 }), (texts) => {
        const { type, lines, readline } = editor();
        for (const text of texts) type(text);
        type(`\x05${'x'.repeat(10_000)}`);
        type('\r');
        expect(lines.at(-1)?.length).toBeLessThanOrEqual(4095);
        expect(readline.history.length).toBeLessThanOrEqual(64);
      }),
      { numRuns: 10 },
    );
  });
});

describe('completion of commands', () => {
  it.each([
    ['system_p\t', 'system_powerdown '],
    ['info sta\t', 'info status '],
    ['help info\t', 'help info '],
    ['info qom-tree /obj\t', 'info qom-tree /obj'],
    ['qom-list /obj\t', 'qom-list /objects '],
    ['object_add memory-backend-r\t', 'object_add memory-backend-ram '],
  ])('%j', async (keys, line) => {
    const client = new HmpClient(await testEmulator());
    const before = client.pipe.sent.length;
    client.pipe.send(keys);
    await settled();
    expect(client.pipe.sent.slice(before)).toBe(line);
  });
});
