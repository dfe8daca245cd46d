// A program for each architecture's CPUs that stores 32 bits into memory, wherever it is loaded.

/** What a guest is made to store. */
export interface GuestStore {
  /** Physical address, a multiple of 8. */
  readonly address: number;
  /** 32 bits. */
  readonly value: number;
}

/** From its own start on: loads address and value from behind itself, stores, and waits for ever. */
const RISCV = {
  auipcT0: 0x00000297, // auipc t0, 0
  ldT1: 0x0182b303, // ld t1, 24(t0)
  lwT1: 0x0182a303, // lw t1, 24(t0)
  lwT2: 0x0202a383, // lw t2, 32(t0)
  sw: 0x00732023, // sw t2, 0(t1)
  wfi: 0x10500073,
  back: 0xffdff06f, // j -4
} as const;

function riscv(bits: 32 | 64, { address, value }: GuestStore): Uint8Array {
  const { auipcT0, ldT1, lwT1, lwT2, sw, wfi, back } = RISCV;
  const program = [auipcT0, bits === 64 ? ldT1 : lwT1, lwT2, sw, wfi, back];
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  for (const [i, instruction] of program.entries()) view.setUint32(i * 4, instruction, true);
  view.setBigUint64(24, BigInt(address), true);
  view.setUint32(32, value, true);
  return bytes;
}

/**
 * A program that stores `value` at `address` and then does nothing. It runs at any address that is a multiple of 8, in the mode that
 * CPUs start in.
 * @param arch as in `BoardDefinition.arch`
 * @throws Error for an architecture that none has been written for
 */
export function storeProgram(arch: string, store: GuestStore): Uint8Array {
  switch (arch) {
    case 'riscv32':
      return riscv(32, store);
    case 'riscv64':
      return riscv(64, store);
    default:
      throw new Error(`there is no program for ${arch}: add one to storeProgram, or give the suite \`guestStore\``);
  }
}
