/** The virtual address whose halves are given, unsigned. */
export function pcOf(lo: number, hi: number): bigint {
  return BigInt.asUintN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0));
}
