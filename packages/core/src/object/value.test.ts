import { describe, expect, test } from 'vitest';
import { convertValue, parseBool, parseInteger, parseSize, UserError } from './index.ts';

describe('sizes', () => {
  test.each<[string, number]>([
    ['0', 0],
    ['512', 512],
    ['1k', 1024],
    ['16K', 16384],
    ['512M', 536870912],
    ['1.5G', 1610612736],
    ['.5k', 512],
    ['2T', 2 ** 41],
    ['8B', 8],
    ['0x1000', 4096],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text, 'size')).toBe(bytes);
  });

  test('a number without a suffix has the default unit', () => {
    expect(parseSize('128', 'size', 'M')).toBe(128 << 20);
    expect(parseSize('128K', 'size', 'M')).toBe(128 << 10);
  });

  test.each(['', 'zz', '-1', '1.5', '1KB', '4 M', '1.5B'])('%s is no size', (text) => {
    expect(() => parseSize('99999999T', 'size')).toThrow("Value '99999999T' is out of range for parameter 'size'");
    expect(() => parseSize(text, 'size')).toThrow(new UserError("Parameter 'size' expects a size value"));
  });
});

describe('integers', () => {
  test.each<[string, bigint]>([
    ['0', 0n],
    ['42', 42n],
    ['-42', -42n],
    ['+7', 7n],
    ['0x1F', 31n],
    ['-0x10', -16n],
    ['017', 15n],
    ['0xffffffffffffffff', 0xffff_ffff_ffff_ffffn],
  ])('%s is %d', (text, value) => {
    expect(parseInteger(text, 'n')).toBe(value);
  });

  test.each(['', '1.5', '0x', '08', '1k', 'ten'])('%s is no integer', (text) => {
    expect(() => parseInteger(text, 'n')).toThrow(new UserError("Parameter 'n' expects integer"));
  });

  test.each<[string, string, unknown]>([
    ['uint8', '255', 255],
    ['int8', '-128', -128],
    ['uint64', '0x20000000000000', 2n ** 53n],
    ['uint64', '-1', 2n ** 64n - 1n],
    ['int64', '-5', -5],
    ['int', '9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('a property of type %s takes %s', (type, text, value) => {
    expect(convertValue({ name: 'n', type, description: '' }, text, true)).toBe(value);
  });

  test.each<[string, string, string]>([
    ['uint8', '256', 'uint8_t'],
    ['uint16', '-1', 'uint16_t'],
    ['int8', '128', 'int8_t'],
    ['int', '0x8000000000000000', 'int64_t'],
  ])('a property of type %s does not take %s', (type, text, label) => {
    expect(() => convertValue({ name: 'n', type, description: '' }, text, true)).toThrow(
      new UserError(`Parameter 'n' expects ${label}`),
    );
  });
});

test.each(['on', 'yes', 'true', 'y'])('%s is true', (text) => {
  expect(parseBool(text, 'b')).toBe(true);
});

test.each(['off', 'no', 'false', 'n'])('%s is false', (text) => {
  expect(parseBool(text, 'b')).toBe(false);
});

test('an enumeration takes its values only', () => {
  const policy = { name: 'policy', type: 'HostMemPolicy', description: '', values: ['default', 'bind'] };
  expect(convertValue(policy, 'bind', true)).toBe('bind');
  expect(() => convertValue(policy, 'zz', true)).toThrow(
    new UserError("Parameter 'policy' does not accept value 'zz'"),
  );
  expect(() => convertValue(policy, 3, false)).toThrow(
    new UserError("Invalid parameter type for 'policy', expected: string"),
  );
});

test('a type of its own reads its values itself', () => {
  const nodes = { name: 'host-nodes', type: 'int', description: '', parse: (v: unknown) => String(v).split('-') };
  expect(convertValue(nodes, '0-3', true)).toEqual(['0', '3']);
});

test('numbers and strings', () => {
  const number = { name: 'x', type: 'number', description: '' };
  const str = { name: 's', type: 'str', description: '' };
  expect(convertValue(number, '1.25', true)).toBe(1.25);
  expect(() => convertValue(number, 'zz', true)).toThrow(new UserError("Parameter 'x' expects number"));
  expect(convertValue(str, '12', true)).toBe('12');
  expect(() => convertValue(str, 12, true)).toThrow(new UserError("Invalid parameter type for 's', expected: string"));
});

test('a type that nobody knows is a fault of the program, not of the user', () => {
  expect(() => convertValue({ name: 'x', type: 'colour', description: '' }, 'red', true)).toThrow(/unknown type/);
});
