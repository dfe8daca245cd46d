// Sizes: as users write them, as boards write them in code, and as error texts show them.

const UNITS = ['', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const SUFFIXES = ['', 'K', 'M', 'G', 'T'] as const;

/** Bytes of `512M`, `16K`, `1G` or a plain number; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits = '', suffix = ''] = /^([0-9]+)([KMGT]?)$/i.exec(text) ?? [];
  if (digits === '') return undefined;
  const bytes = Number(digits) * 1024 ** SUFFIXES.indexOf(suffix.toUpperCase() as (typeof SUFFIXES)[number]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function largestUnit(bytes: number): { value: number; unit: number } {
  let unit = 0;
  let value = bytes;
  for (; value % 1024 === 0 && unit < UNITS.length - 1; unit++) value /= 1024;
  return { value, unit };
}

/** `512 MiB`, as core's `formatBytes` does. */
export function formatSize(bytes: number): string {
  const { value, unit } = largestUnit(bytes);
  return `${value} ${unit === 0 ? 'B' : UNITS[unit]}`;
}

/** `512M`, as options take it. */
export function sizeOption(bytes: number): string {
  const { value, unit } = largestUnit(bytes);
  return `${value}${SUFFIXES[unit]}`;
}

/** `MiB(512)`: what stands in a board's file. A size is a multiple of 4 KiB, so there is always a unit. */
export function sizeCode(bytes: number): { readonly code: string; readonly unit: string } {
  const { value, unit } = largestUnit(bytes);
  const name = UNITS[unit] ?? '';
  return { code: `${name}(${value})`, unit: name };
}
