import { PipeChar } from '@boardwalk/core';
import { expect, it } from 'vitest';
import { GatedLine } from './gated-line.ts';

it.each(['complete first', 'listener first'])(
  'keeps what comes before everything is there and somebody listens (%s)',
  async (order) => {
    const pipe = new PipeChar();
    let complete = (): void => {};
    const line = new GatedLine(
      pipe,
      new Promise((resolve) => {
        complete = resolve;
      }),
    );
    pipe.send('a');
    let heard = '';
    const listen = (): void =>
      line.onData((data) => {
        heard += new TextDecoder().decode(data);
      });
    const first = order === 'complete first' ? complete : listen;
    first();
    await Promise.resolve();
    pipe.send('b');
    expect(heard).toBe('');
    if (order === 'complete first') listen();
    else complete();
    await Promise.resolve();
    expect(heard).toBe('ab');
    pipe.send('c');
    expect(heard).toBe('abc');
  },
);
