// Sizes in binary units.

export const KiB = (n: number): number => n * 2 ** 10;
export const MiB = (n: number): number => n * 2 ** 20;
export const GiB = (n: number): number => n * 2 ** 30;
export const TiB = (n: number): number => n * 2 ** 40;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A size in the largest unit that says it exactly: `512 MiB`, `1537 MiB`, `16 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value} ${units[unit]}`;
}
