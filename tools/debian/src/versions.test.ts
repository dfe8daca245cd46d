import { describe, expect, it } from 'vitest';
import { compareVersions } from './versions.ts';

describe('compareVersions', () => {
  it.each([
    ['6.12.94-1', '6.12.107-1'],
    ['1.6-1', '1.6-1+b1'],
    ['1.0~rc1-1', '1.0-1'],
    ['9.9-9', '1:0.1-1'],
    ['2025.01-3', '2025.01-3+deb13u1'],
    ['1.0', '1.0-1'],
    ['1.0a', '1.0+b'],
    ['1.0~~', '1.0~'],
    ['1.09', '1.10'],
  ])('%s is older than %s', (older, newer) => {
    expect(compareVersions(older, newer)).toBeLessThan(0);
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
  });

  it('takes equal numbers for equal', () => {
    expect(compareVersions('0:1.007-1', '1.7-1')).toBe(0);
  });
});
