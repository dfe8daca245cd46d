// Sizes in binary units.

/** `n` times 2^10, bytes. */
export const KiB = (n: number): number => n * 2 ** 10;
/** `n` times 2^20, bytes. */
export const MiB = (n: number): number => n * 2 ** 20;
/** `n` times 2^30, bytes. */
export const GiB = (n: number): number => n * 2 ** 30;
/** `n` times 2^40, bytes. */
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
