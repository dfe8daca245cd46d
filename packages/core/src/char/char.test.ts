import { describe, expect, it } from 'vitest';
import { CharFrontend } from './char-frontend.ts';
import { PipeChar } from './pipe-char.ts';
import { RingBufChar } from './ring-buf-char.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

describe('PipeChar', () => {
  it('collects what the guest sends, across split characters', () => {
    const pipe = new PipeChar();
    const data = bytes('grüß');
    for (const byte of data) pipe.write(Uint8Array.of(byte));
    expect(pipe.sent).toBe('grüß');
    expect(pipe.sentBytes).toEqual(data);
  });

  it('waits for text and goes on behind it', async () => {
    const pipe = new PipeChar();
    const first = pipe.waitFor(/login (\w+):/);
    const second = pipe.waitFor('login');
    pipe.write(bytes('hello\nlogin ro'));
    pipe.write(bytes('ot: '));
    expect(await first).toEqual({ match: ['login root:', 'root'], before: 'hello\n' });
    pipe.write(bytes('again login'));
    expect((await second).before).toBe(' again ');
  });

  it('shows the output when it waits in vain, and when it is closed', async () => {
    const pipe = new PipeChar();
    pipe.write(bytes('panic!'));
    await expect(pipe.waitFor('$ ', { timeoutMs: 5 })).rejects.toThrow(/"\$ " not seen in 5 ms[\s\S]*panic!/);
    const waiting = pipe.waitFor('x');
    pipe.close();
    await expect(waiting).rejects.toThrow(/closed/);
    await expect(pipe.waitFor('panic')).resolves.toBeDefined();
    expect(() => pipe.send('x')).toThrow(/closed/);
  });

  it('keeps early input for the device', () => {
    const pipe = new PipeChar();
    pipe.send('ab');
    const got: string[] = [];
    pipe.onData((data) => got.push(text(data)));
    pipe.send('c');
    expect(got).toEqual(['ab', 'c']);
  });
});

describe('RingBufChar', () => {
  it('keeps the last bytes and gives each once', () => {
    const ring = new RingBufChar(4);
    ring.write(bytes('abc'));
    expect(text(ring.read(2))).toBe('ab');
    ring.write(bytes('defgh'));
    expect(ring.count).toBe(4);
    expect(text(ring.read())).toBe('efgh');
    expect(ring.count).toBe(0);
    expect(ring.read(3)).toHaveLength(0);
  });

  it('has a size that is a power of two', () => {
    expect(() => new RingBufChar(100)).toThrow('size of a ringbuf must be a power of two');
  });
});

describe('CharFrontend', () => {
  it('feeds a small FIFO as it empties and holds the peer back meanwhile', () => {
    const pipe = new PipeChar();
    const flow: boolean[] = [];
    const backend = Object.assign(pipe, { canReceive: (accepting: boolean) => flow.push(accepting) });
    const fifo: number[] = [];
    const frontend = new CharFrontend(backend, {
      canReceive: () => 2 - fifo.length,
      receive: (byte) => fifo.push(byte),
    });
    pipe.send('abcde');
    expect(fifo).toHaveLength(2);
    expect(frontend.pending).toBe(3);
    let all = '';
    while (fifo.length > 0) {
      all += String.fromCharCode(fifo.shift() ?? 0);
      frontend.poll();
    }
    expect(all).toBe('abcde');
    expect(flow).toEqual([false, true]);
    frontend.writeByte(0x41);
    expect(pipe.sent).toBe('A');
  });
});
