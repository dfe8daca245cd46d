import { expect, test } from 'vitest';
import { Fields, FORMATS } from './formats.ts';

const fieldsOf = (name: string, a: number, b = 0, c = 0): Partial<Fields> => {
  const fields = new Fields();
  FORMATS.get(name)?.fill(fields, { a, b, c });
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0));
};

test('long displacements are signed, the high part behind the low', () => {
  expect(fieldsOf('RXY-a', 0xe312, 0x3004, 0xff58)).toEqual({ r1: 1, x2: 2, b2: 3, d2: -0xffc });
  expect(fieldsOf('SIY', 0xeb7f, 0x1234, 0x1251)).toEqual({ i2: 0x7f, b1: 1, d1: 0x1_2234 });
});

test('relative addresses are signed and in bytes', () => {
  expect(fieldsOf('RIL-b', 0xc015, 0xffff, 0xfffe)).toEqual({ r1: 1, ri: -4 });
  expect(fieldsOf('MII', 0xc5ff, 0xff00, 0x0001)).toEqual({ m1: 15, ri: -2, i3: 1 });
});

test('the fifth bit of a vector register is by its place in the instruction', () => {
  expect(fieldsOf('VRI-c', 0xe712, 0x0003, 0x2c4d)).toEqual({ v1: 0x11, v3: 0x12, i2: 3, m4: 2 });
  expect(fieldsOf('VRR-d', 0xe712, 0x3200, 0x4f8c)).toEqual({ v1: 0x11, v2: 0x12, v3: 0x13, v4: 0x14, m5: 2 });
  expect(fieldsOf('VRS-d', 0xe602, 0x3004, 0x5137)).toEqual({ v1: 0x15, r3: 2, b2: 3, d2: 4 });
});

test('a field that has two names is in both', () => {
  expect(fieldsOf('RR', 0x07fe)).toEqual({ r1: 15, m1: 15, r2: 14 });
});
