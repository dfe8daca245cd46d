import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonReader } from './reader.ts';
import { formatJson, type JsonValue } from './value.ts';

/** What a reader makes of bytes: values as `[value]`, errors as texts. */
function read(input: string | Uint8Array, pieces = 1, limits = {}): (string | [JsonValue])[] {
  const found: (string | [JsonValue])[] = [];
  const reader = new JsonReader(
    (value) => found.push([value]),
    (message) => found.push(message),
    limits,
  );
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  for (let at = 0; at < bytes.length; at += pieces) reader.feed(bytes.subarray(at, at + pieces));
  return found;
}

const parseError = (problem: string): string => `JSON parse error, ${problem}`;

describe('a stream of JSON', () => {
  it.each<[string, JsonValue]>([
    ['{"a": [1, -2.5e1, true, false, null], "b": {}} ', { a: [1, -25, true, false, null], b: {} }],
    ["{'execute': 'it\\'s \"quoted\"'}", { execute: 'it\'s "quoted"' }],
    ['"\\u00e9\\ud83d\\ude00\\n\\/\\b"', 'é😀\n/\b'],
    ['18446744073709551615 ', 18446744073709551615n],
    ['-9223372036854775808 ', -9223372036854775808n],
    ['9007199254740991 ', 9007199254740991],
    ['99999999999999999999 ', 1e20],
    ['{"__proto__": 1}', JSON.parse('{"__proto__": 1}')],
    ['"\ufffd"', '\ufffd'],
  ])('reads %s', (text, value) => {
    expect(read(text)).toEqual([[value]]);
    expect(read(text, 1)).toEqual([[value]]);
  });

  it('gives a message as soon as it is complete, whatever the pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        (values, n) => {
          // Top-level numbers and words need something after them to be complete.
          const texts = values.map((value) => formatJson([value]));
          const found = read(texts.join(''), n);
          expect(found.map((message) => formatJson(message[0]))).toEqual(texts);
        },
      ),
    );
  });

  // Answers read off QEMU 7.2, one for each mistake.
  it.each([
    ['foo ', parseError("invalid keyword 'foo'")],
    ['{"a" 1}', parseError('missing : in object pair')],
    ['{"a": 1 "b": 2}', parseError('expected separator in dict')],
    ['{"a": 1]', parseError('expected separator in dict')],
    ['[1 2]', parseError('expected separator in list')],
    ['{1: 2}', parseError('key is not a string in object')],
    ['{"a": 1, "a": 2}', parseError('duplicate key')],
    ['}', parseError('expecting value')],
    ['{,}', parseError('expecting value')],
    ['[1,]', parseError('expecting value')],
    ['"\\x41"', parseError('invalid escape sequence in string')],
    ['"\\ud83d"', parseError('\\ud83d is not a valid Unicode character')],
    ['01 ', parseError("stray '01'")],
    ['1. ', parseError("stray '1. '")],
    ['# comment\n', parseError("stray '#'")],
    ['"a\n', parseError("stray '\"a\n'")],
    ['\u0001', parseError("stray '\u0001'")],
  ])('answers %j and goes on', (text, message) => {
    expect(read(`${text}\n{"next": 1}`)).toEqual([message, [{ next: 1 }]]);
  });

  it('refuses strings that are no UTF-8', () => {
    expect(read(Uint8Array.of(0x22, 0xc3, 0x28, 0x22, 0x20, 0x7b, 0x7d))).toEqual([
      parseError('invalid UTF-8 sequence in string'),
      [{}],
    ]);
  });

  it.each([
    ['nesting', 'JSON nesting depth limit exceeded', '['.repeat(1025), {}],
    ['tokens', 'JSON token count limit exceeded', `[${'1,'.repeat(30)}`, { tokens: 50 }],
    ['size', 'JSON token size limit exceeded', `"${'a'.repeat(200)}"`, { tokenBytes: 100 }],
    ['message', 'JSON token size limit exceeded', `[${'"aaaaaaaaaa",'.repeat(20)}`, { messageSize: 150 }],
  ])('has a limit on %s', (_what, message, text, limits) => {
    expect(read(text, 7, limits)[0]).toBe(message);
    expect(read(`${text}\n{"next": 1}`, 7, limits).at(-1)).toEqual([{ next: 1 }]);
  });

  it('reads nesting up to the limit', () => {
    expect(read(`${'['.repeat(1024)}${']'.repeat(1024)}`)).toHaveLength(1);
  });

  it('is back in order after any bytes, once a control character has come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const ask = new TextEncoder().encode('\n{"execute": "x"}');
        const found = read(Uint8Array.of(...noise, 0xff, ...ask));
        expect(found.at(-1)).toEqual([{ execute: 'x' }]);
        expect(found.at(-2)).toMatch(/^JSON parse error, /);
      }),
    );
  });
});

describe('JSON text', () => {
  it('is ASCII, keeps 64-bit integers, and leaves out what is undefined', () => {
    expect(formatJson({ a: 2n ** 64n - 1n, b: undefined, c: ['é\u007f\n', null, -1.5], d: Number.NaN })).toBe(
      '{"a": 18446744073709551615, "c": ["\\u00e9\\u007f\\n", null, -1.5], "d": null}',
    );
  });

  it('reads back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(formatJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
