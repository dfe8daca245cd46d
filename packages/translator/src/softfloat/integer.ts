/** Integer formats that floating point numbers are converted to and from. */
export interface IntegerFormat {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

export function integerName(integer: IntegerFormat): string {
  return `${integer.signed ? 'i' : 'u'}${integer.bits}`;
}
