// SiFive test finisher: the way for a program on a RISC-V board to end the emulation, or to reset the machine.
// After: Linux Documentation/devicetree/bindings/power/reset/syscon-poweroff.yaml and sifive,test0/test1 as RISC-V firmware (OpenSBI's "sifive_test" reset device) drives it.
// In a device tree it is also a syscon; syscon-poweroff and syscon-reboot nodes name it with these values.

import { Device, MemoryRegion } from '@boardwalk/core';
import { guestError, hex } from '../registers.ts';

/** Written to the only register: end with status 0. */
export const FINISHER_PASS = 0x5555;
/** End with the status in bits 31:16. */
export const FINISHER_FAIL = 0x3333;
/** Reset the machine. */
export const FINISHER_RESET = 0x7777;

/** The finisher's region size in bytes. */
export const FINISHER_SIZE = 0x1000;

/** The test finisher: one write-only register at offset 0. */
export class SifiveTest extends Device {
  static override readonly typeName: string = 'riscv.sifive.test';

  readonly region = this.addRegion(
    MemoryRegion.io('riscv.sifive.test', FINISHER_SIZE, {
      valid: { min: 2, max: 4 },
      read: () => 0,
      write: (offset, _size, value) => this.#write(offset, value),
    }),
  );

  #write(offset: number, value: number): void {
    const command = value & 0xffff;
    if (offset === 0 && command === FINISHER_PASS) this.machine.shutdown('guest', 0);
    else if (offset === 0 && command === FINISHER_FAIL) this.machine.shutdown('guest', value >>> 16);
    else if (offset === 0 && command === FINISHER_RESET) this.machine.reset('guest');
    else guestError(this, `write of ${hex(value)} at offset ${hex(offset)} is no command`);
  }
}
