import { expect, it } from 'vitest';
import { createObjectTree, requireObject } from '../object/index.ts';
import { Chardev } from './chardev.ts';
import { MuxChar } from './mux-char.ts';
import { PipeChar } from './pipe-char.ts';

const bytes = new TextEncoder().encode('x');
const place = (chardev: Chardev): Chardev => requireObject(createObjectTree(), '/chardevs').addChild('c', chardev);

it('has one user, and another when that has let go', () => {
  const backend = new PipeChar();
  const chardev = place(new Chardev({ backend, filename: () => 'pipe' }));
  const user = chardev.attach('device');
  let heard = '';
  user.onData((data) => {
    heard += new TextDecoder().decode(data);
  });
  backend.send('a');
  expect(() => chardev.attach('monitor')).toThrow("Device 'c' is in use");
  user.close();
  user.close();
  expect(chardev.used).toBe(false);
  backend.send('b');
  user.write(bytes);
  expect([heard, backend.sent]).toEqual(['a', '']);
  chardev.attach('monitor').write(bytes);
  expect(backend.sent).toBe('x');
  expect(chardev.filename).toBe('pipe');
});

it('that is shared has several', () => {
  const backend = new PipeChar();
  const chardev = place(
    new Chardev({ backend, mux: new MuxChar(backend, { onQuit: () => {} }), filename: () => 'mux' }),
  );
  chardev.attach('device').write(bytes);
  chardev.attach('monitor').close();
  expect(chardev.used).toBe(true);
  expect(backend.sent).toBe('x');
});
