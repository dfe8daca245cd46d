import { expect, test } from 'vitest';
import { IncomingLinks, NO_LINK } from './incoming-links.ts';

function list(links: IncomingLinks, first: number): [number, number][] {
  const found: [number, number][] = [];
  for (let link = first; link !== NO_LINK; link = links.next(link)) found.push([links.word(link), links.stub(link)]);
  return found;
}

test('lists keep apart, however many there are', () => {
  const links = new IncomingLinks();
  const firsts = [NO_LINK, NO_LINK, NO_LINK];
  const expected: [number, number][][] = [[], [], []];
  for (let n = 0; n < 20_000; n++) {
    const which = n % 3;
    firsts[which] = links.add(firsts[which] ?? NO_LINK, 0xf000_0000 + n, n * 16);
    expected[which]?.unshift([0xf000_0000 + n, n * 16]);
  }
  expect(firsts.map((first) => list(links, first))).toEqual(expected);
});

test('links of a list that was dropped are used again, and no others', () => {
  const links = new IncomingLinks();
  const kept = links.add(NO_LINK, 1, 2);
  const dropped = links.add(links.add(NO_LINK, 3, 4), 5, 6);
  links.drop(dropped);
  const again = links.add(links.add(links.add(NO_LINK, 7, 8), 9, 10), 11, 12);
  expect(list(links, kept)).toEqual([[1, 2]]);
  expect(list(links, again)).toEqual([
    [11, 12],
    [9, 10],
    [7, 8],
  ]);
  expect(again).toBeLessThanOrEqual(dropped + 1);
});
