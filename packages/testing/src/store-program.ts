// A program for each architecture's CPUs that stores 32 bits into memory.

import type { MachineOptions } from '@boardwalk/core';

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

/** sam64; larl %r1,data; lg %r2,0(%r1); l %r3,8(%r1); st %r3,0(%r2); larl %r1,wait; lpswe 0(%r1); a wait that I/O could end. */
const S390X = '010ec01000000013e320100000045830100850302000c01000000011b2b21000';
const S390X_START = 0x200;
const S390X_SHORT_PSW = 0x0008_0000_8000_0000n;
const S390X_WAIT_FOR_IO = 0x0202_0001_8000_0000n;

/** For absolute 0, with the PSW that starts it. */
function s390x({ address, value }: GuestStore): Uint8Array {
  const kernel = new Uint8Array(0x240);
  const view = new DataView(kernel.buffer);
  view.setBigUint64(0, S390X_SHORT_PSW | BigInt(S390X_START));
  for (let i = 0; i < S390X.length; i += 2) kernel[S390X_START + i / 2] = Number.parseInt(S390X.slice(i, i + 2), 16);
  view.setBigUint64(S390X_START + 0x28, BigInt(address));
  // The suite looks for the bytes as a little-endian guest stores them.
  view.setUint32(S390X_START + 0x30, value, true);
  view.setBigUint64(S390X_START + 0x38, S390X_WAIT_FOR_IO);
  return kernel;
}

/**
 * Options with a program that stores `value`, its low byte first, at `address` and then does nothing. It runs wherever the board loads
 * it, in the mode that CPUs start in.
 * @param arch as in `BoardDefinition.arch`
 * @throws Error for an architecture that none has been written for
 */
export function storeProgram(arch: string, store: GuestStore): MachineOptions {
  switch (arch) {
    case 'riscv32':
      return { firmware: riscv(32, store) };
    case 'riscv64':
      return { firmware: riscv(64, store) };
    case 's390x':
      return { kernel: s390x(store) };
    default:
      throw new Error(`there is no program for ${arch}: add one to storeProgram, or give the suite \`guestStore\``);
  }
}
