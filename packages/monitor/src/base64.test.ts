import { expect, it } from 'vitest';
import { formatBase64, parseBase64 } from './base64.ts';

it('bytes come back as they were, however many', () => {
  for (const length of [0, 1, 2, 3, 10_000]) {
    const bytes = Uint8Array.from({ length }, (_, n) => n * 7);
    expect(parseBase64(formatBase64(bytes))).toEqual(bytes);
  }
  expect(parseBase64('AQ\nID\n')).toEqual(Uint8Array.of(1, 2, 3));
});

it.each(['*', 'AAA', 'AA=A', 'A===', 'AAAA=', ' AAAA', 'AA\rAA'])('%j is none', (text) => {
  expect(() => parseBase64(text)).toThrow('Base64 data contains invalid characters');
});
