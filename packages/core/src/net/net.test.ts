import { describe, expect, it } from 'vitest';
import { PipeChar } from '../char/index.ts';
import { NetTable } from './net-table.ts';
import { StreamNet } from './stream-net.ts';

const frame = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

function framed(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, data.length);
  bytes.set(data, 4);
  return bytes;
}

describe('Ethernet over a stream', () => {
  function cable() {
    const line = new PipeChar();
    const net = new StreamNet(line);
    const frames: number[][] = [];
    net.onFrame((bytes) => frames.push([bytes.length, bytes[0] ?? 0]));
    return { line, net, frames };
  }

  it('puts frames together, however they come', () => {
    const { line, frames } = cable();
    const bytes = Uint8Array.from([...framed(frame(60, 1)), ...framed(frame(14, 2)), ...framed(frame(1514, 3))]);
    for (let at = 0; at < bytes.length; at += 7) line.send(bytes.subarray(at, at + 7));
    expect(frames).toEqual([
      [60, 1],
      [14, 2],
      [1514, 3],
    ]);
  });

  it('drops what is no frame, and goes on behind it', () => {
    const { line, frames } = cable();
    line.send(framed(frame(5, 1)));
    line.send(framed(frame(70_000, 2)));
    line.send(framed(frame(60, 3)));
    expect(frames).toEqual([[60, 3]]);
  });

  it('sends with the length in front', () => {
    const { line, net } = cable();
    net.send(frame(14, 0x41));
    expect(line.sent).toBe(`\0\0\0\x0e${'A'.repeat(14)}`);
  });
});

it('a backend is one device’s until that is gone', () => {
  const net = new StreamNet(new PipeChar());
  const table = new NetTable(new Map([['n', net]]));
  expect(table.claim('n', '/a', 'card')).toBe(net);
  expect(() => table.claim('n', '/b', 'card')).toThrow("Property 'card.netdev' can't take value 'n', it's in use");
  expect(() => table.claim('m', '/b', 'card')).toThrow("Property 'card.netdev' can't find value 'm'");
  table.release('/a');
  expect(table.claim('n', '/b/part', 'card')).toBe(net);
  table.release('/b');
  expect(table.claim('n', '/c', 'card')).toBe(net);
});

it('a backend that is taken away leaves its device without, and its id to another', () => {
  const line = new PipeChar();
  const first = new StreamNet(line);
  const backends = new Map([['n', first]]);
  const table = new NetTable(backends);
  let lost = 0;
  let heard = 0;
  table.claim('n', '/a', 'card', () => lost++).onFrame(() => heard++);
  line.send(framed(frame(60, 1)));
  backends.delete('n');
  table.lose(first);
  table.lose(first);
  line.send(framed(frame(60, 1)));
  expect([lost, heard, table.claimedBy('/a')]).toEqual([1, 1, undefined]);
  const second = new StreamNet(new PipeChar());
  backends.set('n', second);
  expect(table.claim('n', '/b', 'card')).toBe(second);
  table.release('/a');
  expect([table.claimedBy('/a'), table.claimedBy('/b')]).toEqual([undefined, 'n']);
});
