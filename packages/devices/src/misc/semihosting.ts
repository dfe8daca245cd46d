// Semihosting: a program asks its debugger, here the emulator, to print, to tell the time, or to end with a status.
// After: Arm, "Semihosting for AArch32 and AArch64" (release 2.0), whose operations RISC-V takes over. Of files only the
// console (":tt") can be opened: the guest is not trusted with the host's.

import type { Machine, SemihostingOptions } from '@boardwalk/core';

/** The guest as an operation sees it. */
export interface SemihostingGuest {
  /** Bytes in a word of a parameter block: 4 or 8. */
  readonly wordBytes: 4 | 8;
  /** Reads at an address of the program's; false where it cannot be read. */
  read(address: bigint, into: Uint8Array): boolean;
  /** Writes there; false where it cannot be written. */
  write(address: bigint, bytes: Uint8Array): boolean;
}

const SYS = {
  open: 0x01,
  close: 0x02,
  writeC: 0x03,
  write0: 0x04,
  write: 0x05,
  isTty: 0x09,
  clock: 0x10,
  time: 0x11,
  errno: 0x13,
  getCommandLine: 0x15,
  exit: 0x18,
  exitExtended: 0x20,
  tickFrequency: 0x31,
} as const;

/** A program that ended by itself (ADP_Stopped_ApplicationExit): its status counts. */
const APPLICATION_EXIT = 0x20026n;
const FAILURE = -1n;
const ENOENT = 2n;
const E2BIG = 7n;
const EBADF = 9n;
const EFAULT = 14n;
const ENOSYS = 38n;
/** The console as a file; 0 is no handle. */
const CONSOLE = 1n;
/** A text without an end, or a write beyond this, is not the guest's wish but its mistake. */
const MAX_BYTES = 1 << 20;
const CENTISECONDS = 100;

/** Answers the calls of one machine. What is printed goes to its first serial port. */
export class Semihosting {
  readonly #machine: Machine;
  readonly #options: SemihostingOptions;
  #errno = 0n;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { semihosting } = machine.options;
    this.#options = typeof semihosting === 'object' ? semihosting : {};
  }

  /**
   * Performs an operation, and gives the value that the program finds in its result register.
   *
   * @param parameter the operation's argument: mostly the address of a block of words
   */
  call(operation: number, parameter: bigint, guest: SemihostingGuest): bigint {
    const words = (count: number): bigint[] | undefined => readWords(guest, parameter, count);
    const ns = this.#machine.clock.now();
    switch (operation) {
      case SYS.writeC:
        return this.#write(guest, parameter, 1);
      case SYS.write0:
        return this.#writeText(guest, parameter);
      case SYS.open:
        return this.#open(guest, words(3));
      case SYS.close:
        return words(1)?.[0] === CONSOLE ? 0n : this.#fail(EBADF);
      case SYS.isTty:
        return words(1)?.[0] === CONSOLE ? 1n : this.#fail(EBADF);
      case SYS.write:
        return this.#writeFile(guest, words(3));
      case SYS.clock:
        return BigInt(Math.floor((ns / 1e9) * CENTISECONDS));
      case SYS.time:
        return BigInt(Math.floor(this.#machine.wallClockMs() / 1000));
      case SYS.tickFrequency:
        return 1_000_000_000n;
      case SYS.errno:
        return this.#errno;
      case SYS.getCommandLine:
        return this.#commandLine(guest, parameter, words(2));
      case SYS.exit:
        // In 32-bit programs the parameter is the reason itself, and there is no status.
        return this.#exit(guest.wordBytes === 4 ? [parameter, parameter === APPLICATION_EXIT ? 0n : 1n] : words(2));
      case SYS.exitExtended:
        return this.#exit(words(2));
      default:
        return this.#fail(ENOSYS);
    }
  }

  #fail(errno: bigint): bigint {
    this.#errno = errno;
    return FAILURE;
  }

  #exit(block: readonly bigint[] | undefined): bigint {
    const [reason, status = 0n] = block ?? [];
    const code = reason === APPLICATION_EXIT ? Number(BigInt.asUintN(8, status)) : 1;
    this.#machine.shutdown('guest', code);
    return FAILURE;
  }

  #write(guest: SemihostingGuest, address: bigint, length: number): bigint {
    const bytes = new Uint8Array(length);
    if (!guest.read(address, bytes)) return this.#fail(EFAULT);
    (this.#options.console ?? this.#machine.options.serials?.[0])?.write(bytes);
    return 0n;
  }

  #writeText(guest: SemihostingGuest, address: bigint): bigint {
    const byte = new Uint8Array(1);
    for (let length = 0; length < MAX_BYTES; length++) {
      if (!guest.read(address + BigInt(length), byte)) return this.#fail(EFAULT);
      if (byte[0] === 0) return this.#write(guest, address, length);
    }
    return this.#fail(EFAULT);
  }

  /** The block says where it goes and how many bytes there are, with the zero at its end; afterwards its length is there. */
  #commandLine(guest: SemihostingGuest, at: bigint, block: readonly bigint[] | undefined): bigint {
    const [address, room] = block ?? [];
    if (address === undefined || room === undefined) return this.#fail(EFAULT);
    const text = new TextEncoder().encode(this.#options.commandLine ?? '');
    if (BigInt(text.length) >= room) return this.#fail(E2BIG);
    const length = new Uint8Array(guest.wordBytes);
    new DataView(length.buffer).setUint32(0, text.length, true);
    const isThere =
      guest.write(address, Uint8Array.of(...text, 0)) && guest.write(at + BigInt(guest.wordBytes), length);
    return isThere ? 0n : this.#fail(EFAULT);
  }

  #open(guest: SemihostingGuest, block: readonly bigint[] | undefined): bigint {
    const [address, , length] = block ?? [];
    if (address === undefined || length !== 3n) return this.#fail(ENOENT);
    const name = new Uint8Array(3);
    if (!guest.read(address, name)) return this.#fail(EFAULT);
    return new TextDecoder().decode(name) === ':tt' ? CONSOLE : this.#fail(ENOENT);
  }

  /** Gives the number of bytes that were not written, as the operation is defined. */
  #writeFile(guest: SemihostingGuest, block: readonly bigint[] | undefined): bigint {
    const [handle, address, length] = block ?? [];
    if (address === undefined || length === undefined) return this.#fail(EFAULT);
    if (handle !== CONSOLE || length > BigInt(MAX_BYTES)) {
      this.#fail(EBADF);
      return length;
    }
    return this.#write(guest, address, Number(length)) === 0n ? 0n : length;
  }
}

function readWords(guest: SemihostingGuest, address: bigint, count: number): bigint[] | undefined {
  const bytes = new Uint8Array(count * guest.wordBytes);
  if (!guest.read(address, bytes)) return undefined;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) =>
    guest.wordBytes === 8 ? view.getBigUint64(i * 8, true) : BigInt(view.getUint32(i * 4, true)),
  );
}
