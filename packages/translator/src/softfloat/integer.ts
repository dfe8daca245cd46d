/** Integer formats that floating point numbers are converted to and from. */
export interface IntegerFormat {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

/** The least and the greatest integer of a format. */
export function integerRange({ bits, signed }: IntegerFormat): { readonly lowest: bigint; readonly highest: bigint } {
  return {
    lowest: signed ? -(1n << BigInt(bits - 1)) : 0n,
    highest: (1n << BigInt(signed ? bits - 1 : bits)) - 1n,
  };
}

export function integerName(integer: IntegerFormat): string {
  return `${integer.signed ? 'i' : 'u'}${integer.bits}`;
}
