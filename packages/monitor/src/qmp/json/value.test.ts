import { expect, it } from 'vitest';
import { formatJson, formatPrettyJson } from './value.ts';

it('writes one line, or a line for each member as QEMU does', () => {
  const value = { return: [{ name: 'é', size: 2n ** 64n - 1n }, {}], none: [], left: undefined };
  expect(formatJson(value)).toBe('{"return": [{"name": "\\u00e9", "size": 18446744073709551615}, {}], "none": []}');
  expect(formatPrettyJson(value)).toBe(
    [
      '{',
      '    "return": [',
      '        {',
      '            "name": "\\u00e9",',
      '            "size": 18446744073709551615',
      '        },',
      '        {',
      '        }',
      '    ],',
      '    "none": [',
      '    ]',
      '}',
    ].join('\n'),
  );
});
