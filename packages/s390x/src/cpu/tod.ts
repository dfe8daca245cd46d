/**
 * The TOD clock: 64 bits whose bit 51 is a microsecond, since 1900. Principles of Operation, SA22-7832, chapter "Control",
 * "Timing". Units are 2^-12 microseconds: 512 of them are 125 ns.
 */

/** The TOD clock's value at the beginning of 1970, UTC. */
export const TOD_UNIX_EPOCH = 0x7d91_048b_ca00_0000n;

/** Units in virtual time. @param ns nanoseconds, whole or not */
export function unitsOf(ns: number): bigint {
  return (BigInt(Math.floor(ns)) * 512n) / 125n;
}

/** The first nanosecond at which so many units have passed; Infinity where that is too far away to matter. */
export function nanosecondsOf(units: bigint): number {
  const ns = (units * 125n + 511n) / 512n;
  return ns > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(ns);
}

/** The TOD clock's value at a time in ms since 1970. */
export function todOfUnix(ms: number): bigint {
  return TOD_UNIX_EPOCH + BigInt(Math.floor(ms)) * 4_096_000n;
}
